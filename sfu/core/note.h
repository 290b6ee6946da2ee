/*
 * sfu/core/note.h - one notification's text, shared by everybody who is told.
 *
 * A room of n keeps what it was told n times over, in n windows; the text is there once.  Counted
 * references, on the control thread only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sfu_note {
    uint32_t refs;
    uint32_t len;         /* of body */
    uint16_t patience_ms; /* how long it may wait for others on its way to the client */
    const char *method;   /* static storage */
    char body[];          /* the parameters, a compact JSON object, NUL-terminated */
};

enum { SFU_NOTE_PATIENCE_MS = 20, SFU_NOTE_PATIENCE_MAX_MS = 250 };

/* Copies body, with the least patience; the caller holds the one reference.  NULL: out of memory. */
struct sfu_note *sfu_note_create(const char *method, const char *body, size_t len);
/* For what goes to so many: 20 ms up to 40, then half a millisecond for each, up to 250. */
uint16_t sfu_note_patience(uint32_t receivers);
struct sfu_note *sfu_note_ref(struct sfu_note *note); /* returns it */
void sfu_note_unref(struct sfu_note *note);           /* NULL is allowed */
/* The notification as one client gets it, on the heap; seq 0: without a number.  NULL: out of
 * memory. */
char *sfu_note_text(const struct sfu_note *note, uint64_t seq, size_t *ret_len);
/* The same as a server-sent event (HTML standard, 9.2.6), with the number as its id. */
char *sfu_note_event(const struct sfu_note *note, uint64_t seq, size_t *ret_len);
