/*
 * A peer that writes its packets itself, against the SCTP stack: what held for ever or took memory
 * without bound.  A is the server's end; B makes the association, then its packets are forged.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/dcep.h"
#include "sfu/proto/sctp_packet.h"
#include "sfu/transport/sctp.h"
#include "sfu/transport/sctp_limit.h"
#include "tests/support/sctp_wire.h"

enum {
    FRAGMENT = 1000,
    PARTS = 65, /* and the first: more than the largest message */
    FIRST = 2,
    UNORDERED = 4,
    STUCK_S = 10, /* a deadlock is a failure, not a test that never ends */
};

struct world {
    struct wire wire;
    uint32_t up, ended, messages;
    uint32_t resets[SFU_SCTP_STREAMS];
    int response;         /* that A gave last to a request; -1: none */
    uint8_t header[12];   /* of B's packets */
    uint32_t tsn, seq;    /* B's next */
    bool hold;            /* what B sends is only looked at */
    bool answer;          /* A sends from inside its message hook */
    uint8_t packet[1500]; /* the one that is written */
    size_t len;
};

static void look_at_response(struct world *w, const uint8_t *packet, size_t len)
{
    if (packet[12] == 0x82 && len >= 28 && packet[17] == 16) {
        w->response = (int)sfu_be32_get(packet + 24);
    }
}

static void output(void *arg, uint64_t id, const uint8_t *packet, size_t len)
{
    struct world *w = arg;
    if (id == WIRE_A) {
        look_at_response(w, packet, len);
    } else if (w->hold && packet[12] == 0) {
        memcpy(w->header, packet, sizeof w->header);
        w->tsn = sfu_be32_get(packet + 16);
    }
    if (!w->hold) {
        wire_carry(&w->wire, id, packet, len);
    }
}

static void state_changed(void *arg, uint64_t id, enum sfu_sctp_state state)
{
    struct world *w = arg;
    (void)id;
    w->up += state == SFU_SCTP_UP;
    w->ended += state == SFU_SCTP_ENDED; /* closed later, as the sctp thread does */
}

static void message_came(void *arg, uint64_t id, const struct sfu_sctp_message *m)
{
    struct world *w = arg;
    w->messages += id == WIRE_A;
    if (id == WIRE_A && w->answer) {
        const struct sfu_sctp_message answer = {
            .stream = m->stream, .ppid = SFU_PPID_BINARY, .data = m->data, .len = 1};
        assert_int_equal(sfu_sctp_send(w->wire.s, WIRE_A, &answer, &(struct sfu_sctp_how){0}), 0);
    }
}

static void stream_was_reset(void *arg, uint64_t id, uint16_t stream)
{
    struct world *w = arg;
    assert_int_equal(id, WIRE_A);
    assert_in_range(stream, 0, SFU_SCTP_STREAMS - 1);
    w->resets[stream]++;
}

static void run(struct world *w, int ms)
{
    wire_run(&w->wire, ms);
    assert_int_equal(w->wire.too_late, 0);
}

/* Both are up, and B's tag and numbers are known: from here on its packets are written by hand. */
static int make(void **state)
{
    static const struct sfu_sctp_hooks hooks = {output, state_changed, message_came,
                                                stream_was_reset};
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    wire_init(&w->wire, &hooks, w);
    wire_connect(&w->wire, 200);
    assert_int_equal(w->wire.too_late, 0);
    assert_int_equal(w->up, 2);
    w->hold = true;
    const struct sfu_sctp_message m = {
        .stream = 5, .ppid = SFU_PPID_BINARY, .data = (const uint8_t *)"x", .len = 1};
    assert_int_equal(sfu_sctp_send(w->wire.s, WIRE_B, &m, &(struct sfu_sctp_how){0}), 0);
    assert_int_not_equal(sfu_be32_get(w->header + 4), 0);
    w->seq = w->tsn; /* both count from the initial TSN (RFC 6525, 3) */
    w->response = -1;
    alarm(STUCK_S);
    *state = w;
    return 0;
}

static int unmake(void **state)
{
    struct world *w = *state;
    alarm(0);
    wire_fini(&w->wire);
    free(w);
    return 0;
}

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t c = UINT32_MAX;
    while (n--) {
        c ^= *p++;
        for (int k = 0; k < 8; k++) {
            c = c >> 1 ^ (0x82f63b78u & (0u - (c & 1)));
        }
    }
    return ~c;
}

static void begin(struct world *w)
{
    memcpy(w->packet, w->header, sizeof w->header);
    w->len = sizeof w->header;
}

static uint8_t *add(struct world *w, uint8_t type, uint8_t flags, size_t len)
{
    uint8_t *p = w->packet + w->len;
    memset(p, 0, len);
    p[0] = type;
    p[1] = flags;
    sfu_be16_put(p + 2, (uint16_t)len);
    w->len += len;
    return p;
}

