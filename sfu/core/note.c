#include "sfu/core/note.h"

#include <stdlib.h>
#include <string.h>

#include "sfu/core/rpc.h"

struct sfu_note *sfu_note_create(const char *method, const char *body, size_t len)
{
    struct sfu_note *note = malloc(sizeof *note + len + 1);
    if (!note) {
        return NULL;
    }
    *note = (struct sfu_note){.refs = 1, .len = (uint32_t)len, .method = method};
    memcpy(note->body, body, len);
    note->body[len] = '\0';
    return note;
}

struct sfu_note *sfu_note_ref(struct sfu_note *note)
{
    note->refs++;
    return note;
}

void sfu_note_unref(struct sfu_note *note)
{
    if (note && --note->refs == 0) {
        free(note);
    }
}

char *sfu_note_text(const struct sfu_note *note, uint64_t seq, size_t *ret_len)
{
    return sfu_rpc_notification(note->method, note->body, note->len, seq, ret_len);
}
