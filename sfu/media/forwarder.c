#include "sfu/media/forwarder.h"

#include <errno.h>
#include <stdlib.h>

#include "sfu/media/layerpick.h"
#include "sfu/media/seqmap.h"
#include "sfu/media/ticks.h"
#include "sfu/proto/seq.h"

#define EPOCHS 4 /* streams whose late packets and resends are still understood; a power of two */
#define EPOCH_MASK 0x7fffu /* epoch numbers; SFU_SEQMAP_OWN is none of them */

/* One source's stay in the slot: outgoing = source + offset, each in its own modulus. */
struct epoch {
    uint64_t source; /* 0: never used, or cut */
    uint32_t ts_offset;
    uint16_t picture_offset;
    uint16_t frame_offset; /* of dependency descriptors */
    uint8_t tl0_offset;
};

struct sfu_forwarder {
    uint64_t current; /* whose epoch is the newest; 0: none, or cut */
    uint64_t target;  /* whose key frame (or first packet) is waited for; 0: none */
    int64_t high_us;  /* when high_ts was first sent */
    uint32_t high_ts; /* newest outgoing timestamp */
    uint32_t first_ts;
    uint16_t high_picture; /* newest outgoing picture id, 15 bit */
    uint16_t high_frame;   /* newest outgoing frame number */
    uint16_t epoch;        /* number of the newest epoch */
    uint8_t high_tl0;
    bool video;
    bool live;  /* packets of current go out */
    bool still; /* current's epoch is a still */
    bool sent;  /* anything, ever */
    bool thins; /* temporal layers were ever limited: VP8's are looked at from then on */
    struct epoch epochs[EPOCHS];
    struct sfu_seqmap map;
    struct sfu_layerpick pick; /* cold: touched by layered sources only */
};

int sfu_forwarder_create(const struct sfu_forwarder_conf *conf, struct sfu_forwarder **ret_fwd)
{
    struct sfu_forwarder *fwd = calloc(1, sizeof(*fwd));

    if (!fwd) {
        return -ENOMEM;
    }
    fwd->video = conf->video;
    fwd->first_ts = conf->first_ts;
    fwd->high_picture = (uint16_t)((conf->picture_id - 1) & 0x7fff);
    fwd->high_tl0 = (uint8_t)(conf->tl0picidx - 1);
    sfu_seqmap_init(&fwd->map, conf->first_seq);
    sfu_layerpick_init(&fwd->pick);
    *ret_fwd = fwd;
    return 0;
}

void sfu_forwarder_destroy(struct sfu_forwarder *fwd)
{
    free(fwd);
}

static void cut(struct sfu_forwarder *fwd)
{
    for (size_t i = 0; i < EPOCHS; i++) {
        fwd->epochs[i].source = 0;
    }
    fwd->current = 0;
    fwd->live = false;
    fwd->still = false;
}

void sfu_forwarder_set_source(struct sfu_forwarder *fwd, uint64_t source, enum sfu_switch how)
{
    if (source == 0) {
        cut(fwd);
        fwd->target = 0;
        return;
    }
    if (source == fwd->current) {
        fwd->target = fwd->live ? 0 : source;
        return;
    }
    if (how == SFU_SWITCH_CUT) {
        cut(fwd);
    } else if (!fwd->video) {
        /* No voice goes on under the next one's name; what was sent may still be asked for. */
        fwd->current = 0;
        fwd->live = false;
    }
    fwd->target = source;
}

void sfu_forwarder_skip(struct sfu_forwarder *fwd)
{
    if (fwd->video && fwd->live) {
        fwd->live = false;
        fwd->target = fwd->target != 0 ? fwd->target : fwd->current;
    }
}

bool sfu_forwarder_live(const struct sfu_forwarder *fwd)
{
    return fwd->live;
}

static struct epoch *epoch_at(const struct sfu_forwarder *fwd, uint16_t number)
{
    return (struct epoch *)&fwd->epochs[number % EPOCHS];
}

static bool is_layered(const struct sfu_forwarder *fwd, const struct sfu_packet *packet)
{
    return packet->frame.has_sid || packet->layers.count > 0 ||
           (fwd->thins && packet->frame.has_tid);
}

static void fill_layers(const struct sfu_forwarder *fwd, const struct sfu_packet *packet,
                        struct sfu_forward_out *out)
{
    if (packet->payload_len > 0) {
        out->marker = sfu_layerpick_ends(&fwd->pick, packet, out->ts);
    }
    if (packet->layers.count > 0) {
        out->active = sfu_layerpick_active(&fwd->pick, packet, out->ts);
        out->narrowed = out->active != packet->layers.active;
    }
}

