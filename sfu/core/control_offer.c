#include "sfu/core/control_offer_own.h"
#include <errno.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/transport/ice_lite.h"

int sfu_control_offer_refuse(struct sfu_control_offering *o, enum sfu_err code, const char *field,
                             const char *detail)
{
    sfu_error_set(o->error, code, field, detail ? "%s" : NULL, detail);
    return -EPROTO;
}

static int refuse_row(struct sfu_control_offering *o, enum sfu_err code, size_t row,
                      const char *name, const char *detail)
{
    char field[32];
    struct sfu_str out;
    sfu_str_init_fixed(&out, field, sizeof field);
    sfu_str_printf(&out, "tracks[%zu].%s", row, name);
    return sfu_control_offer_refuse(o, code, field, detail);
}

/* ---- reading the offer ---- */

static int parse_sdp(struct sfu_control_offering *o)
{
    struct sfu_sdp_error e = {0};
    if (o->in->sdp_len > SFU_SDP_MAX_TEXT) {
        return sfu_control_offer_refuse(o, SFU_ERR_TOO_LARGE, "sdp", NULL);
    }
    if (sfu_sdp_parse(o->c->sdp, o->in->sdp, o->in->sdp_len, &e) != 0) {
        sfu_error_set(o->error, SFU_ERR_INVALID_SDP, "sdp", "line %u: %s %s", e.line, e.field,
                      e.what);
        return -EPROTO;
    }
    return 0;
}

static bool media_sends(const struct sfu_sdp_media *m)
{
    return sfu_sdp_media_live(m) && (m->kind == SFU_SDP_AUDIO || m->kind == SFU_SDP_VIDEO) &&
           (m->dir & SFU_SDP_SENDONLY);
}

static const struct sfu_sdp_media *media_of(const struct sfu_sdp *sdp, const char *mid)
{
    for (size_t i = 0; i < sdp->media_count; i++) {
        if (sfu_sdp_span_is(sdp->media[i].mid, mid)) {
            return &sdp->media[i];
        }
    }
    return NULL;
}

enum sfu_kind sfu_control_offer_kind(enum sfu_sdp_kind kind)
{
    return kind == SFU_SDP_AUDIO ? SFU_AUDIO : SFU_VIDEO;
}

static int check_row(struct sfu_control_offering *o, size_t i)
{
    const struct sfu_offer_track *row = &o->rows[i];
    const struct sfu_sdp_media *m = media_of(o->c->sdp, row->mid);
    if (!m || !media_sends(m)) {
        return refuse_row(o, SFU_ERR_INVALID_PARAM, i, "mid", "no m-line of this mid sends");
    }
    if ((unsigned)row->source >= SFU_SOURCE_COUNT ||
        sfu_source_kind(row->source) != sfu_control_offer_kind(m->kind)) {
        return refuse_row(o, SFU_ERR_INVALID_PARAM, i, "source", "not of the m-line's kind");
    }
    for (size_t k = 0; k < i; k++) {
        if (strcmp(o->rows[k].mid, row->mid) == 0) {
            return refuse_row(o, SFU_ERR_INVALID_PARAM, i, "mid", "is named twice");
        }
        if (o->in->publish && o->rows[k].source == row->source) {
            return refuse_row(o, SFU_ERR_INVALID_PARAM, i, "source", "is named twice");
        }
    }
    if (o->in->publish && !sfu_permission_publishes(&o->s->claims, row->source)) {
        return refuse_row(o, SFU_ERR_FORBIDDEN, i, "source", NULL);
    }
    return 0;
}

static bool has_row(const struct sfu_control_offering *o, struct sfu_sdp_span mid)
{
    for (size_t i = 0; i < o->row_count; i++) {
        if (sfu_sdp_span_is(mid, o->rows[i].mid)) {
            return true;
        }
    }
    return false;
}

/* Without rows each m-line that sends is taken for what its kind says. */
static void make_rows(struct sfu_control_offering *o)
{
    const struct sfu_sdp *sdp = o->c->sdp;
    for (size_t i = 0; i < sdp->media_count && o->row_count < o->c->conf.max_tracks; i++) {
        const struct sfu_sdp_media *m = &sdp->media[i];
        char *mid = o->mids[o->row_count];
        if (!media_sends(m) ||
            sfu_str_copy(mid, sizeof o->mids[0], m->mid.s ? m->mid.s : "", m->mid.len) != 0) {
            continue;
        }
        o->rows[o->row_count++] = (struct sfu_offer_track){
            .mid = mid, .source = m->kind == SFU_SDP_AUDIO ? SFU_MICROPHONE : SFU_CAMERA};
    }
}

