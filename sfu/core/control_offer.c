#include "sfu/core/control_offer.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/room.h"
#include "sfu/transport/ice_lite.h"

/* One offer under way. */
struct offer {
    struct sfu_control *c;
    struct sfu_session *s;
    const void *owner;
    const struct sfu_offer *in;
    struct sfu_error *error;
    struct sfu_offer_track rows[SFU_PEER_TRACKS]; /* what the client publishes, by mid */
    size_t row_count;
    char mids[SFU_PEER_TRACKS][SFU_MID_SIZE]; /* of rows that we made */
    unsigned worker;
    struct sfu_control_peer *peer;
    bool fresh_peer;
    struct sfu_control_track *fresh[SFU_PEER_TRACKS]; /* made for this offer */
    size_t fresh_count;
    struct sfu_control_slot *fresh_slots[SFU_PEER_SLOTS];
    size_t fresh_slot_count;
    struct sfu_answer *answer;
    size_t text_len;
    struct sfu_plan *plan;
    json_t *result;
};

static int refuse(struct offer *o, enum sfu_err code, const char *field, const char *detail)
{
    sfu_error_set(o->error, code, field, detail ? "%s" : NULL, detail);
    return -EPROTO;
}

static int refuse_row(struct offer *o, enum sfu_err code, size_t row, const char *name,
                      const char *detail)
{
    char field[32];
    struct sfu_str out;
    sfu_str_init_fixed(&out, field, sizeof field);
    sfu_str_printf(&out, "tracks[%zu].%s", row, name);
    return refuse(o, code, field, detail);
}

/* ---- reading the offer ---- */

