/*
 * sfu/core/router_plan.c - a peer becomes what its plan says: tracks and slots are made, kept or
 * let go, all of it or nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/router_impl.h"
#include "sfu/core/router_relay.h"

static void merge_extensions(struct sfu_hdrext_map *to, const struct sfu_hdrext_map *from)
{
    for (unsigned kind = SFU_HDREXT_NONE + 1; kind < SFU_HDREXT_KINDS; kind++) {
        if (from->id_of[kind] != 0 &&
            sfu_hdrext_map_set(to, from->id_of[kind], (enum sfu_hdrext_kind)kind) < 0) {
            sfu_stat_inc(SFU_M_FAULT_INVARIANT); /* the answer function keeps bundles consistent */
        }
    }
}

static void use_plan(struct sfu_rpeer *peer, struct sfu_plan *plan)
{
    static const struct sfu_hdrext_kinds none;
    struct sfu_hdrext_map ext;
    peer->plan = plan;
    sfu_hdrext_map_init(&ext);
    for (unsigned i = 0; i < plan->track_count; i++) {
        merge_extensions(&ext, &plan->tracks[i].ext);
    }
    for (unsigned i = 0; i < plan->slot_count; i++) {
        merge_extensions(&ext, &plan->slots[i].ext);
    }
    peer->ext = &none;
    if (peer->sender) {
        sfu_hdrext_kinds(&ext, &peer->sender->ext);
        peer->ext = &peer->sender->ext;
    }
}

/* What a peer needs from its first track on. */
static int sender_create(struct sfu_rpeer *peer)
{
    if (peer->sender) {
        return 0;
    }
    struct sfu_timebase *tb;
    struct sfu_twcc_recorder *twcc = malloc(sizeof *twcc);
    struct rsender *sender = calloc(1, sizeof *sender);
    int rc = twcc && sender ? sfu_timebase_create(SFU_TIMEBASE_TRACKS_MAX, &tb) : -ENOMEM;
    if (rc < 0) {
        free(twcc);
        free(sender);
        return rc;
    }
    sfu_twcc_init(twcc);
    peer->timebase = tb;
    peer->twcc = twcc;
    peer->sender = sender;
    peer->ssrcs = sender->ssrcs;
    return 0;
}

static struct rtrack *track_by_id(const struct sfu_rpeer *peer, uint64_t id)
{
    for (unsigned i = 0; i < peer->track_count; i++) {
        if (peer->tracks[i]->id == id) {
            return peer->tracks[i];
        }
    }
    return NULL;
}

void router_track_free(struct rtrack *t)
{
    router_track_detach(t);
    router_room_talker_remove(t);
    if (t->peer) {
        router_relay_to(t, 0);
        router_ssrc_drop_track(t->peer, t);
    }
    for (unsigned i = 0; i < t->enc_count; i++) {
        router_stream_destroy(t->enc[i].stream);
    }
    sfu_map_del(t->router->tracks, t->id);
    free(t);
}

int router_track_create(struct sfu_router *r, const struct sfu_plan_track *plan,
                        struct rtrack **ret_track)
{
    struct rtrack *t = calloc(1, sizeof *t);
    if (!t) {
        return -ENOMEM;
    }
    t->router = r;
    t->id = plan->id;
    t->plan = plan;
    t->talker = ROUTER_NO_TALKER;
    t->enc_count = plan->rid_count > 0 ? plan->rid_count : 1;
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        t->enc[i].track = t;
        sfu_list_init(&t->enc[i].feeds);
    }
    sfu_list_init(&t->relays.dirty);
    int rc = sfu_map_put(r->tracks, plan->id, t);
    if (rc < 0) {
        free(t);
        return rc;
    }
    *ret_track = t;
    return 0;
}

/* The arrays of the new plan: what is there stays, what is new is made.  On failure nothing has
 * changed. */
struct arrays {
    struct rtrack **tracks;
    struct rslot **slots;
};

