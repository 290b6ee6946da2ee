#include "sfu/core/note.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/rpc.h"

struct sfu_note *sfu_note_create(const char *method, const char *body, size_t len)
{
    struct sfu_note *note = malloc(sizeof *note + len + 1);
    if (!note) {
        return NULL;
    }
    *note = (struct sfu_note){
        .refs = 1, .len = (uint32_t)len, .method = method, .patience_ms = SFU_NOTE_PATIENCE_MS};
    memcpy(note->body, body, len);
    note->body[len] = '\0';
    return note;
}

uint16_t sfu_note_patience(uint32_t receivers)
{
    uint32_t ms = receivers / 2;
    ms = ms > SFU_NOTE_PATIENCE_MS ? ms : SFU_NOTE_PATIENCE_MS;
    return (uint16_t)(ms < SFU_NOTE_PATIENCE_MAX_MS ? ms : SFU_NOTE_PATIENCE_MAX_MS);
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

/* JSON texts hold no line breaks, so one data line is enough. */
char *sfu_note_event(const struct sfu_note *note, uint64_t seq, size_t *ret_len)
{
    struct sfu_str out;
    size_t len = 0;
    char *text = sfu_note_text(note, seq, &len);
    if (!text) {
        return NULL;
    }
    sfu_str_init_grow(&out, len + 64);
    if (seq > 0) {
        sfu_str_printf(&out, "id: %" PRIu64 "\n", seq);
    }
    sfu_str_puts(&out, "data: ");
    sfu_str_put(&out, text, len);
    sfu_str_puts(&out, "\n\n");
    free(text);
    *ret_len = out.len;
    text = sfu_str_take(&out);
    sfu_str_fini(&out);
    return text;
}
