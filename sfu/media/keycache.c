#include "sfu/media/keycache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/seq.h"

#define BYTES_MIN 4096u
#define RETRANSMISSION_MAX_US 2000000

/* Packets of one frame: bodies in order of arrival, `order` in order of sequence. */
struct frame {
    uint8_t *bytes;
    uint32_t used;
    uint32_t ts;
    uint16_t bodies; /* of packets[] */
    uint16_t count;  /* of order[] */
    bool has_end;
    uint16_t end; /* sequence number of the packet that ends the frame, when has_end */
    uint16_t order[SFU_KEYCACHE_PKTS_MAX];
    struct sfu_packet packets[SFU_KEYCACHE_PKTS_MAX];
};

struct sfu_keycache {
    uint32_t max_bytes;
    uint32_t generation;
    bool collecting;
    struct frame *partial;
    struct frame *stored; /* count 0: none */
    struct frame frames[2];
    uint8_t bytes[];
};

int sfu_keycache_create(uint32_t max_bytes, struct sfu_keycache **ret_kc)
{
    if (max_bytes < BYTES_MIN || max_bytes > SFU_KEYCACHE_BYTES_MAX) {
        return -EINVAL;
    }
    struct sfu_keycache *kc = calloc(1, sizeof(*kc) + 2 * (size_t)max_bytes);
    if (!kc) {
        return -ENOMEM;
    }
    kc->max_bytes = max_bytes;
    kc->partial = &kc->frames[0];
    kc->stored = &kc->frames[1];
    kc->frames[0].bytes = kc->bytes;
    kc->frames[1].bytes = kc->bytes + max_bytes;
    *ret_kc = kc;
    return 0;
}

void sfu_keycache_destroy(struct sfu_keycache *kc)
{
    free(kc);
}

static const struct sfu_packet *nth(const struct frame *f, size_t i)
{
    return &f->packets[f->order[i]];
}

static bool begins_key_frame(const struct sfu_packet *p)
{
    return p->payload_len > 0 && p->frame.start && p->frame.keyframe;
}

static void begin(struct sfu_keycache *kc, uint32_t ts)
{
    kc->partial->used = 0;
    kc->partial->bodies = 0;
    kc->partial->count = 0;
    kc->partial->has_end = false;
    kc->partial->ts = ts;
    kc->collecting = true;
}

/* A late retransmission of an older key frame is no news; a clock that was set back is. */
static bool is_newer(const struct frame *f, const struct sfu_packet *p)
{
    return sfu_ts_newer(p->ts, f->ts) ||
           (p->ts != f->ts && p->arrival_us - f->packets[0].arrival_us > RETRANSMISSION_MAX_US);
}

static bool is_news(const struct sfu_keycache *kc, const struct sfu_packet *p)
{
    return (!kc->collecting || is_newer(kc->partial, p)) &&
           (kc->stored->count == 0 || is_newer(kc->stored, p));
}

/* Padding may carry any timestamp; it counts where it stands between packets of the frame. */
static bool belongs(const struct frame *f, const struct sfu_packet *p)
{
    if (f->has_end && sfu_seq_newer(p->seq, f->end)) {
        return false;
    }
    if (p->payload_len == 0) {
        return f->count > 0 && sfu_seq_newer(p->seq, nth(f, 0)->seq);
    }
    return p->ts == f->ts;
}

/* Padding that came before the end was known may stand behind it. */
static void cut_behind_end(struct frame *f)
{
    while (f->count > 0 && sfu_seq_newer(nth(f, f->count - 1u)->seq, f->end)) {
        f->count--;
    }
}

static void keep(struct frame *f, const struct sfu_packet *p)
{
    struct sfu_packet *body = &f->packets[f->bodies++];

    *body = *p;
    body->payload = f->bytes + f->used;
    if (p->payload_len > 0) {
        memcpy(f->bytes + f->used, p->payload, p->payload_len);
        f->used += p->payload_len;
    }
    if (p->descriptor_len > 0) {
        body->descriptor = f->bytes + f->used;
        memcpy(f->bytes + f->used, p->descriptor, p->descriptor_len);
        f->used += p->descriptor_len;
    }
    if (p->frame.end && p->payload_len > 0) {
        f->has_end = true;
        f->end = p->seq;
        cut_behind_end(f);
    }
}

/* False: no room. */
static bool add(struct sfu_keycache *kc, const struct sfu_packet *p)
{
    struct frame *f = kc->partial;
    size_t i = f->count;

    while (i > 0 && !sfu_seq_newer(p->seq, nth(f, i - 1)->seq)) {
        i--;
    }
    if (i < f->count && nth(f, i)->seq == p->seq) {
        return true;
    }
    if (f->bodies == SFU_KEYCACHE_PKTS_MAX ||
        (uint32_t)p->payload_len + p->descriptor_len > kc->max_bytes - f->used) {
        return false;
    }
    memmove(&f->order[i + 1], &f->order[i], (f->count - i) * sizeof(f->order[0]));
    f->order[i] = f->bodies;
    f->count++;
    keep(f, p);
    return true;
}

static bool is_complete(struct frame *f)
{
    if (!f->has_end || !begins_key_frame(nth(f, 0))) {
        return false;
    }
    return (uint16_t)(f->end - nth(f, 0)->seq) + 1 == f->count;
}

bool sfu_keycache_on_packet(struct sfu_keycache *kc, const struct sfu_packet *packet)
{
    if (begins_key_frame(packet) && is_news(kc, packet)) {
        begin(kc, packet->ts);
    }
    if (!kc->collecting || !belongs(kc->partial, packet)) {
        return false;
    }
    if (!add(kc, packet)) {
        kc->collecting = false;
        return false;
    }
    if (!is_complete(kc->partial)) {
        return false;
    }
    struct frame *done = kc->partial;
    kc->partial = kc->stored;
    kc->stored = done;
    kc->collecting = false;
    kc->generation++;
    return true;
}

void sfu_keycache_clear(struct sfu_keycache *kc)
{
    kc->collecting = false;
    kc->stored->count = 0;
    kc->generation++;
}

size_t sfu_keycache_count(const struct sfu_keycache *kc)
{
    return kc->stored->count;
}

const struct sfu_packet *sfu_keycache_at(const struct sfu_keycache *kc, size_t i)
{
    return nth(kc->stored, i);
}

const struct sfu_packet *sfu_keycache_find(const struct sfu_keycache *kc, uint16_t seq)
{
    if (kc->stored->count == 0) {
        return NULL;
    }
    uint16_t i = (uint16_t)(seq - nth(kc->stored, 0)->seq);
    return i < kc->stored->count ? nth(kc->stored, i) : NULL;
}

uint32_t sfu_keycache_generation(const struct sfu_keycache *kc)
{
    return kc->generation;
}
