/*
 * sfu/core/worker_data.c - packets of data channels between a worker's links and the sctp thread.
 */
#include "sfu/base/stat.h"
#include "sfu/core/data.h"
#include "sfu/core/worker_impl.h"

enum { PACKETS_PER_TURN = 256 }; /* sealing one costs as much as a media packet */

static void on_data(void *arg, void *user, const uint8_t *packet, size_t len)
{
    struct worker *w = arg;
    struct wpeer *peer = user;
    sfu_data_put(w->data, w->index, peer->id, &peer->data, packet, len, w->env.now_us);
}

void worker_data_open(struct worker *w, struct sfu_data *data)
{
    w->data = data;
    w->env.arg = w;
    w->env.on_data = data ? on_data : NULL;
}

static void send_one(struct worker *w, uint64_t id, const uint8_t *packet, size_t len)
{
    struct sfu_rpeer *media = sfu_router_peer_find(w->router, id);
    struct wpeer *peer = media ? sfu_router_peer_link(media) : NULL;
    if (peer && peer->link && sfu_link_send_data(peer->link, packet, len) < 0) {
        sfu_stat_inc(SFU_M_DROP_SCTP_RING);
    }
}

bool worker_data_send(struct worker *w)
{
    const uint8_t *packet;
    uint64_t id;
    size_t len;
    unsigned n = 0;
    while (w->data && n < PACKETS_PER_TURN &&
           (packet = sfu_data_read(w->data, w->index, &id, &len))) {
        send_one(w, id, packet, len);
        n++;
    }
    if (n > 0) {
        sfu_data_release(w->data, w->index);
    }
    return n == PACKETS_PER_TURN;
}