static int put(struct world *w)
{
    memset(w->packet + 8, 0, 4);
    uint32_t c = crc32c(w->packet, w->len);
    for (size_t i = 0; i < 4; i++) {
        w->packet[8 + i] = (uint8_t)(c >> 8 * i);
    }
    return sfu_sctp_input(w->wire.s, WIRE_A, w->packet, w->len);
}

static int put_fragment(struct world *w, uint8_t flags)
{
    begin(w);
    uint8_t *p = add(w, 0, flags, 16 + FRAGMENT);
    sfu_be32_put(p + 4, w->tsn++);
    sfu_be16_put(p + 8, 5);
    return put(w);
}

static void add_forward_tsn(struct world *w, uint32_t tsn)
{
    sfu_be32_put(add(w, 0xc0, 0, 8) + 4, tsn);
}

/* The first part of a message that never ends, longer than any may be. 0, or what the last said. */
static int put_endless(struct world *w)
{
    int rc = put_fragment(w, FIRST | UNORDERED);
    for (int i = 0; i < PARTS; i++) {
        rc = put_fragment(w, UNORDERED);
    }
    return rc;
}

static void nothing_follows_the_delivery_of_a_part(void **state)
{
    struct world *w = *state;
    assert_int_equal(put_endless(w), 0);
    assert_int_equal(w->ended, 1);
    uint32_t gap = w->tsn++;
    assert_int_equal(put_endless(w), -ENOENT);
    begin(w);
    add_forward_tsn(w, gap);
    assert_int_equal(put(w), -ENOENT); /* the stack never came back from this one */
    assert_int_equal(w->ended, 1);
}

static void a_forward_tsn_may_begin_delivery_but_not_a_second(void **state)
{
    struct world *w = *state;
    uint32_t start = w->tsn;
    w->tsn += 2 + 2 * (PARTS + 1) + 1;
    uint32_t end = w->tsn - 1;
    w->tsn = end;
    assert_int_equal(put_fragment(w, UNORDERED),
                     0); /* what comes before it is let in, window or not */
    w->tsn = start;
    assert_int_equal(put_fragment(w, FIRST | UNORDERED), 0);
    uint32_t gap = w->tsn++;
    assert_int_equal(put_endless(w), 0);
    uint32_t second = w->tsn++;
    assert_int_equal(put_fragment(w, FIRST | UNORDERED), 0);
    while (w->tsn != end) {
        assert_int_equal(put_fragment(w, UNORDERED), 0);
    }
    assert_int_equal(w->ended, 0);
    begin(w);
    add_forward_tsn(w, gap);
    add_forward_tsn(w, second);
    assert_int_equal(put(w), -ENOTSUP);
    begin(w);
    add_forward_tsn(w, gap);
    assert_int_equal(put(w), 0);
    assert_int_equal(w->ended, 1);
    begin(w);
    add_forward_tsn(w, second);
    assert_int_equal(put(w), -ENOENT);
}

/* Delivery of a part and the FORWARD TSN in one packet: what stands behind DATA is not followed. */
static void a_forward_tsn_behind_data_ends_the_association(void **state)
{
    struct world *w = *state;
    assert_int_equal(put_fragment(w, FIRST | UNORDERED), 0);
    for (int i = 1; i < PARTS; i++) {
        assert_int_equal(put_fragment(w, UNORDERED), 0);
    }
    uint32_t last = w->tsn++, gap = w->tsn++;
    assert_int_equal(put_endless(w), 0);
    assert_int_equal(w->ended, 0);
    begin(w);
    uint8_t *p = add(w, 0, UNORDERED, 16 + FRAGMENT);
    sfu_be32_put(p + 4, last);
    sfu_be16_put(p + 8, 5);
    add_forward_tsn(w, gap);
    assert_int_equal(put(w), 0);
    assert_int_equal(w->ended, 1);
}

/* The stack holds a lock of the reader while it delivers these: sending must not want it. */
static void what_a_forward_tsn_delivers_may_be_answered(void **state)
{
    struct world *w = *state;
    uint32_t skipped = w->tsn++;
    w->answer = true;
    begin(w);
    uint8_t *p = add(w, 0, 3, 20);
    sfu_be32_put(p + 4, w->tsn++);
    sfu_be16_put(p + 8, 5);
    sfu_be16_put(p + 10, 1); /* behind number 0, which never comes */
    assert_int_equal(put(w), 0);
    assert_int_equal(w->messages, 0);
    begin(w);
    p = add(w, 0xc0, 0, 12);
    sfu_be32_put(p + 4, skipped);
    sfu_be16_put(p + 8, 5);
    assert_int_equal(put(w), 0);
    assert_int_equal(w->messages, 1);
}

