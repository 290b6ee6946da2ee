#include "sfu/media/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/seq.h"

#define BYTES_MIN 4096u
#define BYTES_MAX (1024u * 1024)
#define PKTS_MIN 16u
#define PKTS_MAX 4096u

struct entry {
    struct sfu_packet packet;
    uint64_t position; /* 0: unused */
};

struct sfu_history {
    uint64_t written; /* bytes, gaps at the ring's end included; starts at 1 turn */
    int64_t max_age_us;
    uint32_t max_bytes;
    uint16_t mask;
    uint8_t *bytes;
    struct entry entries[]; /* by low bits of the sequence number; the ring of bytes behind them */
};

int sfu_history_create(const struct sfu_history_conf *conf, struct sfu_history **ret_h)
{
    size_t n = conf->max_pkts;

    if (conf->max_bytes < BYTES_MIN || conf->max_bytes > BYTES_MAX || n < PKTS_MIN ||
        n > PKTS_MAX || (n & (n - 1)) != 0 || conf->max_age_us <= 0) {
        return -EINVAL;
    }
    struct sfu_history *h = calloc(1, sizeof(*h) + n * sizeof(h->entries[0]) + conf->max_bytes);
    if (!h) {
        return -ENOMEM;
    }
    h->max_age_us = conf->max_age_us;
    h->max_bytes = conf->max_bytes;
    h->mask = (uint16_t)(n - 1);
    h->bytes = (uint8_t *)&h->entries[n];
    h->written = conf->max_bytes;
    *ret_h = h;
    return 0;
}

void sfu_history_destroy(struct sfu_history *h)
{
    free(h);
}

static bool is_intact(const struct sfu_history *h, const struct entry *e)
{
    return e->position != 0 && h->written - e->position <= h->max_bytes;
}

static bool is_young(const struct sfu_history *h, const struct entry *e, int64_t now_us)
{
    return now_us - e->packet.arrival_us <= h->max_age_us;
}

/* Room for len bytes in one piece; an empty packet takes a byte, so that positions differ. */
static uint64_t take_bytes(struct sfu_history *h, uint32_t len)
{
    uint32_t at = (uint32_t)(h->written % h->max_bytes);

    if (at + len > h->max_bytes) {
        h->written += h->max_bytes - at;
    }
    uint64_t position = h->written;
    h->written += len > 0 ? len : 1;
    return position;
}

int sfu_history_put(struct sfu_history *h, const struct sfu_packet *packet,
                    struct sfu_history_ref *ret_ref)
{
    struct entry *e = &h->entries[packet->seq & h->mask];

    uint32_t len = (uint32_t)packet->payload_len + packet->descriptor_len;

    if (len > h->max_bytes / 4) {
        return -EMSGSIZE;
    }
    if (is_intact(h, e) && is_young(h, e, packet->arrival_us) &&
        sfu_seq_newer(e->packet.seq, packet->seq)) {
        return -ESTALE;
    }
    e->position = take_bytes(h, len);
    e->packet = *packet;
    uint8_t *to = h->bytes + e->position % h->max_bytes;
    if (packet->payload_len > 0) {
        memcpy(to, packet->payload, packet->payload_len);
    }
    e->packet.payload = to;
    if (packet->descriptor_len > 0) {
        e->packet.descriptor = to + packet->payload_len;
        memcpy(to + packet->payload_len, packet->descriptor, packet->descriptor_len);
    }
    if (ret_ref) {
        *ret_ref = (struct sfu_history_ref){.packet = &e->packet, .position = e->position};
    }
    return 0;
}

int sfu_history_find(const struct sfu_history *h, uint16_t seq, int64_t now_us,
                     struct sfu_history_ref *ret_ref)
{
    const struct entry *e = &h->entries[seq & h->mask];

    if (e->packet.seq != seq || !is_intact(h, e) || !is_young(h, e, now_us)) {
        return -ENOENT;
    }
    *ret_ref = (struct sfu_history_ref){.packet = &e->packet, .position = e->position};
    return 0;
}

bool sfu_history_is_valid(const struct sfu_history *h, const struct sfu_history_ref *ref)
{
    const struct entry *e = SFU_CONTAINER_OF(ref->packet, const struct entry, packet);

    return e->position == ref->position && is_intact(h, e);
}

void sfu_history_clear(struct sfu_history *h)
{
    /* Positions stay unique, so that old references cannot come to life again. */
    for (size_t i = 0; i <= h->mask; i++) {
        h->entries[i].position = 0;
    }
}
