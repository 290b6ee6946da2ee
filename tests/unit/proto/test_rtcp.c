#include "sfu/proto/rtcp.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

#define S1 "11111111"
#define S2 "22222222"
#define BLOCK S2 "40fffffe 00010002 00000003 00000004 00000005"

/* kinds: one letter per packet in the datagram; '!' is one whose inside is broken. */
static const struct {
    const char *name, *hex, *kinds;
    int rc; /* of sfu_rtcp_first */
} rows[] = {
    {"rr empty", "80c90001" S1, "r", 0},
    {"rr one block", "81c90007" S1 BLOCK, "r", 0},
    {"rr with extension", "80c90002" S1 "deadbeef", "r", 0},
    {"rr count 1 more than room", "82c90007" S1 BLOCK, "!", 0},
    {"rr without ssrc", "80c90000", "!", 0},
    {"sr", "80c80006" S1 "83aa7e80 80000000 00015f90 00000064 0001e240", "s", 0},
    {"sr one block", "81c8000c" S1 "83aa7e80 80000000 00015f90 00000064 0001e240" BLOCK, "s", 0},
    {"sr without ssrc", "80c80000", "!", 0},
    {"sr short sender info", "80c80005" S1 "83aa7e80 80000000 00015f90 00000064", "!", 0},
    {"sdes", "81ca0003" S1 "0103616263 000000", "d", 0},
    {"sdes 1 zero", "81ca0003" S1 "01056162636465 00", "d", 0},
    {"sdes 4 zeros", "81ca0003" S1 "01026162 00000000", "d", 0},
    {"sdes two chunks", "82ca0006" S1 "0103616263 000000" S2 "0201610000000000", "d", 0},
    {"sdes no chunk", "80ca0000", "d", 0},
    {"sdes no end", "81ca0002" S1 "01026162", "!", 0},
    {"sdes item too long", "81ca0002" S1 "01036162", "!", 0},
    {"sdes chunk missing", "82ca0003" S1 "0103616263 000000", "!", 0},
    {"sdes item head only", "81ca0002" S1 "01016101", "!", 0},
    {"bye", "81cb0001" S1, "b", 0},
    {"bye two, reason", "82cb0004" S1 S2 "03627965 00000000", "b", 0},
    {"bye none", "80cb0000", "b", 0},
    {"bye short", "82cb0001" S1, "!", 0},
    {"bye reason too long", "81cb0002" S1 "04627965", "!", 0},
    {"app", "80cc0002" S1 "41424344", "o", 0},
    {"xr", "80cf0001" S1, "o", 0},
    {"type 192", "80c00001" S1, "o", 0},
    {"nack", "81cd0003" S1 S2 "00640005", "n", 0},
    {"nack empty", "81cd0002" S1 S2, "!", 0},
    {"rtpfb no media ssrc", "81cd0001" S1, "!", 0},
    {"rtpfb unknown format", "83cd0002" S1 S2, "o", 0},
    {"pli", "81ce0002" S1 S2, "p", 0},
    {"pli no media ssrc", "81ce0001" S1, "!", 0},
    {"fir", "84ce0004" S1 "00000000" S2 "07000000", "f", 0},
    {"fir half an entry", "84ce0003" S1 "00000000" S2, "!", 0},
    {"fir none", "84ce0002" S1 "00000000", "!", 0},
    {"remb", "8fce0005" S1 "00000000 52454d42 01030000" S2, "m", 0},
    {"remb list too long", "8fce0005" S1 "00000000 52454d42 02030000" S2, "!", 0},
    {"remb cut", "8fce0003" S1 "00000000 52454d42", "!", 0},
    {"other afb", "8fce0003" S1 "00000000 41424344", "o", 0},
    {"afb empty", "8fce0002" S1 "00000000", "o", 0},
    {"compound",
     "80c90001" S1 "81ca0003" S1 "0103616263 000000"
     "81ce0002" S1 S2,
     "rdp", 0},
    {"broken in the middle",
     "80c90001" S1 "81ca0002" S1 "01036162"
     "81ce0002" S1 S2,
     "r!p", 0},
    {"padded", "a1ce0003" S1 S2 "00000004", "p", 0},
    {"padded last", "80c90001" S1 "a1ce0003" S1 S2 "00000004", "rp", 0},
    {"padding not counted as nacks", "a1cd0004" S1 S2 "00640005 00000004", "n", 0},
    {"padding eats a delta",
     "afcd0006" S1 S2 "0001000300000105 2003 010203 000004"
     "80c90001" S1,
     "!r", 0},
    {"feedback as browsers pad it",
     "afcd0006" S1 S2 "0001000300000105 2003 010203 000003"
     "80c90001" S1,
     "tr", 0},
    {"sdes cut by odd padding", "a1ca0003" S1 "01036162 63 00 00 01", "d", 0},
    {"sdes end eaten by padding", "a1ca0003" S1 "01036162 63 00 00 03", "!", 0},
    {"second sdes chunk eaten", "a2ca0004" S1 "01036162 63 00 00 00 00 00 00 05", "!", 0},
    {"nack eaten to 2 bytes", "a1cd0003" S1 S2 "00640002", "!", 0},
    {"fir eaten to 7 bytes", "a4ce0004" S1 "00000000" S2 "07000001", "!", 0},
    {"padding eats the body", "a1ce0002" S1 "00000008", "!", 0},

    {"empty", "", "", -EBADMSG},
    {"3 bytes", "80c900", "", -EBADMSG},
    {"version 1", "40c90001" S1, "", -EBADMSG},
    {"one word too long", "80c90002" S1, "", -EBADMSG},
    {"one word too short", "80c90000" S1, "", -EBADMSG}, /* the rest is no header */
    {"longest length", "80c9ffff" S1, "", -EBADMSG},
    {"trailing bytes", "80c90001" S1 "8081", "", -EBADMSG},
    {"second one broken", "80c90001" S1 "81ce0003" S1 S2, "", -EBADMSG},
    {"padding 0", "a1ce0003" S1 S2 "00000000", "", -EBADMSG},
    {"padding too long", "a1ce0003" S1 S2 "00000010", "", -EBADMSG},
    {"padding in 4 bytes", "a0c90000", "", -EBADMSG},
};

