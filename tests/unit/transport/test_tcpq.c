/*
 * The send queue of a TCP connection: order, bounds, what jumps it, and what it says of itself.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/transport/framing.h"
#include "sfu/transport/tcpq.h"

enum { FRAME = 1200 };

static struct sfu_tcpq *make(void)
{
    struct sfu_tcpq *q;
    assert_int_equal(sfu_tcpq_create(&q), 0);
    return q;
}

static bool put(struct sfu_tcpq *q, uint8_t mark, size_t len, int64_t now_us)
{
    uint8_t *room = sfu_tcpq_reserve(q, len);
    if (!room) {
        return false;
    }
    memset(room, mark, len);
    sfu_tcpq_commit(q, len, now_us);
    return true;
}

/* Takes up to max bytes as a kernel would. */
static size_t take(struct sfu_tcpq *q, uint8_t *to, size_t max)
{
    struct iovec iov[SFU_TCPQ_IOV];
    int parts = sfu_tcpq_peek(q, iov);
    size_t n = 0;
    for (int i = 0; i < parts && n < max; i++) {
        size_t part = iov[i].iov_len < max - n ? iov[i].iov_len : max - n;
        memcpy(to + n, iov[i].iov_base, part);
        n += part;
    }
    sfu_tcpq_sent(q, n);
    return n;
}

/* The first bytes of the frames in a stream, in order. */
static size_t marks_of(const uint8_t *stream, size_t len, uint8_t *ret, size_t cap)
{
    size_t at = 0, n = 0;
    while (at < len && n < cap) {
        int frame = sfu_framing_next(stream + at, len - at, 65535);
        assert_true(frame > 0);
        ret[n++] = stream[at + SFU_FRAMING_HEAD];
        at += SFU_FRAMING_HEAD + (size_t)frame;
    }
    assert_int_equal(at, len);
    return n;
}