static int parse_sdp(struct offer *o)
{
    struct sfu_sdp_error e = {0};
    if (o->in->sdp_len > SFU_SDP_MAX_TEXT) {
        return refuse(o, SFU_ERR_TOO_LARGE, "sdp", NULL);
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

static enum sfu_kind kind_of(enum sfu_sdp_kind kind)
{
    return kind == SFU_SDP_AUDIO ? SFU_AUDIO : SFU_VIDEO;
}

static int check_row(struct offer *o, size_t i)
{
    const struct sfu_offer_track *row = &o->rows[i];
    const struct sfu_sdp_media *m = media_of(o->c->sdp, row->mid);
    if (!m || !media_sends(m)) {
        return refuse_row(o, SFU_ERR_INVALID_PARAM, i, "mid", "no m-line of this mid sends");
    }
    if ((unsigned)row->source >= SFU_SOURCE_COUNT ||
        sfu_source_kind(row->source) != kind_of(m->kind)) {
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

static bool has_row(const struct offer *o, struct sfu_sdp_span mid)
{
    for (size_t i = 0; i < o->row_count; i++) {
        if (sfu_sdp_span_is(mid, o->rows[i].mid)) {
            return true;
        }
    }
    return false;
}

/* Without rows each m-line that sends is taken for what its kind says. */
static void make_rows(struct offer *o)
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

static int read_rows(struct offer *o)
{
    const struct sfu_sdp *sdp = o->c->sdp;
    if (!o->in->tracks && !o->in->publish) {
        make_rows(o);
        return 0;
    }
    if (o->in->track_count > o->c->conf.max_tracks) {
        return refuse(o, SFU_ERR_QUOTA, "tracks", NULL);
    }
    o->row_count = o->in->track_count;
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

static int count_slots(struct offer *o)
{
    const struct sfu_sdp *sdp = o->c->sdp;
    uint32_t count[SFU_KIND_COUNT] = {0};
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sfu_sdp_media *m = &sdp->media[i];
        bool av = m->kind == SFU_SDP_AUDIO || m->kind == SFU_SDP_VIDEO;
        if (av && sfu_sdp_media_live(m) && (m->dir & SFU_SDP_RECVONLY) &&
            ++count[kind_of(m->kind)] > o->c->conf.max_pairs) {
            return refuse(o, SFU_ERR_QUOTA, "sdp", "too many slots");
        }
    }
    return 0;
}

/* ---- the answer ---- */

static bool publish_mid(void *arg, const char *mid, enum sfu_sdp_kind kind)
{
    const struct offer *o = arg;
    (void)kind;
    return has_row(o, (struct sfu_sdp_span){.s = mid, .len = (uint32_t)strlen(mid)});
}

static uint32_t random_ssrc(void *arg)
{
    (void)arg;
    return sfu_rand_u32();
}

static size_t candidates(const struct offer *o, struct sfu_answer_candidate ret[SFU_CONTROL_ADDRS])
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

static int make_answer(struct offer *o)
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
    policy.subscribe = !o->in->publish || o->s->claims.subscribe;
    policy.data = o->c->conf.data && o->s->claims.data;
    if (o->c->conf.codec_count > 0) {
        policy.codecs = o->c->conf.codecs;
        policy.codec_count = o->c->conf.codec_count;
    }
    policy.ufrag = creds.ufrag;
    policy.pwd = creds.pwd;
    policy.sha256 = o->c->conf.fingerprint;
    policy.cname = peer ? peer->cname : cname;
    policy.candidates = list;
    policy.candidate_count = candidates(o, list);
    policy.session_id = sfu_rand_u64() >> 1;
    policy.ssrc = random_ssrc;
    int err = sfu_answer_make(o->c->sdp, &policy, peer ? peer->answer : NULL, o->c->sdp_text,
                              SFU_SDP_MAX_TEXT, &o->text_len, &o->answer, &e);
    if (err == -EPROTO) {
        sfu_error_set(o->error, SFU_ERR_INVALID_SDP, "sdp", "%s: %s", e.field, e.what);
    } else if (err != 0) {
        sfu_error_set(o->error, sfu_err_from_errno(err), "sdp", NULL);
    } else if (!peer && sfu_control_peer_open(o->s, o->owner, &o->peer) != 0) {
        return refuse(o, SFU_ERR_UNAVAILABLE, "peers", NULL);
    } else if (!peer) {
        o->fresh_peer = true;
        memcpy(o->peer->cname, cname, sizeof cname);
    }
    return err;
}

/* ---- new objects, not announced yet ---- */

static const struct sfu_offer_track *row_of(const struct offer *o, const char *mid)
{
    for (size_t i = 0; i < o->row_count; i++) {
        if (strcmp(o->rows[i].mid, mid) == 0) {
            return &o->rows[i];
        }
    }
    return NULL;
}

/* The track of that m-line, when it still is what the client says. */
static struct sfu_control_track *track_of(const struct offer *o, const struct sfu_offer_track *row)
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

static int make_track(struct offer *o, const struct sfu_answer_mline *m)
{
    const struct sfu_offer_track *row = row_of(o, m->mid);
    if (!row || !m->publishes || track_of(o, row)) {
        return 0;
    }
    struct sfu_control_track *t =
        sfu_control_track_add(o->peer, m->mid, row->source, o->in->publish);
    if (!t) {
        return refuse(o, SFU_ERR_QUOTA, "tracks", NULL);
    }
    t->codec = m->codec_count > 0 ? m->codecs[0].codec : SFU_CODEC_NONE;
    t->muted = row->muted ? SFU_MUTE_SELF : 0;
    o->fresh[o->fresh_count++] = t;
    return 0;
}

static bool is_slot(const struct sfu_answer_mline *m)
{
    return !m->rejected && m->pair != SFU_ANSWER_NO_PAIR;
}

static int make_slot(struct offer *o, const struct sfu_answer_mline *m)
{
    if (!is_slot(m) || sfu_control_slot_of_mid(o->peer, m->mid)) {
        return 0;
    }
    struct sfu_control_slot *slot = sfu_control_slot_add(o->peer, m->mid, kind_of(m->kind));
    if (!slot) {
        return refuse(o, SFU_ERR_QUOTA, "sdp", "too many slots");
    }
    slot->pair = m->pair;
    o->fresh_slots[o->fresh_slot_count++] = slot;
    return 0;
}

static int make_objects(struct offer *o)
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

/* ---- the plan ---- */

static uint8_t plan_codecs(const struct sfu_answer_mline *m,
                           struct sfu_plan_codec out[SFU_PLAN_CODECS])
{
    uint8_t n = 0;
    for (; n < m->codec_count && n < SFU_PLAN_CODECS; n++) {
        const struct sfu_answer_codec *from = &m->codecs[n];
        out[n] = (struct sfu_plan_codec){
            .codec = from->codec,
            .pt = from->pt,
            .rtx_pt = from->rtx_pt,
            .h264_packetization_mode = from->h264_packetization_mode,
            .h264_profile = from->h264_profile,
            .nack = (from->fb & SFU_SDP_FB_NACK) != 0,
            .pli = (from->fb & SFU_SDP_FB_PLI) != 0,
            .fir = (from->fb & SFU_SDP_FB_FIR) != 0,
            .twcc = (from->fb & SFU_SDP_FB_TWCC) != 0,
        };
    }
    return n;
}

static void plan_track(struct sfu_plan_track *out, const struct sfu_control_track *t,
                       const struct sfu_answer_mline *m)
{
    out->id = t->handle;
    out->source = t->source;
    out->muted = t->muted != 0;
    memcpy(out->mid, m->mid, sizeof out->mid);
    out->ssrc = m->source_count > 0 ? m->sources[0].ssrc : 0;
    out->rtx_ssrc = m->source_count > 0 ? m->sources[0].rtx_ssrc : 0;
    out->codec_count = plan_codecs(m, out->codecs);
    out->ext = m->ext_in;
}

static void plan_slot(struct sfu_plan_slot *out, const struct sfu_answer_mline *m)
{
    out->pair = m->pair;
    out->live = m->subscribes;
    memcpy(out->mid, m->mid, sizeof out->mid);
    out->ssrc = m->ssrc;
    out->rtx_ssrc = m->rtx_ssrc;
    out->codec_count = plan_codecs(m, out->codecs);
    out->ext = m->ext_out;
    out->two_byte_ok = m->extmap_allow_mixed;
}

static void plan_transport(struct sfu_plan *plan, const struct offer *o)
{
    const struct sfu_answer *a = o->answer;
    plan->peer = o->peer->handle;
    plan->room = o->in->publish ? o->s->room->handle : o->peer->handle;
    memcpy(plan->local_ufrag, a->local_ufrag, sizeof plan->local_ufrag);
    memcpy(plan->local_pwd, a->local_pwd, sizeof plan->local_pwd);
    memcpy(plan->remote_ufrag, a->remote_ufrag, sizeof plan->remote_ufrag);
    memcpy(plan->remote_pwd, a->remote_pwd, sizeof plan->remote_pwd);
    memcpy(plan->fingerprint, a->remote_sha256, sizeof plan->fingerprint);
    memcpy(plan->cname, o->peer->cname, sizeof plan->cname);
    plan->dtls_client = a->dtls_client;
    plan->data = o->c->conf.data && o->s->claims.data;
}

static int make_plan(struct offer *o)
{
    const struct sfu_answer *a = o->answer;
    uint16_t tracks = 0;
    for (size_t i = 0; i < a->mline_count; i++) {
        tracks = (uint16_t)(tracks + (a->mlines[i].publishes && row_of(o, a->mlines[i].mid)));
    }
    o->plan = sfu_plan_create(tracks, o->peer->slot_count);
    if (!o->plan) {
        return refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
    }
    plan_transport(o->plan, o);
    for (uint16_t i = 0; i < o->peer->slot_count; i++) {
        o->plan->slots[i].kind = o->peer->slots[i]->kind;
        o->plan->slots[i].pair = o->peer->slots[i]->pair;
    }
    struct sfu_plan_track *next = o->plan->tracks;
    for (size_t i = 0; i < a->mline_count; i++) {
        const struct sfu_answer_mline *m = &a->mlines[i];
        const struct sfu_offer_track *row = m->publishes ? row_of(o, m->mid) : NULL;
        if (row) {
            plan_track(next++, track_of(o, row), m);
        }
        if (is_slot(m)) {
            plan_slot(&o->plan->slots[sfu_control_slot_of_mid(o->peer, m->mid)->index], m);
        }
    }
    return 0;
}

/* ---- the result ---- */

static int put_mline(const struct offer *o, const struct sfu_answer_mline *m, json_t *tracks,
                     json_t *slots)
{
    const struct sfu_control_track *t = m->publishes ? track_of(o, row_of(o, m->mid)) : NULL;
    int err = 0;
    if (t) {
        err = json_array_append_new(tracks, json_pack("{s:s, s:s}", "mid", m->mid, "id", t->id));
    }
    if (err == 0 && is_slot(m) && m->subscribes) {
        err = json_array_append_new(
            slots, json_pack("{s:i, s:s, s:s}", "pair", (int)m->pair, "kind",
                             sfu_control_kind_name(kind_of(m->kind)), "mid", m->mid));
    }
    return err;
}

static int make_result(struct offer *o)
{
    json_t *tracks = json_array(), *slots = json_array();
    int err = tracks && slots ? 0 : -1;
    for (size_t i = 0; i < o->answer->mline_count && err == 0; i++) {
        err = put_mline(o, &o->answer->mlines[i], tracks, slots);
    }
    if (err != 0) {
        json_decref(tracks);
        json_decref(slots);
        return refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
    }
    o->result = json_pack("{s:s%, s:o, s:o}", "sdp", o->c->sdp_text, o->text_len, "tracks", tracks,
                          "slots", slots);
    return o->result ? 0 : refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
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
        slot->live = m && is_slot(m) && m->subscribes;
        if (!slot->live) {
            sfu_control_slot_map(slot, NULL, true);
        }
        if (!m) {
            slot->mid[0] = 0;
        }
    }
}

static void commit_tracks(struct offer *o)
{
    struct sfu_control_peer *peer = o->peer;
    SFU_LIST_FOREACH_SAFE(node, &peer->tracks)
    {
        struct sfu_control_track *t = SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        const struct sfu_answer_mline *m = mline_of(peer->answer, t->mid);
        const struct sfu_offer_track *row = m && m->publishes ? row_of(o, t->mid) : NULL;
        if (!row || row->source != t->source) {
            sfu_control_track_remove(t);
        }
    }
    for (size_t i = 0; i < o->fresh_count; i++) {
        sfu_control_track_announce(o->fresh[i]);
    }
}

static void commit(struct offer *o)
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

static void undo(struct offer *o)
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
    struct offer o = {
        .c = s->c, .s = s, .owner = owner, .in = in, .error = ret_error, .peer = s->peer};
    if (s->peer && s->peer->owner != owner) {
        return refuse(&o, SFU_ERR_CONFLICT, NULL, "another plugin uses this session's connection");
    }
    o.worker = s->peer ? s->peer->worker : sfu_room_worker(s->room);
    static int (*const steps[])(struct offer *) = {
        parse_sdp, read_rows, count_slots, make_answer, make_objects, make_plan, make_result};
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