static void arrays_undo(struct sfu_rpeer *peer, const struct sfu_plan *plan, struct arrays *a)
{
    for (unsigned i = 0; a->tracks && i < plan->track_count; i++) {
        if (a->tracks[i] && !track_by_id(peer, a->tracks[i]->id)) {
            router_track_free(a->tracks[i]);
        }
    }
    for (unsigned i = 0; a->slots && i < plan->slot_count; i++) {
        if (i >= peer->slot_count || a->slots[i] != peer->slots[i]) {
            router_slot_destroy(a->slots[i]);
        }
    }
    free(a->tracks);
    free(a->slots);
}

/* A used index may be given to another m-line, which has an SSRC of its own. */
static bool slot_stays(const struct sfu_rpeer *peer, unsigned i, const struct sfu_plan_slot *plan)
{
    return i < peer->slot_count &&
           (plan->ssrc == 0 || plan->ssrc == peer->slots[i]->ssrc || peer->slots[i]->ssrc == 0);
}

static int arrays_make(struct sfu_rpeer *peer, const struct sfu_plan *plan, struct arrays *ret)
{
    struct arrays a = {
        .tracks = calloc((size_t)plan->track_count + 1, sizeof(void *)),
        .slots = calloc((size_t)plan->slot_count + 1, sizeof(void *)),
    };
    int rc = a.tracks && a.slots ? 0 : -ENOMEM;
    if (rc == 0 && plan->track_count > 0) {
        rc = sender_create(peer);
    }
    for (unsigned i = 0; rc == 0 && i < plan->track_count; i++) {
        a.tracks[i] = track_by_id(peer, plan->tracks[i].id);
        if (!a.tracks[i]) {
            rc = router_track_create(peer->router, &plan->tracks[i], &a.tracks[i]);
        }
        if (rc == 0) {
            a.tracks[i]->peer = peer;
        }
    }
    for (unsigned i = 0; rc == 0 && i < plan->slot_count; i++) {
        if (slot_stays(peer, i, &plan->slots[i])) {
            a.slots[i] = peer->slots[i];
        } else {
            rc = router_slot_create(peer, (uint16_t)i, &plan->slots[i], &a.slots[i]);
        }
    }
    if (rc < 0) {
        arrays_undo(peer, plan, &a);
        return rc;
    }
    *ret = a;
    return 0;
}

bool router_same_codecs(const struct sfu_plan_track *a, const struct sfu_plan_track *b)
{
    for (unsigned i = 0; i < a->codec_count && i < b->codec_count; i++) {
        const struct sfu_plan_codec *x = &a->codecs[i], *y = &b->codecs[i];
        if (x->codec != y->codec || x->profile != y->profile ||
            x->h264_profile != y->h264_profile ||
            x->h264_packetization_mode != y->h264_packetization_mode) {
            return false;
        }
    }
    return a->codec_count == b->codec_count;
}

static void expect(struct rtrack *t, uint32_t ssrc, uint32_t before, bool rtx)
{
    /* what was signalled long ago may have been taken over by what came: only news count */
    if (ssrc != 0 && ssrc != before && router_ssrc_expect(t->peer, ssrc, rtx, &t->enc[0]) < 0) {
        sfu_stat_inc(SFU_M_DROP_RTP_SSRC_LIMIT);
    }
}

bool router_same_rids(const struct sfu_plan_track *a, const struct sfu_plan_track *b)
{
    return a->rid_count == b->rid_count && memcmp(a->rids, b->rids, sizeof a->rids) == 0;
}

