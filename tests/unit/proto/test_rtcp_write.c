#include "sfu/proto/rtcp_write.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

static const struct sfu_rtcp_report reports[] = {
    {0x22222222, 0x00010002, 3, 4, 5, -2, 0x40},
    {0x33333333, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, 8388607, 255},
};
static const struct sfu_rtcp_sr sr = {0x83aa7e8080000000, 90000, 100, 123456};
static const uint32_t ssrcs[] = {0x22222222, 0x33333333};
static const struct sfu_rtcp_fir firs[] = {{0x22222222, 7}, {0x33333333, 255}};
static const uint16_t seqs[] = {65534, 65535, 14, 15, 100};

/* One writer call each, so that every row can be tried with every buffer size. */
static int put_rr(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_rr(buf, cap, 0x11111111, reports, 1);
}
static int put_rr_empty(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_rr(buf, cap, 0x11111111, NULL, 0);
}
static int put_sr(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_sr(buf, cap, 0x11111111, &sr, reports, 2);
}
static int put_sdes_1(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_sdes(buf, cap, 0x11111111, "abcde", 5);
}
static int put_sdes_4(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_sdes(buf, cap, 0x11111111, "ab", 2);
}
static int put_bye(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_bye(buf, cap, ssrcs, 2, NULL, 0);
}
static int put_bye_reason(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_bye(buf, cap, ssrcs, 1, "bye!", 4);
}
static int put_pli(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_pli(buf, cap, 0x11111111, 0x22222222);
}
static int put_fir(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_fir(buf, cap, 0x11111111, firs, 2);
}
static int put_remb(uint8_t *buf, size_t cap)
{
    return sfu_rtcp_write_remb(buf, cap, 0x11111111, 2500000, ssrcs, 2);
}

static const struct {
    int (*put)(uint8_t *buf, size_t cap);
    const char *hex;
} rows[] = {
    {put_rr, "81c90007 11111111 22222222 40fffffe 00010002 00000003 00000004 00000005"},
    {put_rr_empty, "80c90001 11111111"},
    {put_sr, "82c80012 11111111 83aa7e80 80000000 00015f90 00000064 0001e240"
             "22222222 40fffffe 00010002 00000003 00000004 00000005"
             "33333333 ff7fffff ffffffff ffffffff ffffffff ffffffff"},
    {put_sdes_1, "81ca0003 11111111 0105616263646500"},
    {put_sdes_4, "81ca0003 11111111 0102616200000000"},
    {put_bye, "82cb0002 22222222 33333333"},
    {put_bye_reason, "81cb0003 22222222 0462796521000000"},
    {put_pli, "81ce0002 11111111 22222222"},
    {put_fir, "84ce0006 11111111 00000000 22222222 07000000 33333333 ff000000"},
    /* 2500000 = 156250 << 4 */
    {put_remb, "8fce0006 11111111 00000000 52454d42 0212625a 22222222 33333333"},
};

static void bytes_of_each_writer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t want[256];
        size_t len = hex_decode(rows[i].hex, want, sizeof want);
        uint8_t ff[256];
        memset(ff, 0xff, sizeof ff);
        for (size_t cap = 0; cap <= len; cap++) {
            uint8_t *buf = exact_copy(ff, cap);
            int rc = rows[i].put(buf, cap);
            assert_hex_row(rc == (cap < len ? -ENOBUFS : (int)len), rows[i].hex);
            assert_hex_row(cap < len || memcmp(buf, want, len) == 0, rows[i].hex);
            free(buf);
        }
    }
}

static void counts_out_of_range(void **state)
{
    (void)state;
    static uint8_t buf[8192];
    static const uint32_t many[256];
    static const struct sfu_rtcp_report many_reports[32];
    static const struct sfu_rtcp_fir many_firs[256];
    char text[256] = "";
    size_t used;
    assert_int_equal(sfu_rtcp_write_rr(buf, sizeof buf, 1, many_reports, 32), -EINVAL);
    assert_int_equal(sfu_rtcp_write_sr(buf, sizeof buf, 1, &sr, many_reports, 32), -EINVAL);
    assert_int_equal(sfu_rtcp_write_sdes(buf, sizeof buf, 1, text, 0), -EINVAL);
    assert_int_equal(sfu_rtcp_write_sdes(buf, sizeof buf, 1, text, 256), -EINVAL);
    assert_int_equal(sfu_rtcp_write_bye(buf, sizeof buf, many, 32, NULL, 0), -EINVAL);
    assert_int_equal(sfu_rtcp_write_bye(buf, sizeof buf, many, 1, text, 256), -EINVAL);
    assert_int_equal(sfu_rtcp_write_nack(buf, sizeof buf, 1, 2, seqs, 0, &used), -EINVAL);
    assert_int_equal(sfu_rtcp_write_fir(buf, sizeof buf, 1, many_firs, 0), -EINVAL);
    assert_int_equal(sfu_rtcp_write_fir(buf, sizeof buf, 1, many_firs, 256), -EINVAL);
    assert_int_equal(sfu_rtcp_write_remb(buf, sizeof buf, 1, 1, many, 0), -EINVAL);
    assert_int_equal(sfu_rtcp_write_remb(buf, sizeof buf, 1, 1, many, 256), -EINVAL);
    assert_true(sfu_rtcp_write_sdes(buf, sizeof buf, 1, text, 255) > 0);
    assert_true(sfu_rtcp_write_remb(buf, sizeof buf, 1, 1, many, 255) > 0);
}