static inline void fill_out(const struct sfu_forwarder *fwd, const struct epoch *e,
                            const struct sfu_packet *packet, uint16_t seq,
                            struct sfu_forward_out *ret_out)
{
    const struct sfu_frame_info *frame = &packet->frame;

    *ret_out = (struct sfu_forward_out){
        .ts = packet->ts + e->ts_offset,
        .seq = seq,
        .marker = packet->marker && packet->payload_len > 0,
        .ids = {.picture_id = (uint16_t)((frame->picture_id + e->picture_offset) & 0x7fff),
                .tl0picidx = (uint8_t)(frame->tl0picidx + e->tl0_offset),
                .frame_number = (uint16_t)(packet->cut.frame_number + e->frame_offset)},
    };
    if (SFU_UNLIKELY(is_layered(fwd, packet))) {
        fill_layers(fwd, packet, ret_out);
    }
}

static bool picture_is_newer(const struct sfu_forwarder *fwd, const struct sfu_packet *packet,
                             uint16_t picture_id)
{
    unsigned bits = packet->frame.picture_id_15 ? 15 : 7;
    unsigned turn = 1u << bits;
    unsigned ahead = (picture_id - (unsigned)fwd->high_picture) & (turn - 1);

    return ahead != 0 && ahead < turn / 2;
}

/* Remembers how far the outgoing numbers have come, for the next switch. */
static void advance(struct sfu_forwarder *fwd, const struct sfu_packet *packet,
                    const struct sfu_forward_out *out, int64_t now_us)
{
    const struct sfu_frame_info *frame = &packet->frame;

    if (sfu_ts_diff(out->ts, fwd->high_ts) > 0) {
        fwd->high_ts = out->ts;
        fwd->high_us = now_us;
    }
    if (frame->has_picture_id && picture_is_newer(fwd, packet, out->ids.picture_id)) {
        fwd->high_picture = out->ids.picture_id;
    }
    if (frame->has_tl0picidx && (int8_t)(uint8_t)(out->ids.tl0picidx - fwd->high_tl0) > 0) {
        fwd->high_tl0 = out->ids.tl0picidx;
    }
    if (packet->descriptor_len > 0 && sfu_seq_newer(out->ids.frame_number, fwd->high_frame)) {
        fwd->high_frame = out->ids.frame_number;
    }
}

/* The timestamp that follows the newest one now: time passed, at least one tick. */
static uint32_t ts_after(const struct sfu_forwarder *fwd, uint32_t clock_rate, int64_t now_us)
{
    int64_t passed_us = now_us > fwd->high_us ? now_us - fwd->high_us : 0;
    uint32_t ticks = sfu_ticks_of_us(passed_us, clock_rate);

    if (!fwd->sent) {
        return fwd->first_ts;
    }
    return fwd->high_ts + (ticks > 0 ? ticks : 1);
}

static void begin(struct sfu_forwarder *fwd, uint64_t source, const struct sfu_packet *packet,
                  int64_t now_us, struct sfu_forward_out *ret_out)
{
    const struct sfu_frame_info *frame = &packet->frame;
    uint32_t ts = ts_after(fwd, packet->clock_rate, now_us);

    fwd->epoch = (uint16_t)((fwd->epoch + 1) & EPOCH_MASK);
    struct epoch *e = epoch_at(fwd, fwd->epoch);
    *e = (struct epoch){
        .source = source,
        .ts_offset = ts - packet->ts,
        .picture_offset = (uint16_t)(fwd->high_picture + 1 - frame->picture_id),
        .tl0_offset = (uint8_t)(fwd->high_tl0 + 1 - frame->tl0picidx),
        .frame_offset = (uint16_t)(fwd->high_frame + 1 - packet->cut.frame_number),
    };
    if (is_layered(fwd, packet)) {
        sfu_layerpick_begin(&fwd->pick);
        (void)sfu_layerpick_takes(&fwd->pick, packet, ts); /* a key frame's first: always */
    }
    fill_out(fwd, e, packet, sfu_seqmap_start(&fwd->map, fwd->epoch, packet->seq), ret_out);
    ret_out->switched = true;
    fwd->high_ts = ts;
    fwd->high_us = now_us;
    if (frame->has_picture_id) {
        fwd->high_picture = ret_out->ids.picture_id;
    }
    if (frame->has_tl0picidx) {
        fwd->high_tl0 = ret_out->ids.tl0picidx;
    }
    if (packet->descriptor_len > 0) {
        fwd->high_frame = ret_out->ids.frame_number;
    }
    fwd->current = source;
    fwd->sent = true;
}

