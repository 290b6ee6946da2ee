#include "sfu/core/session_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 8 };

void sfu_session_out_init(struct sfu_session_out *out, uint32_t max_count, size_t max_bytes)
{
    *out = (struct sfu_session_out){.max_count = max_count, .max_bytes = max_bytes};
}

static struct sfu_note **place(const struct sfu_session_out *out, uint64_t seq)
{
    return &out->ring[seq & (out->cap - 1)];
}

static void drop_first(struct sfu_session_out *out)
{
    struct sfu_note **at = place(out, out->seq - out->count + 1);
    out->bytes -= (*at)->len;
    out->count--;
    sfu_note_unref(*at);
    *at = NULL;
}

void sfu_session_out_fini(struct sfu_session_out *out)
{
    while (out->count > 0) {
        drop_first(out);
    }
    free(out->ring);
    for (size_t i = 0; i < SFU_SESSION_OUT_LATEST; i++) {
        sfu_note_unref(out->latest[i]);
    }
    *out = (struct sfu_session_out){0};
}

static int grow(struct sfu_session_out *out)
{
    uint32_t cap = out->cap ? 2 * out->cap : FIRST_CAP;
    struct sfu_session_out bigger = {.cap = cap};
    bigger.ring = calloc(cap, sizeof(struct sfu_note *));
    if (!bigger.ring) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < out->count; i++) {
        *place(&bigger, out->seq - i) = *place(out, out->seq - i);
    }
    free(out->ring);
    out->ring = bigger.ring;
    out->cap = cap;
    return 0;
}

int sfu_session_out_push(struct sfu_session_out *out, struct sfu_note *note)
{
    if (!note || (out->count == out->cap && grow(out) != 0)) {
        while (out->count > 0) {
            drop_first(out);
        }
        out->seq++;
        return -ENOMEM;
    }
    out->seq++;
    *place(out, out->seq) = sfu_note_ref(note);
    out->count++;
    out->bytes += note->len;
    /* the newest stays even when it alone is over the bound: it is on its way to the lane */
    while (out->count > 1 && (out->count > out->max_count || out->bytes > out->max_bytes)) {
        drop_first(out);
    }
    return 0;
}

int sfu_session_out_keep(struct sfu_session_out *out, struct sfu_note *note)
{
    for (size_t i = 0; i < SFU_SESSION_OUT_LATEST; i++) {
        struct sfu_note *before = out->latest[i];
        if (before && strcmp(before->method, note->method) != 0) {
            continue;
        }
        out->latest[i] = sfu_note_ref(note);
        sfu_note_unref(before);
        return 0;
    }
    return -ENOBUFS;
}

bool sfu_session_out_has(const struct sfu_session_out *out, uint64_t seq)
{
    return seq >= out->seq - out->count && seq <= out->seq;
}

const struct sfu_note *sfu_session_out_get(const struct sfu_session_out *out, uint64_t seq)
{
    return seq > 0 && seq <= out->seq && out->seq - seq < out->count ? *place(out, seq) : NULL;
}

void sfu_session_out_ack(struct sfu_session_out *out, uint64_t seq)
{
    while (out->count > 0 && out->seq - out->count < seq) {
        drop_first(out);
    }
}