static void lost_is_clamped_to_24_bits(void **state)
{
    (void)state;
    static const struct {
        int32_t in, out;
    } cases[] = {{INT32_MAX, 8388607}, {INT32_MIN, -8388608}, {-1, -1}, {0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t buf[32];
        struct sfu_rtcp_report r = {.lost = cases[i].in};
        struct sfu_rtcp_iter it;
        struct sfu_rtcp_packet p;
        int n = sfu_rtcp_write_rr(buf, sizeof buf, 1, &r, 1);
        assert_int_equal(sfu_rtcp_first(buf, (size_t)n, &it), 0);
        assert_int_equal(sfu_rtcp_next(&it, &p), 1);
        sfu_rtcp_get_report(&p, 0, &r);
        assert_int_equal(r.lost, cases[i].out);
    }
}

static void remb_rates_round_down(void **state)
{
    (void)state;
    static const uint64_t rates[] = {0, 1, 0x3ffff, 0x40000, 0x40001, 2500001, UINT64_MAX};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        uint8_t buf[32];
        struct sfu_rtcp_iter it;
        struct sfu_rtcp_packet p;
        int n = sfu_rtcp_write_remb(buf, sizeof buf, 1, rates[i], ssrcs, 1);
        assert_int_equal(sfu_rtcp_first(buf, (size_t)n, &it), 0);
        assert_int_equal(sfu_rtcp_next(&it, &p), 1);
        assert_true(p.remb_bps <= rates[i] && rates[i] - p.remb_bps <= rates[i] >> 17);
    }
}

/* Every number written comes out again, in order, over as many packets as cap asks for. */
static void check_nack(const uint16_t *list, size_t count, size_t cap)
{
    size_t done = 0;
    while (done < count) {
        uint8_t buf[1024];
        size_t used;
        int n = sfu_rtcp_write_nack(buf, cap, 1, 2, list + done, count - done, &used);
        assert_true(n > 0 && (size_t)n <= cap && used > 0);
        struct sfu_rtcp_iter it;
        struct sfu_rtcp_packet p;
        struct sfu_rtcp_nack_iter ni;
        uint16_t seq;
        assert_int_equal(sfu_rtcp_first(buf, (size_t)n, &it), 0);
        assert_int_equal(sfu_rtcp_next(&it, &p), 1);
        sfu_rtcp_nack_first(&p, &ni);
        for (size_t i = 0; i < used; i++) {
            assert_true(sfu_rtcp_nack_next(&ni, &seq));
            assert_int_equal(seq, list[done + i]);
        }
        assert_false(sfu_rtcp_nack_next(&ni, &seq));
        done += used;
    }
}

static void nacks_round_trip(void **state)
{
    (void)state;
    uint16_t list[300];
    uint32_t random = 1;
    for (int round = 0; round < 50; round++) {
        uint16_t seq = (uint16_t)(65000 + round * 13);
        for (size_t i = 0; i < 300; i++) {
            list[i] = seq;
            random = random * 1664525 + 1013904223;
            seq = (uint16_t)(seq + 1 + (random >> 24) % 20);
        }
        check_nack(list, 300, 1024);
        check_nack(list, 300, 30);
        check_nack(list, 1, 16);
    }
}

static void nack_pairs_are_packed(void **state)
{
    (void)state;
    uint8_t buf[64];
    uint8_t want[64];
    size_t used;
    size_t len = hex_decode("81cd0004 11111111 22222222 fffe8001 000f0000", want, sizeof want);
    int n = sfu_rtcp_write_nack(buf, sizeof buf, 0x11111111, 0x22222222, seqs, 4, &used);
    assert_int_equal(n, len); /* 15 is 17 after 65534: a pair of its own */
    assert_int_equal(used, 4);
    assert_memory_equal(buf, want, len);
    assert_int_equal(sfu_rtcp_write_nack(buf, 15, 1, 2, seqs, 5, &used), -ENOBUFS);
}

static void a_compound_is_read_in_order(void **state)
{
    (void)state;
    static const enum sfu_rtcp_kind kinds[] = {SFU_RTCP_SR, SFU_RTCP_SDES, SFU_RTCP_PLI,
                                               SFU_RTCP_BYE};
    uint8_t buf[256];
    size_t at = 0;
    at += (size_t)put_sr(buf, sizeof buf);
    at += (size_t)put_sdes_1(buf + at, sizeof buf - at);
    at += (size_t)put_pli(buf + at, sizeof buf - at);
    at += (size_t)put_bye_reason(buf + at, sizeof buf - at);
    struct sfu_rtcp_iter it;
    struct sfu_rtcp_packet p;
    assert_int_equal(sfu_rtcp_first(buf, at, &it), 0);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal(sfu_rtcp_next(&it, &p), 1);
        assert_int_equal(p.kind, kinds[i]);
    }
    assert_int_equal(sfu_rtcp_next(&it, &p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_of_each_writer),
        cmocka_unit_test(counts_out_of_range),
        cmocka_unit_test(lost_is_clamped_to_24_bits),
        cmocka_unit_test(remb_rates_round_down),
        cmocka_unit_test(nacks_round_trip),
        cmocka_unit_test(nack_pairs_are_packed),
        cmocka_unit_test(a_compound_is_read_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
