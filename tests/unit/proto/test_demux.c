#include "sfu/proto/demux.h"
#include "tests/unit/proto/hex.h"

/* RFC 7983, section 7, with the QUIC range of RFC 9443; RFC 5761, section 4. */
static void each_first_byte_has_its_kind(void **state)
{
    (void)state;
    static const struct {
        unsigned first, last;
        enum sfu_demux_kind kind;
    } rows[] = {
        {0, 3, SFU_DEMUX_STUN},    {4, 15, SFU_DEMUX_DROP},    {16, 19, SFU_DEMUX_DROP},
        {20, 63, SFU_DEMUX_DTLS},  {64, 79, SFU_DEMUX_TURN},   {80, 127, SFU_DEMUX_DROP},
        {128, 191, SFU_DEMUX_RTP}, {192, 255, SFU_DEMUX_DROP},
    };
    unsigned seen = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (unsigned b = rows[i].first; b <= rows[i].last; b++, seen++) {
            uint8_t buf[20] = {(uint8_t)b, 96};
            assert_int_equal(sfu_demux(buf, sizeof buf), rows[i].kind);
        }
    }
    assert_int_equal(seen, 256);
}

static void rtcp_is_told_by_its_packet_type(void **state)
{
    (void)state;
    for (unsigned pt = 0; pt < 256; pt++) {
        uint8_t buf[20] = {0x80, (uint8_t)pt};
        enum sfu_demux_kind want = pt >= 192 && pt <= 223 ? SFU_DEMUX_RTCP : SFU_DEMUX_RTP;
        assert_int_equal(sfu_demux(buf, sizeof buf), want);
    }
}

static void what_is_too_short_for_its_kind_is_dropped(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, second;
        size_t min_len;
        enum sfu_demux_kind kind;
    } rows[] = {
        {0x00, 0x01, 20, SFU_DEMUX_STUN}, {0x16, 0xfe, 13, SFU_DEMUX_DTLS},
        {0x90, 0xe0, 12, SFU_DEMUX_RTP},  {0x80, 0xc9, 8, SFU_DEMUX_RTCP},
        {0x40, 0x00, 4, SFU_DEMUX_TURN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t buf[24] = {rows[i].first, rows[i].second};
        for (size_t len = 0; len <= sizeof buf; len++) {
            uint8_t *p = exact_copy(buf, len);
            assert_int_equal(sfu_demux(p, len),
                             len >= rows[i].min_len ? rows[i].kind : SFU_DEMUX_DROP);
            free(p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_first_byte_has_its_kind),
        cmocka_unit_test(rtcp_is_told_by_its_packet_type),
        cmocka_unit_test(what_is_too_short_for_its_kind_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