static int read_rows(struct sfu_control_offering *o)
{
    const struct sfu_sdp *sdp = o->c->sdp;
    if (o->in->shape != SFU_OFFER_FREE) {
        return sfu_control_offer_shape_rows(o);
    }
    if (!o->in->tracks && !o->in->publish) {
        make_rows(o);
        return 0;
    }
    if (o->in->track_count > o->c->conf.max_tracks) {
        return sfu_control_offer_refuse(o, SFU_ERR_QUOTA, "tracks", NULL);
    }
    o->row_count = o->in->tracks ? o->in->track_count : 0;
    for (size_t i = 0; i < o->row_count; i++) {
        o->rows[i] = o->in->tracks[i];
        int err = check_row(o, i);
        if (err != 0) {
            return err;
        }
    }
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sfu_sdp_media *m = &sdp->media[i];
        if (media_sends(m) && m->dir == SFU_SDP_SENDONLY && !has_row(o, m->mid)) {
            sfu_error_set(o->error, SFU_ERR_INVALID_PARAM, "tracks", "no row for mid %.*s",
                          SFU_SDP_SPAN_ARG(m->mid));
            return -EPROTO;
        }
    }
    return 0;
}

static int count_slots(struct sfu_control_offering *o)
{
    const struct sfu_sdp *sdp = o->c->sdp;
    uint32_t count[SFU_KIND_COUNT] = {0};
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sfu_sdp_media *m = &sdp->media[i];
        bool av = m->kind == SFU_SDP_AUDIO || m->kind == SFU_SDP_VIDEO;
        if (av && sfu_sdp_media_live(m) && (m->dir & SFU_SDP_RECVONLY) &&
            ++count[sfu_control_offer_kind(m->kind)] > o->c->conf.max_pairs) {
            return sfu_control_offer_refuse(o, SFU_ERR_QUOTA, "sdp", "too many slots");
        }
    }
    return 0;
}

/* ---- the answer ---- */

static bool publish_mid(void *arg, const char *mid, enum sfu_sdp_kind kind)
{
    const struct sfu_control_offering *o = arg;
    (void)kind;
    return has_row(o, (struct sfu_sdp_span){.s = mid, .len = (uint32_t)strlen(mid)});
}

static uint32_t random_ssrc(void *arg)
{
    (void)arg;
    return sfu_rand_u32();
}

size_t sfu_control_offer_candidates(const struct sfu_control_offering *o,
                                    struct sfu_answer_candidate ret[SFU_CONTROL_ADDRS])
{
    const struct sfu_control_conf *conf = &o->c->conf;
    for (size_t i = 0; i < conf->addr_count; i++) {
        char text[SFU_ADDR_TEXT_BYTES];
        uint16_t base = conf->addrs[i].port ? conf->addrs[i].port : conf->port_base;
        sfu_addr_ip_text(&conf->addrs[i], text);
        if (sfu_str_copy(ret[i].address, sizeof ret[i].address, text, strlen(text)) != 0) {
            ret[i].address[0] = 0;
        }
        ret[i].port = (uint16_t)(base + o->worker);
    }
    return conf->addr_count;
}

