#include "sfu/core/channels.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

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
    sfu_channels_fini(&c);
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
    sfu_channels_fini(&c);
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
    sfu_channels_fini(&c);
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
        assert_int_equal(c.resets, rows[i].due);
        assert_int_equal(sfu_channels_reset_due(&c, &stream), rows[i].due);
        assert_int_equal(stream, rows[i].due ? 5 : 0);
        assert_int_equal(open_channel(&c, 5, &(struct sfu_dcep_open){0}),
                         rows[i].free ? 0 : -EPROTO);
        sfu_channels_fini(&c);
    }
}

static struct sfu_dcep_open labelled(const char *label)
{
    return (struct sfu_dcep_open){.label = (const uint8_t *)label,
                                  .label_len = (uint16_t)strlen(label)};
}

static void a_channel_is_found_by_its_label_while_it_is_open(void **state)
{
    (void)state;
    static const char *const labels[] = {"", "chat", "cha", "chat"};
    struct sfu_channels c;
    uint16_t stream = 99;
    size_t len = 99;
    sfu_channels_init(&c);
    assert_int_equal(
        sfu_channels_negotiate(&c, 0, true, &(struct sfu_sctp_how){.limit_retransmits = true}), 0);
    assert_null(sfu_channels_label(&c, 0, &len));
    assert_false(sfu_channels_find(&c, "", 0, &stream));
    for (uint16_t i = 0; i < SFU_ARRAY_LEN(labels); i++) {
        const struct sfu_dcep_open open = labelled(labels[i]);
        assert_int_equal(open_channel(&c, (uint16_t)(2 * i + 2), &open), 0);
    }
    assert_int_equal(c.opened, SFU_ARRAY_LEN(labels));
    assert_true(sfu_channels_find(&c, "chat", 4, &stream));
    assert_int_equal(stream, 4);
    assert_non_null(sfu_channels_label(&c, 4, &len));
    assert_int_equal(len, 4);
    sfu_channels_on_reset(&c, 4);
    assert_null(sfu_channels_label(&c, 4, &len));
    assert_true(sfu_channels_find(&c, "chat", 4, &stream));
    assert_int_equal(stream, 8);
    assert_true(sfu_channels_find(&c, "", 0, &stream));
    assert_int_equal(stream, 2);
    assert_false(sfu_channels_find(&c, "chatt", 5, &stream));
    assert_true(sfu_channels_lossy(&c, 0));
    assert_false(sfu_channels_lossy(&c, 2));
    assert_false(sfu_channels_lossy(&c, SFU_SCTP_STREAMS));
    sfu_channels_fini(&c);
}

/* Each refused one is closed again, as its opener is to learn. */
static void names_and_numbers_of_channels_are_bounded(void **state)
{
    (void)state;
    static const char longest[] =
        "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"
        "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllX";
    const struct {
        uint16_t label_len;
        const char *label;
        unsigned before;
        int rc;
    } rows[] = {
        {SFU_CHANNELS_LABEL_MAX, longest, 0, 0},
        {SFU_CHANNELS_LABEL_MAX + 1, longest, 0, -ENOSPC},
        {1, "\xff", 0, -ENOSPC},
        {3, "a\0b", 0, -ENOSPC},
        {1, "x", SFU_CHANNELS_OPENED_MAX - 1, 0},
        {1, "x", SFU_CHANNELS_OPENED_MAX, -ENOSPC},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_channels c;
        uint16_t due = 0;
        const struct sfu_dcep_open open = {.label = (const uint8_t *)rows[i].label,
                                           .label_len = rows[i].label_len};
        sfu_channels_init(&c);
        for (uint16_t k = 0; k < rows[i].before; k++) {
            assert_int_equal(open_channel(&c, (uint16_t)(20 + k), &(struct sfu_dcep_open){0}), 0);
        }
        assert_int_equal(open_channel(&c, 7, &open), rows[i].rc);
        assert_int_equal(c.opened, rows[i].before + (rows[i].rc == 0));
        assert_int_equal(sfu_channels_reset_due(&c, &due), rows[i].rc != 0);
        assert_int_equal(due, rows[i].rc == 0 ? 0 : 7);
        sfu_channels_fini(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_message_means),
        cmocka_unit_test(each_channel_keeps_its_reliability),
        cmocka_unit_test(a_stream_is_one_channel_at_a_time),
        cmocka_unit_test(a_closed_stream_is_free_when_both_halves_are),
        cmocka_unit_test(a_channel_is_found_by_its_label_while_it_is_open),
        cmocka_unit_test(names_and_numbers_of_channels_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
