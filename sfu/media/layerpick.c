#include "sfu/media/layerpick.h"

#include <string.h>

#include "sfu/proto/seq.h"

enum {
    ALL = 255,
    MISSING_MAX = 8, /* pictures without the layer in force, until it is taken for gone */
};
/* What is known of a frame: the low bits are chains that were whole with it. */
enum { FRAME_CHAINS = 0x0f, FRAME_SENT = 0x40, FRAME_SEEN = 0x80 };

_Static_assert(SFU_PACKET_CHAINS <= 4, "a frame has four bits for them");

void sfu_layerpick_init(struct sfu_layerpick *pick)
{
    *pick = (struct sfu_layerpick){.want_spatial = ALL, .want_temporal = ALL, .temporal = ALL};
}

void sfu_layerpick_want(struct sfu_layerpick *pick, uint8_t spatial, uint8_t temporal)
{
    pick->want_spatial = spatial;
    pick->want_temporal = temporal;
}

void sfu_layerpick_begin(struct sfu_layerpick *pick)
{
    pick->begun = pick->layered = pick->wants_key = pick->top_lost = false;
    pick->top = 0;
    pick->missing = 0;
    pick->intact = 0;
    pick->spatial = pick->want_spatial;
    pick->temporal = pick->want_temporal;
    pick->chains = FRAME_CHAINS;
    memset(pick->frames, 0, sizeof pick->frames);
}

/* --- pictures --- */

static int find_picture(const struct sfu_layerpick *pick, uint32_t ts)
{
    for (unsigned back = 0; back < SFU_LAYERPICK_PICTURES; back++) {
        unsigned at = (pick->newest - back) % SFU_LAYERPICK_PICTURES;
        if (!pick->pictures[at].used) {
            return -1;
        }
        if (pick->pictures[at].ts == ts) {
            return (int)at;
        }
    }
    return -1;
}

/* What is in force now holds for the newest picture. */
static void note_picture(struct sfu_layerpick *pick, uint32_t ts)
{
    if (!pick->pictures[pick->newest].used || pick->pictures[pick->newest].ts != ts) {
        pick->newest = (uint8_t)((pick->newest + 1) % SFU_LAYERPICK_PICTURES);
    }
    pick->pictures[pick->newest].ts = ts;
    pick->pictures[pick->newest].used = true;
    pick->pictures[pick->newest].spatial = pick->spatial;
    pick->pictures[pick->newest].temporal = pick->temporal;
}

static bool is_new_picture(const struct sfu_layerpick *pick, uint32_t ts)
{
    return !pick->begun || sfu_ts_diff(ts, pick->pictures[pick->newest].ts) > 0;
}

/* --- layers without a descriptor --- */

static uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static bool is_intact(const struct sfu_layerpick *pick, uint8_t spatial)
{
    return spatial < 8 && (pick->intact >> spatial & 1);
}

/* The layer in force does not come any more: what does is the highest there is. */
static void count_missing(struct sfu_layerpick *pick)
{
    pick->missing = pick->seen < pick->spatial ? (uint8_t)(pick->missing + 1) : 0;
    if (pick->missing >= MISSING_MAX) {
        pick->top = pick->seen;
        pick->top_lost = true;
        pick->missing = 0;
    }
}

static void next_picture(struct sfu_layerpick *pick)
{
    uint8_t spatial = least(pick->want_spatial, pick->top);
    if (pick->begun) {
        count_missing(pick);
    }
    if (spatial < pick->spatial && is_intact(pick, spatial)) {
        pick->spatial = spatial;
    }
    if (pick->want_temporal < pick->temporal || pick->up_next) {
        pick->temporal = pick->want_temporal;
    }
    pick->up_next = false;
    pick->seen = 0;
}

static void on_key_picture(struct sfu_layerpick *pick, const struct sfu_frame_info *f)
{
    if (!pick->top_lost && f->spatial_count > 0) {
        pick->top = (uint8_t)(f->spatial_count - 1);
    }
    pick->spatial = least(pick->want_spatial, pick->top);
    pick->temporal = pick->want_temporal;
}

static void see_layer(struct sfu_layerpick *pick, const struct sfu_frame_info *f)
{
    if (f->sid > pick->top) {
        pick->top = f->sid;
        pick->top_lost = false;
    }
    pick->seen = f->sid > pick->seen ? f->sid : pick->seen;
}