static int make_answer(struct sfu_control_offering *o)
{
    struct sfu_answer_candidate list[SFU_CONTROL_ADDRS];
    struct sfu_ice_creds creds;
    char cname[SFU_PLAN_CNAME_BYTES];
    struct sfu_answer_policy policy;
    struct sfu_answer_error e = {0};
    const struct sfu_control_peer *peer = o->s->peer;
    sfu_ice_creds_make(&creds);
    sfu_secret_make(12, cname);
    sfu_answer_policy_init(&policy);
    policy.publish_audio = policy.publish_video = true;
    policy.publish_mid = publish_mid;
    policy.publish_arg = o;
    policy.subscribe = o->in->shape == SFU_OFFER_FREE ? !o->in->publish || o->s->claims.subscribe
                                                      : o->in->shape == SFU_OFFER_RECEIVES;
    policy.opus_stereo = policy.dtls_client = policy.rtcp_mux_only = o->in->shape != SFU_OFFER_FREE;
    policy.drop_ext_conflicts = true; /* aiortc gives one id to two extensions */
    policy.simulcast = true;
    policy.data = sfu_control_offer_data(o);
    policy.max_message_size = o->c->conf.data_message_max;
    if (o->c->conf.codec_count > 0) {
        policy.codecs = o->c->conf.codecs;
        policy.codec_count = o->c->conf.codec_count;
    }
    policy.ufrag = creds.ufrag;
    policy.pwd = creds.pwd;
    policy.sha256 = o->c->conf.fingerprint;
    policy.cname = peer ? peer->cname : cname;
    policy.candidates = list;
    policy.candidate_count = sfu_control_offer_candidates(o, list);
    policy.tcp = o->c->conf.tcp;
    policy.session_id = sfu_rand_u64() >> 1;
    policy.ssrc = random_ssrc;
    int err = sfu_answer_make(o->c->sdp, &policy, peer ? peer->answer : NULL, o->c->sdp_text,
                              SFU_SDP_MAX_TEXT, &o->text_len, &o->answer, &e);
    if (err == -EPROTO) {
        sfu_error_set(o->error, SFU_ERR_INVALID_SDP, "sdp", "%s: %s", e.field, e.what);
    } else if (err != 0) {
        sfu_error_set(o->error, sfu_err_from_errno(err), "sdp", NULL);
    } else if (sfu_control_offer_shape_check(o) != 0) {
        return -EPROTO;
    } else if (!peer && sfu_control_peer_open(o->s, o->owner, o->worker, &o->peer) != 0) {
        return sfu_control_offer_refuse(o, SFU_ERR_UNAVAILABLE, "peers", NULL);
    } else if (!peer) {
        o->fresh_peer = true;
        memcpy(o->peer->cname, cname, sizeof cname);
    }
    return err;
}

/* ---- new objects, not announced yet ---- */

const struct sfu_offer_track *sfu_control_offer_row(const struct sfu_control_offering *o,
                                                    const char *mid)
{
    for (size_t i = 0; i < o->row_count; i++) {
        if (strcmp(o->rows[i].mid, mid) == 0) {
            return &o->rows[i];
        }
    }
    return NULL;
}

/* The track of that m-line, when it still is what the client says. */
struct sfu_control_track *sfu_control_offer_track(const struct sfu_control_offering *o,
                                                  const struct sfu_offer_track *row)
{
    SFU_LIST_FOREACH(node, &o->peer->tracks)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        if (row && strcmp(t->mid, row->mid) == 0 && t->source == row->source) {
            return t;
        }
    }
    return NULL;
}

static int make_track(struct sfu_control_offering *o, const struct sfu_answer_mline *m)
{
    const struct sfu_offer_track *row = sfu_control_offer_row(o, m->mid);
    if (!row || !m->publishes || sfu_control_offer_track(o, row)) {
        return 0;
    }
    struct sfu_control_track *t =
        sfu_control_track_add(o->peer, m->mid, row->source, o->in->publish);
    if (!t) {
        return sfu_control_offer_refuse(o, SFU_ERR_QUOTA, "tracks", NULL);
    }
    t->codec = m->codec_count > 0 ? sfu_codec_media(m->codecs[0].codec) : SFU_CODEC_NONE;
    bool silenced = o->peer->session->silenced & 1U << row->source;
    t->muted = (uint8_t)((row->muted ? SFU_MUTE_SELF : 0) | (silenced ? SFU_MUTE_ADMIN : 0));
    o->fresh[o->fresh_count++] = t;
    return 0;
}

bool sfu_control_offer_data(const struct sfu_control_offering *o)
{
    return o->c->conf.data_queue_bytes > 0 && o->s->claims.data && o->in->shape == SFU_OFFER_FREE;
}

bool sfu_control_offer_is_slot(const struct sfu_answer_mline *m)
{
    return !m->rejected && m->pair != SFU_ANSWER_NO_PAIR;
}

static int make_slot(struct sfu_control_offering *o, const struct sfu_answer_mline *m)
{
    if (!sfu_control_offer_is_slot(m) || sfu_control_slot_of_mid(o->peer, m->mid)) {
        return 0;
    }
    struct sfu_control_slot *slot =
        sfu_control_slot_add(o->peer, m->mid, sfu_control_offer_kind(m->kind));
    if (!slot) {
        return sfu_control_offer_refuse(o, SFU_ERR_QUOTA, "sdp", "too many slots");
    }
    slot->pair = m->pair;
    o->fresh_slots[o->fresh_slot_count++] = slot;
    return 0;
}

static int make_objects(struct sfu_control_offering *o)
{
    int err = 0;
    for (size_t i = 0; i < o->answer->mline_count && err == 0; i++) {
        err = make_track(o, &o->answer->mlines[i]);
        if (err == 0) {
            err = make_slot(o, &o->answer->mlines[i]);
        }
    }
    return err;
}

