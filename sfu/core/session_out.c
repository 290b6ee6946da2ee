#include "sfu/core/session_out.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/core/rpc.h"

void sfu_session_out_init(struct sfu_session_out *out, uint32_t max_count, size_t max_bytes)
{
    *out = (struct sfu_session_out){.max_count = max_count, .max_bytes = max_bytes};
}

static void drop_first(struct sfu_session_out *out)
{
    struct sfu_session_msg *msg = out->first;
    out->first = msg->next;
    if (!out->first) {
        out->last = NULL;
    }
    out->count--;
    out->bytes -= msg->len;
    out->lost = msg->seq;
    free(msg->text);
    free(msg);
}

void sfu_session_out_fini(struct sfu_session_out *out)
{
    while (out->first) {
        drop_first(out);
    }
    for (size_t i = 0; i < SFU_SESSION_OUT_LATEST; i++) {
        free(out->latest[i].text);
        out->latest[i] = (struct sfu_session_latest){0};
    }
}

int sfu_session_out_push(struct sfu_session_out *out, const char *method, const char *body,
                         size_t len, const struct sfu_session_msg **ret_msg)
{
    struct sfu_session_msg *msg = calloc(1, sizeof *msg);
    out->seq++;
    if (msg) {
        msg->seq = out->seq;
        msg->text = sfu_rpc_notification(method, body, len, out->seq, &msg->len);
    }
    if (!msg || !msg->text) {
        free(msg);
        while (out->first) {
            drop_first(out);
        }
        out->lost = out->seq;
        return -ENOMEM;
    }
    if (out->last) {
        out->last->next = msg;
    } else {
        out->first = msg;
    }
    out->last = msg;
    out->count++;
    out->bytes += msg->len;
    /* the newest stays even when it alone is over the bound: it is on its way to the lane */
    while (out->first != msg && (out->count > out->max_count || out->bytes > out->max_bytes)) {
        drop_first(out);
    }
    *ret_msg = msg;
    return 0;
}

int sfu_session_out_keep(struct sfu_session_out *out, const char *method, const char *text,
                         size_t len)
{
    for (size_t i = 0; i < SFU_SESSION_OUT_LATEST; i++) {
        struct sfu_session_latest *latest = &out->latest[i];
        if (latest->method && strcmp(latest->method, method) != 0) {
            continue;
        }
        free(latest->text);
        *latest = (struct sfu_session_latest){.method = method};
        latest->text = malloc(len + 1);
        if (!latest->text) {
            return -ENOMEM;
        }
        memcpy(latest->text, text, len + 1);
        latest->len = len;
        return 0;
    }
    return -ENOBUFS;
}

bool sfu_session_out_has(const struct sfu_session_out *out, uint64_t seq)
{
    return seq >= out->lost && seq <= out->seq;
}

void sfu_session_out_ack(struct sfu_session_out *out, uint64_t seq)
{
    while (out->first && out->first->seq <= seq) {
        drop_first(out);
    }
}
