#include "sfu/transport/tcpq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sfu/transport/framing.h"

enum {
    /* twice the bound: what is moved to the front was preceded by as many bytes that were sent */
    BUFFER_BYTES = 2 * SFU_TCPQ_BYTES,
    KEEP_BYTES = 64 * 1024, /* pages that an empty queue keeps */
    MARKS = 32,
    /* a turn's batch (up to 64 packets) fits above FULL, so that audio in it is not lost */
    LATE_BYTES = SFU_TCPQ_BYTES / 2,
    FULL_BYTES = SFU_TCPQ_BYTES / 8 * 5,
    AGAIN_BYTES = SFU_TCPQ_BYTES / 8,
    AGE_US = SFU_TCPQ_AGE_MS * 1000,
    AGAIN_US = AGE_US / 3,
};

/* Bytes up to end were queued at at_us or later. */
struct mark {
    uint64_t end;
    int64_t at_us;
};

struct sfu_tcpq {
    uint8_t *buf;
    size_t head, tail, high; /* in buf; high: the furthest tail since the queue was empty */
    size_t frame_left;       /* of the frame at head, when part of it is sent; else 0 */
    uint64_t sent;           /* bytes in all; the position of head for marks */
    bool late;
    unsigned first_mark, marks;
    struct mark mark[MARKS];
    size_t urgent_len, urgent_sent;
    uint8_t urgent[SFU_TCPQ_URGENT_BYTES];
};

int sfu_tcpq_create(struct sfu_tcpq **ret_q)
{
    struct sfu_tcpq *q = calloc(1, sizeof *q);
    if (!q) {
        return -ENOMEM;
    }
    q->buf = mmap(NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (q->buf == MAP_FAILED) {
        free(q);
        return -ENOMEM;
    }
    *ret_q = q;
    return 0;
}

void sfu_tcpq_destroy(struct sfu_tcpq *q)
{
    if (q) {
        munmap(q->buf, BUFFER_BYTES);
        free(q);
    }
}

size_t sfu_tcpq_bytes(const struct sfu_tcpq *q)
{
    return q->tail - q->head + q->urgent_len - q->urgent_sent;
}

/* --- in --- */

uint8_t *sfu_tcpq_reserve(struct sfu_tcpq *q, size_t len)
{
    size_t need = SFU_FRAMING_HEAD + len, waits = q->tail - q->head;
    if (waits + need > SFU_TCPQ_BYTES || len > UINT16_MAX) {
        return NULL;
    }
    if (q->tail + need > BUFFER_BYTES) {
        memmove(q->buf, q->buf + q->head, waits);
        q->head = 0;
        q->tail = waits;
    }
    return q->buf + q->tail + SFU_FRAMING_HEAD;
}

static void note_time(struct sfu_tcpq *q, size_t bytes, int64_t now_us)
{
    struct mark *last = &q->mark[(q->first_mark + q->marks - 1) % MARKS];
    if (q->marks == 0 || (last->at_us != now_us && q->marks < MARKS)) {
        last = &q->mark[(q->first_mark + q->marks++) % MARKS];
        *last = (struct mark){.at_us = now_us};
    }
    last->end = q->sent + (q->tail - q->head) + bytes;
}

void sfu_tcpq_commit(struct sfu_tcpq *q, size_t len, int64_t now_us)
{
    note_time(q, SFU_FRAMING_HEAD + len, now_us);
    sfu_framing_put(q->buf + q->tail, len);
    q->tail += SFU_FRAMING_HEAD + len;
    q->high = q->tail > q->high ? q->tail : q->high;
}

int sfu_tcpq_urgent(struct sfu_tcpq *q, const uint8_t *data, size_t len)
{
    if (SFU_FRAMING_HEAD + len > sizeof q->urgent - q->urgent_len) {
        return -ENOBUFS;
    }
    sfu_framing_put(q->urgent + q->urgent_len, len);
    memcpy(q->urgent + q->urgent_len + SFU_FRAMING_HEAD, data, len);
    q->urgent_len += SFU_FRAMING_HEAD + len;
    return 0;
}

/* --- out --- */

int sfu_tcpq_peek(const struct sfu_tcpq *q, struct iovec ret_iov[SFU_TCPQ_IOV])
{
    const struct iovec parts[SFU_TCPQ_IOV] = {
        {q->buf + q->head, q->frame_left},
        {(void *)(q->urgent + q->urgent_sent), q->urgent_len - q->urgent_sent},
        {q->buf + q->head + q->frame_left, q->tail - q->head - q->frame_left},
    };
    int n = 0;
    for (int i = 0; i < SFU_TCPQ_IOV; i++) {
        if (parts[i].iov_len > 0) {
            ret_iov[n++] = parts[i];
        }
    }
    return n;
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void pass(struct sfu_tcpq *q, size_t n)
{
    q->head += n;
    q->sent += n;
}

/* Moves over whole frames, and remembers what is left of the last one. */
static void sent_frames(struct sfu_tcpq *q, size_t n)
{
    while (n > 0) {
        size_t frame = SFU_FRAMING_HEAD + (size_t)sfu_be16_get(q->buf + q->head);
        size_t part = lesser(frame, n);
        pass(q, part);
        q->frame_left = frame - part;
        n -= part;
    }
}

static void forget_marks(struct sfu_tcpq *q)
{
    while (q->marks > 0 && q->mark[q->first_mark].end <= q->sent) {
        q->first_mark = (q->first_mark + 1) % MARKS;
        q->marks--;
    }
}

static void empty(struct sfu_tcpq *q)
{
    if (q->high > KEEP_BYTES) {
        madvise(q->buf + KEEP_BYTES, BUFFER_BYTES - KEEP_BYTES, MADV_DONTNEED);
    }
    q->head = q->tail = q->high = 0;
}

void sfu_tcpq_sent(struct sfu_tcpq *q, size_t n)
{
    size_t rest = lesser(n, q->frame_left);
    pass(q, rest);
    q->frame_left -= rest;
    n -= rest;
    size_t urgent = lesser(n, q->urgent_len - q->urgent_sent);
    q->urgent_sent += urgent;
    if (q->urgent_sent == q->urgent_len) {
        q->urgent_sent = q->urgent_len = 0;
    }
    sent_frames(q, n - urgent);
    forget_marks(q);
    if (q->head == q->tail) {
        empty(q);
    }
}

enum sfu_tcpq_level sfu_tcpq_level(struct sfu_tcpq *q, int64_t now_us)
{
    size_t bytes = q->tail - q->head;
    int64_t age_us = q->marks > 0 ? now_us - q->mark[q->first_mark].at_us : 0;
    if (bytes >= LATE_BYTES || age_us >= AGE_US) {
        q->late = true;
    } else if (bytes < AGAIN_BYTES && age_us < AGAIN_US) {
        q->late = false;
    }
    return bytes >= FULL_BYTES ? SFU_TCPQ_FULL : q->late ? SFU_TCPQ_LATE : SFU_TCPQ_FREE;
}
