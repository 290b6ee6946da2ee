#include <string.h>

#include "tests/bench/load/payload.h"

enum { FU_A = 28, FU_START = 0x80, FU_END = 0x40 };

struct cut {
    struct load_piece *pieces;
    unsigned count, cap;
};

/* n near-equal pieces of what follows head. */
static void cut_evenly(struct cut *c, const uint8_t *data, size_t len, size_t room,
                       const uint8_t *head, uint8_t head_len)
{
    size_t n = (len + room - head_len - 1) / (room - head_len);
    for (size_t i = 0; i < n && c->count < c->cap; i++) {
        size_t begin = len * i / n, end = len * (i + 1) / n;
        struct load_piece *p = &c->pieces[c->count++];
        *p = (struct load_piece){.data = data + begin, .len = end - begin, .head_len = head_len};
        if (head_len > 0) {
            p->head[0] = head[0];
            p->head[1] = (uint8_t)(head[1] | (i == 0 ? FU_START : 0) | (i + 1 == n ? FU_END : 0));
        }
    }
}

static void cut_nal(struct cut *c, const uint8_t *nal, size_t len, size_t room)
{
    if (len > room) {
        uint8_t head[] = {(uint8_t)((nal[0] & 0xe0) | FU_A), nal[0] & 0x1f};
        cut_evenly(c, nal + 1, len - 1, room, head, sizeof head);
    } else if (len > 0) {
        cut_evenly(c, nal, len, room, NULL, 0);
    }
}

/* The next start code at or behind p; end when there is none. */
static const uint8_t *start_code(const uint8_t *p, const uint8_t *end)
{
    static const uint8_t code[] = {0, 0, 1};
    const uint8_t *at = memmem(p, (size_t)(end - p), code, sizeof code);
    return at ? at : end;
}

static void cut_h264(struct cut *c, const uint8_t *frame, size_t len, size_t room)
{
    const uint8_t *end = frame + len, *at = start_code(frame, end);
    while (at < end) {
        const uint8_t *nal = at + 3, *next = start_code(nal, end);
        size_t n = (size_t)(next - nal);
        while (n > 0 && next < end && nal[n - 1] == 0) {
            n--; /* the zero of a longer start code */
        }
        cut_nal(c, nal, n, room);
        at = next;
    }
}

unsigned load_payload_split(enum load_codec codec, const uint8_t *frame, size_t len, size_t room,
                            struct load_piece *ret_pieces, unsigned cap)
{
    struct cut c = {ret_pieces, 0, cap};
    if (codec == LOAD_H264) {
        cut_h264(&c, frame, len, room);
    } else {
        cut_evenly(&c, frame, len, room, NULL, 0);
    }
    return c.count;
}
