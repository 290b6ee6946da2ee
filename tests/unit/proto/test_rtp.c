#include "sfu/proto/rtp.h"

#include <errno.h>

#include "tests/unit/proto/hex.h"

/* Fixed header: V2, marker, pt 96, seq 0x1234, ts 0x01020304, ssrc 0xaabbccdd. */
#define REST "1234 01020304 aabbccdd"

struct row {
    const char *name, *hex;
    int rc;
    uint8_t csrcs, padding;
    uint16_t profile;
    uint32_t ext_len;
    uint16_t payload_len;
    uint16_t payload_at;
};

static const struct row rows[] = {
    {"header only", "80e0" REST, 0, 0, 0, 0, 0, 0, 12},
    {"payload", "80e0" REST "112233", 0, 0, 0, 0, 0, 3, 12},
    {"two csrcs", "82e0" REST "00000001 00000002 11", 0, 2, 0, 0, 0, 1, 20},
    {"one-byte extensions", "90e0" REST "bede0001 10ff0000 11", 0, 0, 0, 0xbede, 4, 1, 20},
    {"two-byte extensions", "90e0" REST "10050001 0101ff00 11", 0, 0, 0, 0x1005, 4, 1, 20},
    {"empty extension block", "90e0" REST "bede0000 11", 0, 0, 0, 0xbede, 0, 1, 16},
    {"foreign profile", "90e0" REST "abcd0001 00000000 11", 0, 0, 0, 0xabcd, 4, 1, 20},
    {"padding", "a0e0" REST "11 000003", 0, 0, 3, 0, 0, 1, 12},
    {"padding only", "a0e0" REST "000003", 0, 0, 3, 0, 0, 0, 12},
    {"one byte of padding", "a0e0" REST "01", 0, 0, 1, 0, 0, 0, 12},
    {"everything", "b1e0" REST "00000001 bede0001 10ff0000 1122 00000004", 0, 1, 4, 0xbede, 4, 2,
     24},
    {"version 1", "40e0" REST "11", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"version 3", "c0e0" REST "11", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"padding of 0", "a0e0" REST "1100", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"padding longer than payload", "a0e0" REST "1104", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"padding bit, no byte", "a0e0" REST, -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"padding reaching into extensions", "b0e0" REST "bede0001 10ff0000 02", -EBADMSG, 0, 0, 0, 0,
     0, 0},
    {"csrcs missing", "8fe0" REST "11", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"extension head cut", "90e0" REST "bede00", -EBADMSG, 0, 0, 0, 0, 0, 0},
    {"extension one word too long", "90e0" REST "bede0002 10ff0000 112233", -EBADMSG, 0, 0, 0, 0, 0,
     0},
    {"extension of 65535 words", "90e0" REST "bedeffff 10ff0000", -EBADMSG, 0, 0, 0, 0, 0, 0},
};

static void check_row(const struct row *row)
{
    size_t len;
    uint8_t *buf = hex_alloc(row->hex, &len);
    struct sfu_rtp_packet p = {.len = 7};
    assert_hex_row(sfu_rtp_parse(buf, len, &p) == row->rc, row->name);
    if (row->rc < 0) {
        assert_hex_row(p.len == 7 && !p.data, row->name); /* untouched */
    } else {
        assert_hex_row(p.data == buf && p.len == len, row->name);
        assert_hex_row(p.marker && p.pt == 96 && p.seq == 0x1234, row->name);
        assert_hex_row(p.timestamp == 0x01020304 && p.ssrc == 0xaabbccdd, row->name);
        assert_hex_row(p.csrc_count == row->csrcs && p.csrc == buf + 12, row->name);
        assert_hex_row(p.padding_len == row->padding, row->name);
        assert_hex_row(p.ext_profile == row->profile && p.ext_len == row->ext_len, row->name);
        assert_hex_row((p.ext != NULL) == (row->profile != 0), row->name);
        assert_hex_row(p.payload == buf + row->payload_at, row->name);
        assert_hex_row(p.payload_len == row->payload_len, row->name);
        assert_hex_row(sfu_rtp_is_padding(&p) == (row->payload_len == 0), row->name);
    }
    free(buf);
}

static void parses_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