/* ---- all or nothing ---- */

static const struct sfu_answer_mline *mline_of(const struct sfu_answer *a, const char *mid)
{
    for (size_t i = 0; i < a->mline_count; i++) {
        if (!a->mlines[i].rejected && strcmp(a->mlines[i].mid, mid) == 0) {
            return &a->mlines[i];
        }
    }
    return NULL;
}

static void commit_slots(struct sfu_control_peer *peer)
{
    for (uint16_t i = 0; i < peer->slot_count; i++) {
        struct sfu_control_slot *slot = peer->slots[i];
        const struct sfu_answer_mline *m = slot->mid[0] ? mline_of(peer->answer, slot->mid) : NULL;
        slot->live = m && sfu_control_offer_is_slot(m) && m->subscribes;
        if (!slot->live) {
            sfu_control_slot_map(slot, NULL, true);
        }
        if (!m) {
            slot->mid[0] = 0;
        }
    }
}

static void note_rids(struct sfu_control_track *t, const struct sfu_answer_mline *m)
{
    t->rid_count = 0;
    for (; t->rid_count < m->rid_count && t->rid_count < SFU_PLAN_ENCODINGS; t->rid_count++) {
        memcpy(t->rids[t->rid_count], m->rids[t->rid_count].id, sizeof t->rids[0]);
    }
}

static void commit_tracks(struct sfu_control_offering *o)
{
    struct sfu_control_peer *peer = o->peer;
    SFU_LIST_FOREACH_SAFE(node, &peer->tracks)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        const struct sfu_answer_mline *m = mline_of(peer->answer, t->mid);
        const struct sfu_offer_track *row =
            m && m->publishes ? sfu_control_offer_row(o, t->mid) : NULL;
        if (!row || row->source != t->source) {
            sfu_control_track_remove(t);
        } else {
            note_rids(t, m);
        }
    }
    for (size_t i = 0; i < o->fresh_count; i++) {
        sfu_control_track_announce(o->fresh[i]);
    }
}

static void commit(struct sfu_control_offering *o)
{
    struct sfu_control_peer *peer = o->peer;
    sfu_answer_destroy(peer->answer);
    peer->answer = o->answer;
    sfu_plan_destroy(peer->plan); /* one that the worker has not seen is out of date */
    peer->plan = o->plan;
    sfu_control_peer_dirty(peer);
    commit_slots(peer);
    commit_tracks(o);
    struct sfu_event event = {.kind = SFU_EVENT_PEER_SLOTS,
                              .room = o->s->room->handle,
                              .session = o->s->handle,
                              .participant = o->s->participant ? o->s->participant->handle : 0};
    sfu_plugin_host_event(o->c, &event);
}

static void undo(struct sfu_control_offering *o)
{
    for (size_t i = 0; i < o->fresh_count; i++) {
        sfu_control_track_forget(o->fresh[i]);
    }
    for (size_t i = 0; i < o->fresh_slot_count; i++) {
        o->fresh_slots[i]->mid[0] = 0;
    }
    if (o->fresh_peer) {
        sfu_control_peer_close(o->peer);
    }
    sfu_plan_destroy(o->plan);
    sfu_answer_destroy(o->answer);
}

int sfu_control_offer(struct sfu_session *s, const void *owner, const struct sfu_offer *in,
                      json_t **ret_answer, struct sfu_error *ret_error)
{
    struct sfu_control_offering o = {
        .c = s->c, .s = s, .owner = owner, .in = in, .error = ret_error, .peer = s->peer};
    if (s->peer && s->peer->owner != owner) {
        return sfu_control_offer_refuse(&o, SFU_ERR_CONFLICT, NULL,
                                        "another plugin uses this session's connection");
    }
    o.worker = s->peer ? s->peer->worker : sfu_room_worker(s->room);
    static int (*const steps[])(struct sfu_control_offering *) = {parse_sdp,
                                                                  read_rows,
                                                                  count_slots,
                                                                  make_answer,
                                                                  make_objects,
                                                                  sfu_control_offer_plan,
                                                                  sfu_control_offer_result};
    for (size_t i = 0; i < SFU_ARRAY_LEN(steps); i++) {
        int err = steps[i](&o);
        if (err != 0) {
            undo(&o);
            return err;
        }
    }
    commit(&o);
    if (o.answer->accepted == 0) {
        sfu_control_peer_close(o.peer); /* the client has dropped its transport */
    }
    *ret_answer = o.result;
    return 0;
}
