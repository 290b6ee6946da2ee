#include "sfu/transport/srtp_index.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/transport/unit.h"

/* One life of an SSRC: each number in turn, the index that it must get, and what the check says. */
static const struct {
    uint16_t seq;
    uint64_t index;
    int rc;
} life[] = {
    {100, 100, 0},
    {100, 100, -EALREADY},
    {99, 99, 0},
    {0, 0, 0},
    {0, 0, -EALREADY},
    {1123, 1123, 0},
    {99, 99, -EALREADY}, /* behind the window */
    {100, 100, -EALREADY},
    {101, 101, 0},     /* not seen, and just inside */
    {60000, 60000, 0}, /* before half a turn there is no turn before */
    {65535, 65535, 0},
    {0, 0x10000, 0},
    {65535, 65535, -EALREADY},
    {65534, 65534, 0}, /* late, of the turn before */
    {2, 0x10002, 0},
    {1, 0x10001, 0},
    {40000, 40000, -EALREADY}, /* more than half a turn ahead: behind */
    {30000, 0x10000 + 30000, 0},
    {60000, 0x10000 + 60000, 0},
    {5000, 0x20000 + 5000, 0}, /* more than half a turn behind: ahead */
    {5000, 0x20000 + 5000, -EALREADY},
    {60000, 0x10000 + 60000, -EALREADY},
};

static void indexes(void **state)
{
    struct sfu_srtp_stream s = {0};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(life); i++) {
        uint64_t index = sfu_srtp_index_guess(&s, life[i].seq);
        int rc = sfu_srtp_index_check(&s, index);
        if (index != life[i].index || rc != life[i].rc) {
            fail_msg("row %zu: index %llx, %d", i, (unsigned long long)index, rc);
        }
        if (rc == 0) {
            sfu_srtp_index_add(&s, index);
        }
    }
}

/* A key may not serve more packets than it has indexes. */
static void indexes_end(void **state)
{
    struct sfu_srtp_stream s = {.index = 0xffffffffffff, .rtcp_index = 0x7fffffff};
    (void)state;
    assert_int_equal(sfu_srtp_index_check(&s, sfu_srtp_index_guess(&s, 0)), -EIO);
    assert_int_equal(sfu_srtp_rtcp_check(&s, s.rtcp_index + 1), -EIO);
    assert_int_equal(sfu_srtp_rtcp_check(&s, s.rtcp_index), 0);
}

static void rtcp_window(void **state)
{
    static const struct {
        uint32_t index;
        int rc;
    } rows[] = {{1, 0},         {1, -EALREADY}, {3, 0},          {2, 0},   {200, 0},
                {3, -EALREADY}, {73, 0},        {72, -EALREADY}, {199, 0}, {199, -EALREADY}};
    struct sfu_srtp_stream s = {0};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(sfu_srtp_rtcp_check(&s, rows[i].index), rows[i].rc);
        if (rows[i].rc == 0) {
            sfu_srtp_rtcp_add(&s, rows[i].index);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(indexes),
        cmocka_unit_test(indexes_end),
        cmocka_unit_test(rtcp_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
