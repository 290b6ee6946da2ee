#include <errno.h>

#include "sfu/proto/rtcp.h"
#include "tests/unit/proto/hex.h"

/* The length field is filled in by the test, zeros pad the packet to 4 bytes. */
#define HEAD "8fcd0000 11111111 22222222"

/* statuses: '.' lost, 'r' received; deltas in ticks of 250 us, in order of the received ones. */
static const struct {
    const char *name, *hex;
    int rc;
    const char *statuses;
    int32_t ticks[20];
} rows[] = {
    {"run of small", HEAD "000a 0003 000001 05 2003 010203", 0, "rrr", {1, 2, 3}},
    {"run of lost, then large",
     HEAD "ffff 0005 000001 05 0003 4002 0100 fffe 0000",
     0,
     "...rr",
     {256, -2}},
    {"one-bit vector", HEAD "0001 000e 000001 05 a001 0708 00", 0, "r............r", {7, 8}},
    {"two-bit vector", HEAD "0001 0007 000001 05 d800 04 0007", 0, "rr.....", {4, 7}},
    {"last vector partly used", HEAD "0001 0002 000001 05 bfff 0405 00", 0, "rr", {4, 5}},
    {"last run partly used", HEAD "0001 0002 000001 05 3fff 0405 00", 0, "rr", {4, 5}},
    {"all lost", HEAD "0001 0014 000001 05 0014 0000", 0, "....................", {0}},
    {"no status", HEAD "0001 0000 000001 05 2003 0102", -EBADMSG, "", {0}},
    {"8193 statuses", HEAD "0001 2001 000001 05 1fff 0002", -EBADMSG, "", {0}},
    {"empty run", HEAD "0001 0001 000001 05 2000 0102", -EBADMSG, "", {0}},
    {"reserved symbol in a run", HEAD "0001 0001 000001 05 6001 0102", -EBADMSG, "", {0}},
    {"reserved symbol in a vector", HEAD "0001 0007 000001 05 f000 0102", -EBADMSG, "", {0}},
    {"reserved symbol unused", HEAD "0001 0001 000001 05 dc00 0102", 0, "r", {1}},
    {"no chunk", HEAD "0001 0001 000001 05", -EBADMSG, "", {0}},
    {"delta missing", HEAD "0001 0003 000001 05 2003 0102", -EBADMSG, "", {0}},
    {"half a large delta", HEAD "0001 0002 000001 05 4002 0102", -EBADMSG, "", {0}},
    {"chunks do not cover", HEAD "0001 0020 000001 05 0004 0004", -EBADMSG, "", {0}},
    {"header cut", HEAD "0001 0003", -EBADMSG, "", {0}},
};

static void check(size_t i, const uint8_t *buf, size_t len)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    assert_hex_row(sfu_rtcp_first(buf, len, &it) == 0, rows[i].name);
    int rc = sfu_rtcp_next(&it, &p);
    if (rows[i].rc < 0) {
        assert_hex_row(rc == rows[i].rc, rows[i].name);
        return;
    }
    assert_hex_row(rc == 1 && p.kind == SFU_RTCP_TWCC, rows[i].name);
    struct sfu_rtcp_twcc_iter ti;
    struct sfu_rtcp_twcc_status s;
    size_t n = 0;
    size_t received = 0;
    int64_t at = (int64_t)p.twcc.reference_64ms * 64000;
    sfu_rtcp_twcc_first(&p, &ti);
    while (sfu_rtcp_twcc_next(&ti, &s)) {
        assert_hex_row(n < strlen(rows[i].statuses), rows[i].name);
        assert_hex_row(s.received == (rows[i].statuses[n] == 'r'), rows[i].name);
        assert_hex_row(s.seq == (uint16_t)(p.twcc.base_seq + n), rows[i].name);
        if (s.received) {
            assert_hex_row(s.delta_us == rows[i].ticks[received] * 250, rows[i].name);
            at += s.delta_us;
            assert_hex_row(s.arrival_us == at, rows[i].name);
            received++;
        }
        n++;
    }
    assert_hex_row(n == p.twcc.status_count && n == strlen(rows[i].statuses), rows[i].name);
}

static void feedback_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[64] = {0};
        size_t len = (hex_decode(rows[i].hex, full, sizeof full) + 3) / 4 * 4;
        full[3] = (uint8_t)(len / 4 - 1);
        uint8_t *buf = exact_copy(full, len);
        check(i, buf, len);
        free(buf);
    }
}

static void fixed_fields(void **state)
{
    (void)state;
    size_t len;
    uint8_t *buf = hex_alloc("8fcd0005 11111111 22222222 fffe 0002 fffffe 09 2002 0102", &len);
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    assert_int_equal(sfu_rtcp_first(buf, len, &it), 0);
    assert_int_equal(sfu_rtcp_next(&it, &p), 1);
    assert_true(p.ssrc == 0x11111111 && p.media_ssrc == 0x22222222);
    assert_true(p.twcc.base_seq == 65534 && p.twcc.status_count == 2);
    assert_true(p.twcc.reference_64ms == -2 && p.twcc.feedback_count == 9);
    free(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feedback_rows),
        cmocka_unit_test(fixed_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