static void answers_jump_the_queue_between_frames(void **state)
{
    static const struct {
        size_t sent_before; /* bytes that left before the answer came */
        const char *order;
    } rows[] = {
        {0, "Sabc"},   {1, "aSbc"},   {2, "aSbc"},   {101, "aSbc"},
        {102, "aSbc"}, {103, "abSc"}, {204, "abSc"}, {205, "abcS"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_tcpq *q = make();
        uint8_t stream[1024], marks[8] = {0};
        for (uint8_t mark = 'a'; mark <= 'c'; mark++) {
            assert_true(put(q, mark, 100, 0));
        }
        size_t n = take(q, stream, rows[i].sent_before);
        assert_int_equal(sfu_tcpq_urgent(q, (const uint8_t *)"S", 1), 0);
        for (size_t got; (got = take(q, stream + n, 7)) > 0;) { /* a slow kernel */
            n += got;
        }
        assert_int_equal(marks_of(stream, n, marks, 8), 4);
        assert_string_equal((char *)marks, rows[i].order);
        assert_int_equal(sfu_tcpq_bytes(q), 0);
        sfu_tcpq_destroy(q);
    }
}

static void any_cut_of_writes_gives_the_same_stream(void **state)
{
    struct sfu_tcpq *q = make();
    uint8_t *stream = malloc(1 << 20);
    uint32_t random = 7;
    size_t n = 0, frames = 0, queued = 0, at = 0;
    (void)state;
    while (n < 600000) { /* several times round the buffer */
        random = random * 1664525 + 1013904223;
        if (queued < 2000 && put(q, (uint8_t)queued, 1 + (random >> 8) % FRAME, 0)) {
            queued++;
        }
        n += take(q, stream + n, (random >> 20) % 900);
        if (queued == 2000 && sfu_tcpq_bytes(q) == 0) {
            break;
        }
    }
    while (at < n) {
        int len = sfu_framing_next(stream + at, n - at, 65535);
        if (len == -EAGAIN) {
            break;
        }
        assert_true(len > 0);
        assert_int_equal(stream[at + 2], (uint8_t)frames);
        assert_int_equal(stream[at + 1 + (size_t)len], (uint8_t)frames);
        frames++;
        at += SFU_FRAMING_HEAD + (size_t)len;
    }
    assert_true(frames > 900);
    free(stream);
    sfu_tcpq_destroy(q);
}

static void no_more_than_its_bound_waits(void **state)
{
    struct sfu_tcpq *q = make();
    unsigned n = 0;
    (void)state;
    while (put(q, 1, FRAME, 0)) {
        n++;
    }
    assert_int_equal(n, SFU_TCPQ_BYTES / (FRAME + SFU_FRAMING_HEAD));
    assert_true(sfu_tcpq_bytes(q) <= SFU_TCPQ_BYTES);
    assert_null(sfu_tcpq_reserve(q, 65536));
    uint8_t big[SFU_TCPQ_URGENT_BYTES] = {0};
    assert_int_equal(sfu_tcpq_urgent(q, big, 600), 0); /* STUN has room of its own */
    assert_int_equal(sfu_tcpq_urgent(q, big, 600), -ENOBUFS);
    sfu_tcpq_destroy(q);
}

static void it_says_when_video_should_wait(void **state)
{
    static const struct {
        size_t frames;   /* queued at 0 */
        int64_t age_ms;  /* looked at then */
        size_t left;     /* after so many of them are left */
        int64_t left_ms; /* and looked at again then */
        enum sfu_tcpq_level before, after;
    } rows[] = {
        {10, 0, 0, 0, SFU_TCPQ_FREE, SFU_TCPQ_FREE},
        {10, 299, 10, 299, SFU_TCPQ_FREE, SFU_TCPQ_FREE},
        {10, 300, 10, 310, SFU_TCPQ_LATE, SFU_TCPQ_LATE},
        {110, 0, 80, 10, SFU_TCPQ_LATE, SFU_TCPQ_LATE}, /* no to and fro around one mark */
        {110, 0, 5, 10, SFU_TCPQ_LATE, SFU_TCPQ_FREE},
        {110, 0, 5, 150, SFU_TCPQ_LATE, SFU_TCPQ_LATE}, /* few, but old */
        {140, 0, 120, 10, SFU_TCPQ_FULL, SFU_TCPQ_LATE},
        {140, 0, 0, 900, SFU_TCPQ_FULL, SFU_TCPQ_FREE},
    };
    static uint8_t sink[SFU_TCPQ_BYTES];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sfu_tcpq *q = make();
        for (size_t k = 0; k < rows[i].frames; k++) {
            assert_true(put(q, 1, FRAME, 0));
        }
        assert_int_equal(sfu_tcpq_level(q, rows[i].age_ms * 1000), rows[i].before);
        take(q, sink, (rows[i].frames - rows[i].left) * (FRAME + SFU_FRAMING_HEAD));
        assert_int_equal(sfu_tcpq_level(q, rows[i].left_ms * 1000), rows[i].after);
        sfu_tcpq_destroy(q);
    }
}

static void frames_are_read_by_length(void **state)
{
    static const struct {
        uint8_t data[4];
        size_t len;
        int result;
    } rows[] = {
        {{0}, 0, -EAGAIN},       {{0}, 1, -EAGAIN},      {{0, 0}, 2, 0},
        {{0, 2, 9}, 3, -EAGAIN}, {{0, 2, 9, 9}, 4, 2},   {{0, 1, 9, 9}, 4, 1},
        {{8, 0}, 2, -EAGAIN},    {{8, 1}, 2, -EMSGSIZE}, {{255, 255}, 2, -EMSGSIZE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sfu_framing_next(rows[i].data, rows[i].len, 2048), rows[i].result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_jump_the_queue_between_frames),
        cmocka_unit_test(any_cut_of_writes_gives_the_same_stream),
        cmocka_unit_test(no_more_than_its_bound_waits),
        cmocka_unit_test(it_says_when_video_should_wait),
        cmocka_unit_test(frames_are_read_by_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
