#include "sfu/core/control_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/core/control_peer.h"
#include "sfu/core/plugin_host.h"

enum { QUEUE_BYTES = 8 << 20 }; /* of messages on their way to the control thread */

/* One event on its way: fn of sfu_control_post carries one pointer. */
struct told {
    struct sfu_control *c;
    struct sfu_data_event event; /* data points behind this */
    uint32_t bytes;
    uint8_t data[];
};

/* --- levels --- */

static const struct sfu_answer_mline *data_mline(const struct sfu_control_peer *peer)
{
    const struct sfu_answer *a = peer->answer;
    for (size_t i = 0; a && i < a->mline_count; i++) {
        if (!a->mlines[i].rejected && a->mlines[i].kind == SFU_SDP_APPLICATION) {
            return &a->mlines[i];
        }
    }
    return NULL;
}

int sfu_control_data_open(struct sfu_control_peer *peer)
{
    const struct sfu_data_ops *ops = &peer->c->data;
    const struct sfu_answer_mline *m = data_mline(peer);
    if (peer->data_open || !ops->open || !m || peer->state != SFU_PEER_UP) {
        return 0;
    }
    int rc = ops->open(ops->arg, peer->handle, peer->worker, m->sctp_port, m->max_message_size);
    peer->data_open = rc == 0;
    return rc;
}

int sfu_control_data_close(struct sfu_control_peer *peer)
{
    const struct sfu_data_ops *ops = &peer->c->data;
    if (!peer->data_open) {
        return 0;
    }
    int rc = ops->close(ops->arg, peer->handle);
    peer->data_open = rc < 0;
    return rc;
}

/* --- what comes --- */

static void on_message(struct sfu_control_peer *peer, const struct sfu_data_event *event)
{
    struct sfu_session *s = peer->session;
    if (s->claims.data) {
        sfu_plugin_host_data(peer->c, s->handle, event->channel, event->binary, event->data,
                             event->len);
    }
}

static void on_told(void *arg)
{
    struct told *t = arg;
    struct sfu_control *c = t->c;
    struct sfu_control_peer *peer = sfu_slab_get(c->peers, t->event.peer);
    atomic_fetch_sub(&c->data_bytes, t->bytes);
    if (peer && peer->session && t->event.kind == SFU_DATA_MESSAGE) {
        on_message(peer, &t->event);
    }
    free(t);
}

static int post(void *arg, const struct sfu_data_event *event)
{
    struct sfu_control *c = arg;
    uint32_t bytes = (uint32_t)(sizeof(struct told) + event->len);
    if (atomic_fetch_add(&c->data_bytes, bytes) + bytes > QUEUE_BYTES) {
        goto full;
    }
    struct told *t = malloc(bytes);
    if (!t) {
        goto full;
    }
    *t = (struct told){.c = c, .event = *event, .bytes = bytes};
    t->event.data = t->data;
    if (event->len > 0) {
        memcpy(t->data, event->data, event->len);
    }
    if (sfu_control_post(c, on_told, t) == 0) {
        return 0;
    }
    free(t);
full:
    atomic_fetch_sub(&c->data_bytes, bytes);
    return -ENOBUFS;
}

void sfu_control_connect_data(struct sfu_control *c, const struct sfu_data_ops *ops)
{
    c->data = *ops;
}

struct sfu_data_sink sfu_control_data_sink(struct sfu_control *c)
{
    return (struct sfu_data_sink){.post = post, .arg = c};
}