static bool may_begin(const struct sfu_forwarder *fwd, const struct sfu_packet *packet)
{
    return packet->payload_len > 0 &&
           (!fwd->video || (packet->frame.start && packet->frame.keyframe));
}

static enum sfu_forward await(struct sfu_forwarder *fwd, uint64_t source,
                              const struct sfu_packet *packet, int64_t now_us,
                              struct sfu_forward_out *ret_out)
{
    if (packet->payload_len == 0) {
        return SFU_FORWARD_PADDING;
    }
    if (!may_begin(fwd, packet)) {
        return SFU_FORWARD_HOLD;
    }
    begin(fwd, source, packet, now_us, ret_out);
    fwd->live = true;
    fwd->still = false;
    fwd->target = 0;
    return SFU_FORWARD_SEND;
}

/* Not sent: verdict, unless its place is known to be empty. */
static enum sfu_forward leave_out(struct sfu_forwarder *fwd, const struct sfu_packet *packet,
                                  enum sfu_forward verdict, struct sfu_forward_out *ret_out)
{
    uint16_t seq;

    if (sfu_seqmap_drop(&fwd->map, packet->seq, &seq) != SFU_SEQMAP_LATE) {
        return verdict;
    }
    fill_out(fwd, epoch_at(fwd, fwd->epoch), packet, seq, ret_out);
    ret_out->marker = false;
    return SFU_FORWARD_FILL;
}

/* A packet of the newest epoch. */
static enum sfu_forward forward(struct sfu_forwarder *fwd, const struct sfu_packet *packet,
                                int64_t now_us, struct sfu_forward_out *ret_out)
{
    uint16_t seq;

    if (SFU_UNLIKELY(packet->payload_len == 0)) {
        return leave_out(fwd, packet, SFU_FORWARD_PADDING, ret_out);
    }
    if (SFU_UNLIKELY(is_layered(fwd, packet)) &&
        !sfu_layerpick_takes(&fwd->pick, packet,
                             packet->ts + epoch_at(fwd, fwd->epoch)->ts_offset)) {
        return leave_out(fwd, packet, SFU_FORWARD_LAYER, ret_out);
    }
    switch (sfu_seqmap_map(&fwd->map, packet->seq, &seq)) {
    case SFU_SEQMAP_NEXT:
    case SFU_SEQMAP_LATE:
        fill_out(fwd, epoch_at(fwd, fwd->epoch), packet, seq, ret_out);
        advance(fwd, packet, ret_out, now_us);
        return SFU_FORWARD_SEND;
    case SFU_SEQMAP_JUMP:
        fwd->live = false;
        if (fwd->target == 0 || fwd->target == fwd->current) {
            fwd->target = fwd->current;
            return await(fwd, fwd->current, packet, now_us, ret_out);
        }
        return SFU_FORWARD_STALE;
    case SFU_SEQMAP_NONE:
        break;
    }
    return SFU_FORWARD_STALE;
}

/* A packet of a source that no longer feeds the slot, but whose place is still free. */
static enum sfu_forward forward_old(struct sfu_forwarder *fwd, uint64_t source,
                                    const struct sfu_packet *packet,
                                    struct sfu_forward_out *ret_out)
{
    enum sfu_forward verdict = SFU_FORWARD_FOREIGN;
    uint16_t seq;

    for (uint16_t back = 0; back < EPOCHS; back++) {
        uint16_t number = (uint16_t)((fwd->epoch - back) & EPOCH_MASK);
        const struct epoch *e = epoch_at(fwd, number);

        if (e->source != source) {
            continue;
        }
        if (sfu_seqmap_find(&fwd->map, number, packet->seq, &seq) == 0) {
            fill_out(fwd, e, packet, seq, ret_out);
            return packet->payload_len > 0 ? SFU_FORWARD_SEND : SFU_FORWARD_FILL;
        }
        verdict = SFU_FORWARD_STALE;
    }
    return verdict;
}