static int put_add_streams(struct world *w, uint16_t type)
{
    begin(w);
    uint8_t *p = add(w, 0x82, 0, 16);
    sfu_be16_put(p + 4, type);
    sfu_be16_put(p + 6, 12);
    sfu_be32_put(p + 8, w->seq);
    sfu_be16_put(p + 12, 65000);
    return put(w);
}

static void nobody_adds_streams(void **state)
{
    struct world *w = *state;
    enum { DENIED = 2 };
    assert_int_equal(put_add_streams(w, 18), -ENOTSUP);
    assert_int_equal(w->response, -1);
    assert_int_equal(put_add_streams(w, 17), 0);
    assert_int_equal(w->response, DENIED);
}

/* Outgoing reset of n streams from 0 on. */
static int put_reset(struct world *w, uint32_t seq, uint32_t last_tsn, size_t n)
{
    begin(w);
    uint8_t *p = add(w, 0x82, 0, 4 + 16 + 2 * n);
    sfu_be16_put(p + 4, 13);
    sfu_be16_put(p + 6, (uint16_t)(16 + 2 * n));
    sfu_be32_put(p + 8, seq);
    sfu_be32_put(p + 16, last_tsn);
    for (size_t i = 0; i < n; i++) {
        sfu_be16_put(p + 20 + 2 * i, (uint16_t)i);
    }
    return put(w);
}

static void a_reset_without_a_list_closes_every_stream(void **state)
{
    struct world *w = *state;
    assert_int_equal(put_reset(w, w->seq, w->tsn - 1, 0), 0);
    for (size_t i = 0; i < SFU_SCTP_STREAMS; i++) {
        assert_int_equal(w->resets[i], 1);
    }
}

static void resets_that_wait_for_data_are_few(void **state)
{
    struct world *w = *state;
    unsigned taken = 0, later = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        int rc = put_reset(w, w->seq + taken, w->tsn + 0x100000, i % 2 ? SFU_SCTP_STREAMS : 0);
        assert_true(rc == 0 || rc == -EAGAIN);
        taken += rc == 0;
    }
    assert_in_range(taken, SFU_SCTP_LIMIT_BURST / 2, SFU_SCTP_LIMIT_BURST);
    for (int s = 0; s < 10; s++) {
        run(w, 1000);
        later += put_reset(w, w->seq + taken + later, w->tsn + 0x100000, 0) == 0;
        assert_int_equal(put_reset(w, w->seq + taken + later, w->tsn + 0x100000, 0), -EAGAIN);
    }
    assert_in_range(later, 9, 10);
    assert_int_equal(put_reset(w, w->seq, w->tsn, SFU_SCTP_STREAMS + 2), -ENOTSUP);
    assert_int_equal(put_fragment(w, 3), 0); /* the rest of the association goes on */
    assert_int_equal(w->messages, 1);
}

static void put_foreign(struct world *w, uint8_t type, uint8_t len, uint32_t tag)
{
    begin(w);
    sfu_be32_put(w->packet + 4, tag);
    uint8_t *p = add(w, type, 0, len);
    for (size_t i = 4; i < len; i += 2) {
        sfu_be16_put(p + i, 0x0101); /* an INIT that makes sense */
    }
}

static void foreign_tags_are_few(void **state)
{
    struct world *w = *state;
    static const struct {
        uint8_t type, len;
        uint32_t tag;
    } rows[] = {
        {11, 4, 0x01020304}, /* COOKIE ACK */
        {1, 20, 0},          /* INIT */
        {8, 4, 0x01020304},  /* SHUTDOWN ACK */
    };
    unsigned taken = 0;
    for (size_t n = 0; n < 3000; n++) {
        size_t i = n % SFU_ARRAY_LEN(rows);
        put_foreign(w, rows[i].type, rows[i].len, rows[i].tag);
        int rc = put(w);
        assert_true(rc == 0 || rc == -EAGAIN);
        taken += rc == 0;
    }
    assert_in_range(taken, SFU_SCTP_LIMIT_BURST / 2, SFU_SCTP_LIMIT_BURST);
    for (int i = 0; i < 1000; i++) { /* and those with our own cost nothing */
        assert_int_equal(put_fragment(w, 3 | UNORDERED), 0);
    }
    assert_int_equal(w->messages, 1000);
    assert_int_equal(w->ended, 0);
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, make, unmake)
    const struct CMUnitTest tests[] = {
        ROW(nothing_follows_the_delivery_of_a_part),
        ROW(a_forward_tsn_may_begin_delivery_but_not_a_second),
        ROW(a_forward_tsn_behind_data_ends_the_association),
        ROW(what_a_forward_tsn_delivers_may_be_answered),
        ROW(nobody_adds_streams),
        ROW(a_reset_without_a_list_closes_every_stream),
        ROW(resets_that_wait_for_data_are_few),
        ROW(foreign_tags_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
