#include "tests/support/sim_remb.h"

#include <string.h>

enum {
    LOOK_US = 100000,
    LATER_US = 15000, /* in a look: the queue grows */
    QUEUE_US = 30000,
    BACK_US = 200000, /* between two steps down */
    REST_US = 1000000
};

void sim_remb_send(struct sim_subscriber *s, uint32_t bps)
{
    uint8_t b[24] = {0x8f, 206, 0, 5, 0, 0, 0, 99, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1};
    unsigned exp = 0;
    while (bps >> exp > 0x3ffff) {
        exp++;
    }
    uint32_t mantissa = bps >> exp;
    b[17] = (uint8_t)(exp << 2 | mantissa >> 16);
    b[18] = (uint8_t)(mantissa >> 8);
    b[19] = (uint8_t)mantissa;
    for (unsigned i = 0; i < 4; i++) {
        b[20 + i] = (uint8_t)(s->video.ssrc >> (24 - 8 * i));
    }
    sim_send(&s->peer, b, sizeof b);
}

static int64_t comes_bps(const struct sim_remb *e)
{
    int64_t sum = 0;
    for (unsigned i = 0; i < SIM_REMB_BUCKETS; i++) {
        sum += e->bytes[i];
    }
    return sum * 8;
}

static void estimate(struct sim_remb *e, int64_t now_us)
{
    int64_t late_us = e->s.peer.down.waited_us, comes = comes_bps(e);
    bool later = late_us > e->before_us + LATER_US && late_us > QUEUE_US;

    if (e->bps == 0) {
        e->bps = 2 * comes;
    } else if (later && now_us - e->fell_us >= BACK_US) {
        int64_t less = comes / 100 * 85;
        e->bps = less < e->bps ? less : e->bps;
        e->fell_us = now_us;
    } else if (late_us < QUEUE_US && now_us - e->fell_us > REST_US && e->bps < comes + comes / 2) {
        e->bps += e->bps / 125;
    }
    e->before_us = late_us;
}

static void look(struct sim_peer *peer)
{
    struct sim_remb *e = (struct sim_remb *)peer;
    int64_t now_us = peer->world->now_us;

    e->inner->on_step(peer);
    if (now_us < e->next_us) {
        return;
    }
    e->next_us = now_us + LOOK_US;
    e->looks++;
    if (e->looks > SIM_REMB_BUCKETS && comes_bps(e) > 0) {
        estimate(e, now_us);
        if (e->looks % 2 == 0 || e->fell_us == now_us) {
            sim_remb_send(&e->s, (uint32_t)e->bps);
        }
    }
    e->bucket = (e->bucket + 1) % SIM_REMB_BUCKETS;
    e->bytes[e->bucket] = 0;
}

static void packet(struct sim_peer *peer, const uint8_t *data, size_t len)
{
    struct sim_remb *e = (struct sim_remb *)peer;
    e->bytes[e->bucket] += (uint32_t)len;
    e->inner->on_packet(peer, data, len);
}

static const struct sim_peer_ops remb_ops = {packet, look};

void sim_remb_init(struct sim_remb *e, uint64_t id)
{
    memset(e, 0, sizeof *e);
    sim_subscriber_init(&e->s, id);
    e->inner = e->s.peer.ops;
    e->s.peer.ops = &remb_ops;
}