static const char letters[] = {
    [SFU_RTCP_OTHER] = 'o', [SFU_RTCP_SR] = 's',   [SFU_RTCP_RR] = 'r',   [SFU_RTCP_SDES] = 'd',
    [SFU_RTCP_BYE] = 'b',   [SFU_RTCP_NACK] = 'n', [SFU_RTCP_TWCC] = 't', [SFU_RTCP_PLI] = 'p',
    [SFU_RTCP_FIR] = 'f',   [SFU_RTCP_REMB] = 'm',
};

/* Walks a datagram, and every list in it; returns the letters of its packets. */
static int walk(const uint8_t *buf, size_t len, char *ret_kinds)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    size_t n = 0;
    int rc = sfu_rtcp_first(buf, len, &it);
    if (rc < 0) {
        ret_kinds[0] = 0;
        return rc;
    }
    while ((rc = sfu_rtcp_next(&it, &p)) != 0) {
        ret_kinds[n++] = rc < 0 ? '!' : letters[p.kind];
        if (rc < 0) {
            assert_int_equal(rc, -EBADMSG);
            continue;
        }
        assert_true(p.body >= buf && p.body + p.body_len <= buf + len);
    }
    ret_kinds[n] = 0;
    return 0;
}

static void datagrams(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char kinds[64];
        size_t len;
        uint8_t *buf = hex_alloc(rows[i].hex, &len);
        assert_hex_row(walk(buf, len, kinds) == rows[i].rc, rows[i].name);
        assert_hex_row(strcmp(kinds, rows[i].kinds) == 0, rows[i].name);
        free(buf);
    }
}

static void no_truncation_is_read_beyond(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[256];
        size_t len = hex_decode(rows[i].hex, full, sizeof full);
        for (size_t n = 0; n < len; n++) {
            char kinds[64];
            uint8_t *buf = exact_copy(full, n);
            int rc = walk(buf, n, kinds);
            /* only whole packets are taken: a proper prefix of the kinds */
            assert_hex_row(rows[i].rc < 0 || rc < 0 || strlen(kinds) < strlen(rows[i].kinds),
                           rows[i].name);
            free(buf);
        }
    }
}

/* The only packet of a datagram; *ret_buf is to be freed. */
static struct sfu_rtcp_packet only(const char *hex, uint8_t **ret_buf)
{
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    size_t len;
    *ret_buf = hex_alloc(hex, &len);
    assert_int_equal(sfu_rtcp_first(*ret_buf, len, &it), 0);
    assert_int_equal(sfu_rtcp_next(&it, &p), 1);
    struct sfu_rtcp_packet none;
    assert_int_equal(sfu_rtcp_next(&it, &none), 0);
    return p;
}

static void sender_report_fields(void **state)
{
    (void)state;
    uint8_t *buf;
    struct sfu_rtcp_packet p =
        only("81c8000c" S1 "83aa7e80 80000000 00015f90 00000064 0001e240" BLOCK, &buf);
    struct sfu_rtcp_report r;
    assert_true(p.ssrc == 0x11111111 && p.count == 1 && p.sr.ntp == 0x83aa7e8080000000);
    assert_true(p.sr.rtp_timestamp == 90000 && p.sr.packets == 100 && p.sr.bytes == 123456);
    sfu_rtcp_get_report(&p, 0, &r);
    assert_true(r.ssrc == 0x22222222 && r.fraction_lost == 0x40 && r.lost == -2);
    assert_true(r.highest_seq == 0x00010002 && r.jitter == 3 && r.lsr == 4 && r.dlsr == 5);
    free(buf);
}