static void every_truncation_is_refused_or_a_shorter_payload(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t full[256];
        size_t len = hex_decode(rows[i].hex, full, sizeof full);
        for (size_t n = 0; n < len; n++) {
            uint8_t *buf = exact_copy(full, n);
            struct sfu_rtp_packet p;
            int rc = sfu_rtp_parse(buf, n, &p);
            if (rows[i].rc == 0 && n < rows[i].payload_at) {
                assert_hex_row(rc == -EBADMSG, rows[i].name);
            } else if (rows[i].rc == 0 && rows[i].padding == 0) {
                assert_hex_row(rc == 0 && p.payload_len == n - rows[i].payload_at, rows[i].name);
            }
            if (rc == 0) {
                assert_hex_row(p.payload + p.payload_len + p.padding_len == buf + n, rows[i].name);
            }
            free(buf);
        }
    }
}

static void size_is_bounded(void **state)
{
    (void)state;
    uint8_t *buf = calloc(1, SFU_RTP_MAX_LEN + 1);
    struct sfu_rtp_packet p;
    assert_non_null(buf);
    buf[0] = 0x80;
    assert_int_equal(sfu_rtp_parse(buf, SFU_RTP_MAX_LEN, &p), 0);
    assert_int_equal(p.payload_len, SFU_RTP_MAX_LEN - SFU_RTP_HEADER_LEN);
    assert_int_equal(sfu_rtp_parse(buf, SFU_RTP_MAX_LEN + 1, &p), -EBADMSG);
    buf[0] = 0x90; /* the longest block there can be: 16377 words */
    buf[14] = 0x3f;
    buf[15] = 0xfb;
    assert_int_equal(sfu_rtp_parse(buf, SFU_RTP_MAX_LEN, &p), 0);
    assert_int_equal(p.ext_len, 0x3ffb * 4);
    buf[15] = 0xfc;
    assert_int_equal(sfu_rtp_parse(buf, SFU_RTP_MAX_LEN, &p), -EBADMSG);
    free(buf);
}

static void header_round_trip(void **state)
{
    (void)state;
    static const struct sfu_rtp_header headers[] = {
        {0, 0, 0, 0, false, false},
        {UINT32_MAX, UINT32_MAX, UINT16_MAX, 127, true, false},
        {0x01020304, 0x05060708, 0x090a, 111, false, true},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        const struct sfu_rtp_header *h = &headers[i];
        uint8_t buf[SFU_RTP_HEADER_LEN + 4] = {0};
        struct sfu_rtp_packet p;
        sfu_rtp_write_header(h, buf);
        assert_int_equal(sfu_rtp_parse(buf, sizeof buf, &p), 0);
        assert_true(p.timestamp == h->timestamp && p.ssrc == h->ssrc && p.seq == h->seq);
        assert_true(p.pt == h->pt && p.marker == h->marker && !!p.ext == h->extension);
        assert_true(p.csrc_count == 0 && p.padding_len == 0);
    }
}

static void a_retransmission_unwraps_to_the_original(void **state)
{
    (void)state;
    size_t len;
    uint8_t *buf = hex_alloc("b0e1 0007 01020304 00000002 bede0001 10ff0000 1234 aabb 0002", &len);
    struct sfu_rtp_packet rtx;
    struct sfu_rtp_packet p;
    assert_int_equal(sfu_rtp_parse(buf, len, &rtx), 0);
    assert_int_equal(sfu_rtp_unwrap_rtx(&rtx, 1, 96, &p), 0);
    assert_true(p.seq == 0x1234 && p.ssrc == 1 && p.pt == 96 && p.marker);
    assert_true(p.timestamp == 0x01020304 && p.ext_len == 4 && p.payload_len == 2);
    assert_int_equal(p.payload[0], 0xaa);
    free(buf);
}

static void a_retransmission_needs_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int rc;
    } short_rows[] = {
        {"80e1 0007 01020304 00000002", -EBADMSG},
        {"80e1 0007 01020304 00000002 12", -EBADMSG},
        {"a0e1 0007 01020304 00000002 120002", -EBADMSG},
        {"80e1 0007 01020304 00000002 1234", 0}, /* the original was empty */
    };
    for (size_t i = 0; i < sizeof short_rows / sizeof short_rows[0]; i++) {
        size_t len;
        uint8_t *buf = hex_alloc(short_rows[i].hex, &len);
        struct sfu_rtp_packet rtx;
        struct sfu_rtp_packet p;
        assert_int_equal(sfu_rtp_parse(buf, len, &rtx), 0);
        assert_int_equal(sfu_rtp_unwrap_rtx(&rtx, 1, 96, &p), short_rows[i].rc);
        free(buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_rows),
        cmocka_unit_test(every_truncation_is_refused_or_a_shorter_payload),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(header_round_trip),
        cmocka_unit_test(a_retransmission_unwraps_to_the_original),
        cmocka_unit_test(a_retransmission_needs_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