void router_track_reencode(struct rtrack *t)
{
    struct rstream *old[SFU_LAYER_ENCODINGS];
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        old[i] = t->enc[i].stream;
        t->enc[i].stream = NULL;
        t->enc[i].rung = (struct sfu_layer_rung){0};
        t->enc[i].relayed = t->enc[i].broken = 0;
    }
    t->enc_count = t->plan->rid_count > 0 ? t->plan->rid_count : 1;
    if (t->enc_count == 1) {
        t->enc[0].relayed = t->relays.told;
        t->enc[0].broken = sfu_source_kind(t->plan->source) == SFU_VIDEO ? t->relays.told : 0;
    }
    if (t->peer) {
        router_ssrc_drop_track(t->peer, t);
        router_watch_begin(t);
    }
    router_slot_source_changed(t);
    for (unsigned i = 0; i < SFU_LAYER_ENCODINGS; i++) {
        router_stream_destroy(old[i]);
    }
    router_watch_unwanted(t);
    router_relay_changed(t);
}

static void track_settle(struct rtrack *t, const struct sfu_plan_track *plan, bool fresh)
{
    const struct sfu_plan_track *before = t->plan;
    t->plan = plan;
    if (!router_same_rids(before, plan)) {
        router_track_reencode(t);
    }
    expect(t, plan->ssrc, fresh ? 0 : before->ssrc, false);
    expect(t, plan->rtx_ssrc, fresh ? 0 : before->rtx_ssrc, true);
    if (!router_same_codecs(before, plan)) {
        router_track_recoded(t);
        router_relay_changed(t);
    }
    if (fresh) {
        router_watch_begin(t);
    }
    router_room_talker_add(t);
    if (t->muted != plan->muted) {
        router_track_mute(t, plan->muted);
    }
    if (fresh) {
        router_slot_track_new(t);
    }
}

static void tracks_settle(struct sfu_rpeer *peer, struct rtrack **old, unsigned old_count)
{
    for (unsigned i = 0; i < old_count; i++) {
        if (!track_by_id(peer, old[i]->id)) {
            router_track_free(old[i]);
            old[i] = NULL;
        }
    }
    for (unsigned i = 0; i < peer->track_count; i++) {
        bool fresh = true;
        for (unsigned k = 0; k < old_count && fresh; k++) {
            fresh = old[k] != peer->tracks[i];
        }
        track_settle(peer->tracks[i], &peer->plan->tracks[i], fresh);
    }
}

static void slots_settle(struct sfu_rpeer *peer, struct rslot **old, unsigned old_count)
{
    for (unsigned i = 0; i < peer->slot_count; i++) {
        peer->slots[i]->plan = &peer->plan->slots[i];
        peer->slots[i]->ext = (struct sfu_egress_ext){0};
        if (i < old_count && old[i] != peer->slots[i]) {
            router_slot_follow(peer->slots[i], old[i]);
            router_slot_destroy(old[i]);
        }
    }
}

int sfu_router_peer_apply(struct sfu_rpeer *peer, struct sfu_plan *plan)
{
    struct arrays a;
    if (!peer->room) {
        return -EPROTO; /* closed, and control does not know yet */
    }
    if (plan->slot_count < peer->slot_count) {
        return -EINVAL; /* a slot's index is its name for life: it is made dead, never removed */
    }
    sfu_egress_flush(&peer->router->egress);
    int rc = arrays_make(peer, plan, &a);
    if (rc < 0) {
        return rc;
    }
    struct sfu_plan *old_plan = peer->plan;
    struct rtrack **old_tracks = peer->tracks;
    struct rslot **old_slots = peer->slots;
    unsigned old_track_count = peer->track_count, old_slot_count = peer->slot_count;
    peer->tracks = a.tracks;
    peer->track_count = plan->track_count;
    peer->slots = a.slots;
    peer->slot_count = plan->slot_count;
    use_plan(peer, plan);
    slots_settle(peer, old_slots, old_slot_count);
    tracks_settle(peer, old_tracks, old_track_count);
    for (unsigned i = 0; i < peer->slot_count; i++) {
        router_slot_replanned(peer->slots[i]);
    }
    free(old_tracks);
    free(old_slots);
    sfu_plan_destroy(old_plan);
    return 0;
}