static void cname_is_found_by_ssrc(void **state)
{
    (void)state;
    static const struct {
        uint32_t ssrc;
        const char *cname;
    } want[] = {{0x11111111, "abc"}, {0x22222222, "xy"}, {0x33333333, NULL}, {0x44444444, NULL}};
    uint8_t *buf;
    struct sfu_rtcp_packet p = only("83ca0008" S1 "0103616263 000000" S2 "02017a 01027879 00"
                                    "33333333 02017a00",
                                    &buf);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const char *text;
        uint8_t len;
        bool found = sfu_rtcp_get_cname(&p, want[i].ssrc, &text, &len);
        assert_int_equal(found, want[i].cname != NULL);
        if (found) {
            assert_int_equal(len, strlen(want[i].cname));
            assert_memory_equal(text, want[i].cname, len);
        }
    }
    free(buf);
}

static void nack_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        size_t n;
        uint16_t seqs[18];
    } cases[] = {
        {"81cd0003" S1 S2 "00640000", 1, {100}},
        {"81cd0003" S1 S2 "00640005", 3, {100, 101, 103}},
        {"81cd0003" S1 S2 "fffe8001", 3, {65534, 65535, 14}},
        {"81cd0004" S1 S2 "00010000 00050001", 3, {1, 5, 6}},
        {"81cd0003" S1 S2 "0000ffff",
         17,
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *buf;
        struct sfu_rtcp_packet p = only(cases[i].hex, &buf);
        struct sfu_rtcp_nack_iter it;
        uint16_t seq;
        size_t n = 0;
        assert_true(p.ssrc == 0x11111111 && p.media_ssrc == 0x22222222);
        sfu_rtcp_nack_first(&p, &it);
        while (sfu_rtcp_nack_next(&it, &seq)) {
            assert_true(n < cases[i].n && seq == cases[i].seqs[n]);
            n++;
        }
        assert_int_equal(n, cases[i].n);
        assert_false(sfu_rtcp_nack_next(&it, &seq));
        free(buf);
    }
}

static void fir_and_bye_lists(void **state)
{
    (void)state;
    uint8_t *buf;
    struct sfu_rtcp_packet p = only("84ce0006" S1 "00000000" S1 "07000000" S2 "ff000000", &buf);
    struct sfu_rtcp_fir fir;
    assert_int_equal(p.count, 2);
    sfu_rtcp_get_fir(&p, 0, &fir);
    assert_true(fir.ssrc == 0x11111111 && fir.seq == 7);
    sfu_rtcp_get_fir(&p, 1, &fir);
    assert_true(fir.ssrc == 0x22222222 && fir.seq == 255);
    free(buf);

    p = only("82cb0004" S1 S2 "03627965 00000000", &buf);
    assert_true(p.count == 2 && p.ssrc == 0x11111111);
    assert_int_equal(sfu_rtcp_get_ssrc(&p, 1), 0x22222222);
    free(buf);
}

static void remb_rates(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t bps;
    } cases[] = {
        {"8fce0005" S1 "00000000 52454d42 01000001" S2, 1},
        {"8fce0005" S1 "00000000 52454d42 01 03ffff" S2, 0x3ffff},
        {"8fce0005" S1 "00000000 52454d42 01 07ffff" S2, 0x3ffff * 2ull},
        {"8fce0005" S1 "00000000 52454d42 01 1bd090" S2, (uint64_t)0x3d090 << 6}, /* 16 Mbit/s */
        {"8fce0005" S1 "00000000 52454d42 01 bbffff" S2, (uint64_t)0x3ffff << 46},
        {"8fce0005" S1 "00000000 52454d42 01 bfffff" S2, UINT64_MAX},
        {"8fce0005" S1 "00000000 52454d42 01 ffffff" S2, UINT64_MAX},
        {"8fce0005" S1 "00000000 52454d42 01 fc0000" S2, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *buf;
        struct sfu_rtcp_packet p = only(cases[i].hex, &buf);
        assert_hex_row(p.remb_bps == cases[i].bps, cases[i].hex);
        assert_true(p.count == 1 && sfu_rtcp_get_ssrc(&p, 0) == 0x22222222);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams),
        cmocka_unit_test(no_truncation_is_read_beyond),
        cmocka_unit_test(sender_report_fields),
        cmocka_unit_test(cname_is_found_by_ssrc),
        cmocka_unit_test(nack_numbers),
        cmocka_unit_test(fir_and_bye_lists),
        cmocka_unit_test(remb_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
