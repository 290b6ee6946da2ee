#include "sfu/core/channels.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int open_channel(struct sfu_channels *c, uint16_t stream, const struct sfu_dcep_open *open)
{
    uint8_t buf[SFU_DCEP_OPEN_MAX];
    int len = sfu_dcep_open_write(open, buf, sizeof(buf));
    assert_true(len > 0);
    const struct sfu_sctp_message m = {
        .stream = stream, .ppid = SFU_PPID_DCEP, .data = buf, .len = (size_t)len};
    enum sfu_channels_seen seen = SFU_CHANNELS_TEXT;
    size_t n = 0;
    int rc = sfu_channels_on_message(c, &m, &seen, &n);
    if (rc == 0) {
        assert_int_equal(seen, SFU_CHANNELS_OPENED);
    }
    return rc;
}

static void what_a_message_means(void **state)
{
    (void)state;
    static const struct {
        uint16_t stream;
        uint32_t ppid;
        uint8_t data[4];
        size_t len;
        int rc;
        enum sfu_channels_seen seen;
        size_t ret_len;
    } rows[] = {
        {2, SFU_PPID_TEXT, "abc", 3, 0, SFU_CHANNELS_TEXT, 3},
        {2, SFU_PPID_BINARY, {1, 2}, 2, 0, SFU_CHANNELS_BINARY, 2},
        {2, SFU_PPID_TEXT_EMPTY, {0}, 1, 0, SFU_CHANNELS_TEXT, 0},
        {2, SFU_PPID_BINARY_EMPTY, {0}, 1, 0, SFU_CHANNELS_BINARY, 0},
        {2, SFU_PPID_DCEP, {2}, 1, 0, SFU_CHANNELS_ACKED, 0},
        {2, SFU_PPID_DCEP, {9}, 1, -EBADMSG, 0, 0},
        {2, 52, "abc", 3, -ENOTSUP, 0, 0},
        {2, 0, "abc", 3, -ENOTSUP, 0, 0},
        {3, SFU_PPID_TEXT, "abc", 3, -EPROTO, 0, 0},
        {SFU_SCTP_STREAMS, SFU_PPID_TEXT, "abc", 3, -EPROTO, 0, 0},
        {65535, SFU_PPID_BINARY, "abc", 3, -EPROTO, 0, 0},
    };
    struct sfu_channels c;
    sfu_channels_init(&c);
    assert_int_equal(open_channel(&c, 2, &(struct sfu_dcep_open){0}), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        const struct sfu_sctp_message m = {.stream = rows[i].stream,
                                           .ppid = rows[i].ppid,
                                           .data = rows[i].data,
                                           .len = rows[i].len};
        enum sfu_channels_seen seen = 0;
        size_t len = 0;
        assert_int_equal(sfu_channels_on_message(&c, &m, &seen, &len), rows[i].rc);
        assert_int_equal(seen, rows[i].seen);
        assert_int_equal(len, rows[i].ret_len);
    }
}

static void each_channel_keeps_its_reliability(void **state)
{
    (void)state;
    static const struct {
        struct sfu_dcep_open open;
        bool retransmits, lifetime;
    } rows[] = {
        {{.reliability = SFU_DCEP_RELIABLE}, false, false},
        {{.reliability = SFU_DCEP_RETRANSMITS, .limit = 0, .unordered = true}, true, false},
        {{.reliability = SFU_DCEP_LIFETIME, .limit = 300}, false, true},
    };
    struct sfu_channels c;
    sfu_channels_init(&c);
    for (uint16_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(open_channel(&c, i, &rows[i].open), 0);
    }
    for (uint16_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_sctp_message m;
        struct sfu_sctp_how how;
        assert_int_equal(sfu_channels_message(&c, i, true, (const uint8_t *)"x", 1, &m, &how), 0);
        assert_int_equal(m.unordered, rows[i].open.unordered);
        assert_int_equal(m.ppid, SFU_PPID_BINARY);
        assert_int_equal(how.limit_retransmits, rows[i].retransmits);
        assert_int_equal(how.limit_lifetime, rows[i].lifetime);
        assert_int_equal(how.limit, rows[i].open.limit);
        assert_int_equal(sfu_channels_message(&c, i, false, NULL, 0, &m, &how), 0);
        assert_int_equal(m.ppid, SFU_PPID_TEXT_EMPTY);
        assert_int_equal(m.len, 1);
    }
    assert_int_equal(c.open, SFU_ARRAY_LEN(rows));
}

static void a_stream_is_one_channel_at_a_time(void **state)
{
    (void)state;
    struct sfu_channels c;
    const struct sfu_sctp_how how = {0};
    sfu_channels_init(&c);
    assert_int_equal(sfu_channels_negotiate(&c, 0, false, &how), 0);
    assert_int_equal(sfu_channels_negotiate(&c, 0, false, &how), -EEXIST);
    assert_int_equal(sfu_channels_negotiate(&c, SFU_SCTP_STREAMS, false, &how), -EINVAL);
    assert_int_equal(open_channel(&c, 0, &(struct sfu_dcep_open){0}), -EPROTO);
    assert_int_equal(open_channel(&c, SFU_SCTP_STREAMS, &(struct sfu_dcep_open){0}), -EPROTO);
    assert_int_equal(c.open, 1);
}

enum step { PEER_RESETS, WE_CLOSE, WE_SENT };

static void a_closed_stream_is_free_when_both_halves_are(void **state)
{
    (void)state;
    static const struct {
        enum step steps[3];
        unsigned count;
        bool free, due;
    } rows[] = {
        {{PEER_RESETS}, 1, false, true},
        {{PEER_RESETS, WE_SENT}, 2, true, false},
        {{PEER_RESETS, WE_CLOSE, PEER_RESETS}, 3, false, true},
        {{WE_CLOSE}, 1, false, true},
        {{WE_CLOSE, WE_SENT}, 2, false, false},
        {{WE_CLOSE, WE_SENT, PEER_RESETS}, 3, true, false},
        {{WE_CLOSE, PEER_RESETS}, 2, false, true},
        {{WE_CLOSE, PEER_RESETS, WE_SENT}, 3, true, false},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_channels c;
        sfu_channels_init(&c);
        assert_int_equal(open_channel(&c, 5, &(struct sfu_dcep_open){0}), 0);
        for (unsigned k = 0; k < rows[i].count; k++) {
            switch (rows[i].steps[k]) {
            case PEER_RESETS:
                sfu_channels_on_reset(&c, 5);
                break;
            case WE_CLOSE:
                sfu_channels_close(&c, 5);
                break;
            case WE_SENT:
                sfu_channels_reset_sent(&c, 5);
                break;
            }
        }
        struct sfu_sctp_message m;
        struct sfu_sctp_how how;
        uint16_t stream = 0;
        assert_int_equal(sfu_channels_message(&c, 5, true, NULL, 0, &m, &how), -EPROTO);
        assert_int_equal(c.open, 0);
        assert_int_equal(sfu_channels_reset_due(&c, &stream), rows[i].due);
        assert_int_equal(stream, rows[i].due ? 5 : 0);
        assert_int_equal(open_channel(&c, 5, &(struct sfu_dcep_open){0}),
                         rows[i].free ? 0 : -EPROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_message_means),
        cmocka_unit_test(each_channel_keeps_its_reliability),
        cmocka_unit_test(a_stream_is_one_channel_at_a_time),
        cmocka_unit_test(a_closed_stream_is_free_when_both_halves_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