/* The layers in force, changed where this packet's layer frame permits it. */
static void climb(struct sfu_layerpick *pick, const struct sfu_frame_info *f)
{
    bool fresh = !f->inter_picture && f->sid > pick->spatial && f->sid <= pick->want_spatial;
    if (f->sid == 0 && f->start && f->keyframe) {
        on_key_picture(pick, f);
    } else if (fresh && (!f->inter_layer || f->sid == pick->spatial + 1)) {
        pick->spatial = f->sid;
    }
    if (f->layer_sync && f->tid == pick->temporal + 1 && f->tid <= pick->want_temporal) {
        pick->temporal = f->tid;
    }
}

static bool in_layers(const struct sfu_frame_info *f, uint8_t spatial, uint8_t temporal)
{
    return f->tid <= temporal && (f->sid == spatial || (f->sid < spatial && !f->not_ref_up));
}

static bool takes_layer(struct sfu_layerpick *pick, const struct sfu_packet *p, uint32_t ts)
{
    const struct sfu_frame_info *f = &p->frame;
    if (!is_new_picture(pick, ts) && pick->pictures[pick->newest].ts != ts) {
        int at = find_picture(pick, ts);
        return at < 0 ? in_layers(f, pick->spatial, pick->temporal)
                      : in_layers(f, pick->pictures[at].spatial, pick->pictures[at].temporal);
    }
    if (is_new_picture(pick, ts)) {
        next_picture(pick);
    }
    see_layer(pick, f);
    climb(pick, f);
    pick->begun = true;
    note_picture(pick, ts);
    bool takes = in_layers(f, pick->spatial, pick->temporal);
    uint8_t bit = (uint8_t)(1u << f->sid);
    if (!takes && f->tid <= pick->temporal) {
        pick->intact &= (uint8_t)~bit;
    } else if (takes && !f->inter_picture) {
        pick->intact |= bit;
    }
    pick->up_next = pick->up_next || (takes && f->switch_up);
    uint8_t wish = least(pick->want_spatial, pick->top);
    pick->wants_key = wish != pick->spatial && (wish > pick->spatial || !is_intact(pick, wish));
    return takes;
}

/* --- layers by descriptor --- */

/* The best decode target up to these layers that the publisher sends; the lowest one when all are
 * above. */
static unsigned best_target(const struct sfu_packet_layers *l, uint8_t spatial, uint8_t temporal)
{
    int best = -1, lowest = -1, low_rank = INT16_MAX, rank = -1;
    for (int i = 0; i < l->count; i++) {
        int r = l->spatial[i] * SFU_DEPDESC_TEMPORAL + l->temporal[i];
        if (!(l->active >> i & 1)) {
            continue;
        }
        if (l->spatial[i] <= spatial && l->temporal[i] <= temporal && r > rank) {
            best = i;
            rank = r;
        }
        if (r < low_rank) {
            lowest = i;
            low_rank = r;
        }
    }
    return (unsigned)(best >= 0 ? best : lowest >= 0 ? lowest : 0);
}

/* The decode target in force: that of exactly these layers, or the best one below. */
static unsigned target_now(const struct sfu_packet_layers *l, uint8_t spatial, uint8_t temporal)
{
    struct sfu_packet_layers all = *l;
    all.active = UINT16_MAX;
    return best_target(&all, spatial, temporal);
}

static enum sfu_dti dti_of(const struct sfu_packet_layers *l, unsigned target)
{
    return sfu_dti_of(l->dtis, target);
}

static uint8_t *frame_of(struct sfu_layerpick *pick, uint16_t number)
{
    return &pick->frames[number % SFU_LAYERPICK_FRAMES];
}

/* Chains that are whole with this frame, if it is sent: begun here, or whole up to the frame before
 * in the chain. */
static uint8_t chains_with(struct sfu_layerpick *pick, const struct sfu_packet *p)
{
    uint8_t whole = 0;
    for (unsigned i = 0; i < p->layers.chains; i++) {
        uint8_t back = p->layers.chain_diffs[i];
        bool first = back == 0;
        bool kept = back < SFU_LAYERPICK_FRAMES &&
                    (*frame_of(pick, (uint16_t)(p->cut.frame_number - back)) >> i & 1);
        whole |= (uint8_t)((first || kept) << i);
    }
    return whole;
}

/* Frames that were never seen: lost for now, and as whole as what came before. */
static void pass_frames(struct sfu_layerpick *pick, uint16_t number)
{
    uint16_t ahead = (uint16_t)(number - pick->frame);
    for (uint16_t i = 1; i < ahead && i <= SFU_LAYERPICK_FRAMES; i++) {
        *frame_of(pick, (uint16_t)(number - i)) = pick->chains;
    }
    *frame_of(pick, number) = 0;
    pick->frame = number;
}