enum sfu_forward sfu_forwarder_on_packet(struct sfu_forwarder *fwd, uint64_t source,
                                         const struct sfu_packet *packet, int64_t now_us,
                                         struct sfu_forward_out *ret_out)
{
    if (SFU_LIKELY(fwd->live && source == fwd->current)) {
        return forward(fwd, packet, now_us, ret_out);
    }
    if (source == 0) {
        return SFU_FORWARD_FOREIGN;
    }
    if (source == fwd->target) {
        return await(fwd, source, packet, now_us, ret_out);
    }
    return forward_old(fwd, source, packet, ret_out);
}

enum sfu_forward sfu_forwarder_on_still(struct sfu_forwarder *fwd, uint64_t source,
                                        const struct sfu_packet *packet, int64_t now_us,
                                        struct sfu_forward_out *ret_out)
{
    if (source == 0 || source != fwd->target) {
        return SFU_FORWARD_FOREIGN;
    }
    if (fwd->still && source == fwd->current) {
        return forward(fwd, packet, now_us, ret_out);
    }
    if (!may_begin(fwd, packet)) {
        return SFU_FORWARD_HOLD;
    }
    begin(fwd, source, packet, now_us, ret_out);
    fwd->still = true;
    fwd->live = false;
    return SFU_FORWARD_SEND;
}

void sfu_forwarder_on_own(struct sfu_forwarder *fwd, uint32_t ticks, uint32_t clock_rate,
                          int64_t now_us, struct sfu_forward_out *ret_out)
{
    uint32_t ts = ticks > 0 && fwd->sent ? fwd->high_ts + ticks : ts_after(fwd, clock_rate, now_us);

    *ret_out = (struct sfu_forward_out){.ts = ts, .seq = sfu_seqmap_insert(&fwd->map)};
    fwd->high_ts = ts;
    fwd->high_us = now_us;
    fwd->sent = true;
}

void sfu_forwarder_set_layers(struct sfu_forwarder *fwd, uint8_t spatial, uint8_t temporal)
{
    fwd->thins = fwd->thins || temporal < UINT8_MAX;
    sfu_layerpick_want(&fwd->pick, spatial, temporal);
}

bool sfu_forwarder_wants_layers(const struct sfu_forwarder *fwd)
{
    return fwd->live && sfu_layerpick_wants_key(&fwd->pick);
}

uint64_t sfu_forwarder_wants_key(const struct sfu_forwarder *fwd)
{
    return fwd->video ? fwd->target : 0;
}

uint64_t sfu_forwarder_source(const struct sfu_forwarder *fwd)
{
    return fwd->current;
}

int sfu_forwarder_ts_offset(const struct sfu_forwarder *fwd, uint64_t *ret_source,
                            uint32_t *ret_offset)
{
    if (!fwd->live) {
        return -EAGAIN;
    }
    *ret_source = fwd->current;
    *ret_offset = epoch_at(fwd, fwd->epoch)->ts_offset;
    return 0;
}

int sfu_forwarder_origin(const struct sfu_forwarder *fwd, uint16_t out_seq,
                         struct sfu_forward_origin *ret_origin)
{
    uint16_t epoch, seq;

    if (sfu_seqmap_source(&fwd->map, out_seq, &epoch, &seq) < 0 ||
        ((unsigned)(fwd->epoch - epoch) & EPOCH_MASK) >= EPOCHS ||
        epoch_at(fwd, epoch)->source == 0) {
        return -ENOENT;
    }
    *ret_origin = (struct sfu_forward_origin){
        .source = epoch_at(fwd, epoch)->source, .seq = seq, .epoch = epoch};
    return 0;
}

enum sfu_forward sfu_forwarder_again(const struct sfu_forwarder *fwd,
                                     const struct sfu_forward_origin *origin,
                                     const struct sfu_packet *packet,
                                     struct sfu_forward_out *ret_out)
{
    uint16_t seq;

    if (epoch_at(fwd, origin->epoch)->source != origin->source ||
        sfu_seqmap_find(&fwd->map, origin->epoch, origin->seq, &seq) < 0) {
        return SFU_FORWARD_STALE;
    }
    fill_out(fwd, epoch_at(fwd, origin->epoch), packet, seq, ret_out);
    if (packet->payload_len > 0 &&
        (!is_layered(fwd, packet) || sfu_layerpick_had(&fwd->pick, packet, ret_out->ts))) {
        return SFU_FORWARD_SEND;
    }
    ret_out->marker = false;
    return SFU_FORWARD_FILL;
}