/* Moves to the wished target where this frame permits it. */
static void follow_target(struct sfu_layerpick *pick, const struct sfu_packet *p, uint8_t chains)
{
    const struct sfu_packet_layers *l = &p->layers;
    unsigned wish = best_target(l, pick->want_spatial, pick->want_temporal);
    unsigned now = target_now(l, pick->spatial, pick->temporal);
    bool whole = l->chains == 0 || (chains >> l->chain[wish] & 1);
    if (pick->begun && wish == now) {
        pick->wants_key = false;
        return;
    }
    if (!pick->begun || (dti_of(l, wish) == SFU_DTI_SWITCH && whole)) {
        pick->spatial = l->spatial[wish];
        pick->temporal = l->temporal[wish];
        pick->wants_key = false;
    } else if (dti_of(l, wish) != SFU_DTI_NOT_PRESENT && !whole) {
        pick->wants_key = true;
    }
}

static bool takes_frame(struct sfu_layerpick *pick, const struct sfu_packet *p, uint32_t ts)
{
    const struct sfu_packet_layers *l = &p->layers;
    uint8_t *frame = frame_of(pick, p->cut.frame_number);
    bool newer = !pick->begun || sfu_seq_newer(p->cut.frame_number, pick->frame);
    if (!newer && (uint16_t)(pick->frame - p->cut.frame_number) >= SFU_LAYERPICK_FRAMES) {
        return false;
    }
    if (!newer && (*frame & FRAME_SEEN)) {
        return *frame & FRAME_SENT;
    }
    if (!pick->begun) {
        pick->frame = (uint16_t)(p->cut.frame_number - 1);
    }
    if (newer) {
        pass_frames(pick, p->cut.frame_number);
    }
    uint8_t chains = chains_with(pick, p);
    if (newer) {
        follow_target(pick, p, chains);
    }
    pick->begun = true;
    bool takes = dti_of(l, target_now(l, pick->spatial, pick->temporal)) != SFU_DTI_NOT_PRESENT;
    *frame = (uint8_t)(FRAME_SEEN | (takes ? FRAME_SENT | chains : 0));
    if (newer) {
        pick->chains = takes ? chains : pick->chains;
        note_picture(pick, ts);
    }
    return takes;
}

/* --- both --- */

bool sfu_layerpick_takes(struct sfu_layerpick *pick, const struct sfu_packet *packet, uint32_t ts)
{
    if (packet->layers.count > 0) {
        pick->layered = true;
        return takes_frame(pick, packet, ts);
    }
    if (packet->frame.has_tid) {
        pick->layered = true;
        return takes_layer(pick, packet, ts);
    }
    return true;
}

bool sfu_layerpick_ends(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                        uint32_t ts)
{
    if (packet->marker || !packet->frame.layer_end ||
        (packet->layers.count == 0 && !packet->frame.has_tid)) {
        return packet->marker;
    }
    int at = find_picture(pick, ts);
    return at >= 0 && packet->frame.sid == pick->pictures[at].spatial;
}

bool sfu_layerpick_had(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                       uint32_t ts)
{
    int at = find_picture(pick, ts);
    if (at < 0) {
        return true;
    }
    uint8_t spatial = pick->pictures[at].spatial, temporal = pick->pictures[at].temporal;
    if (packet->layers.count > 0) {
        return dti_of(&packet->layers, target_now(&packet->layers, spatial, temporal)) !=
               SFU_DTI_NOT_PRESENT;
    }
    return !packet->frame.has_tid || in_layers(&packet->frame, spatial, temporal);
}

bool sfu_layerpick_wants_key(const struct sfu_layerpick *pick)
{
    return pick->layered && pick->wants_key;
}

uint32_t sfu_layerpick_active(const struct sfu_layerpick *pick, const struct sfu_packet *packet,
                              uint32_t ts)
{
    const struct sfu_packet_layers *l = &packet->layers;
    int at = find_picture(pick, ts);
    uint32_t active = 0;
    for (unsigned i = 0; at >= 0 && i < l->count; i++) {
        bool within = l->spatial[i] <= pick->pictures[at].spatial &&
                      l->temporal[i] <= pick->pictures[at].temporal;
        active |= (uint32_t)within << i;
    }
    active &= l->active;
    return active != 0 ? active : l->active;
}
