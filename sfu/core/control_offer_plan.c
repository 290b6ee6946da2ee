/* From an answer to what the worker and the client are told. */
#include <errno.h>
#include <string.h>

#include "sfu/core/control_offer_own.h"
#include "sfu/core/control_peer.h"

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
            .profile = from->profile,
            .inner_pt = from->inner_pt,
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
    for (; out->rid_count < m->rid_count && out->rid_count < SFU_PLAN_ENCODINGS; out->rid_count++) {
        memcpy(out->rids[out->rid_count], m->rids[out->rid_count].id, sizeof out->rids[0]);
    }
    if (out->rid_count > 0) {
        out->ssrc = out->rtx_ssrc = 0; /* which of them is which is said by RID alone */
    }
    out->codec_count = plan_codecs(m, out->codecs);
    out->ext = m->ext_in;
}

static bool numbered(const struct sfu_plan_slot *slot)
{
    bool twcc = false;
    for (unsigned i = 0; i < slot->codec_count; i++) {
        twcc = twcc || slot->codecs[i].twcc;
    }
    return twcc;
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
    if (!numbered(out)) {
        out->ext.id_of[SFU_HDREXT_TWCC] = 0; /* nobody would report them */
    }
    out->two_byte_ok = m->extmap_allow_mixed;
}

static void plan_transport(struct sfu_plan *plan, const struct sfu_control_offering *o)
{
    const struct sfu_answer *a = o->answer;
    plan->peer = o->peer->handle;
    bool in_room = o->in->publish || o->in->shape == SFU_OFFER_RECEIVES;
    plan->room = in_room ? o->s->room->handle : o->peer->handle;
    plan->stale_us = (int64_t)o->in->stale_ms * 1000;
    memcpy(plan->local_ufrag, a->local_ufrag, sizeof plan->local_ufrag);
    memcpy(plan->local_pwd, a->local_pwd, sizeof plan->local_pwd);
    memcpy(plan->remote_ufrag, a->remote_ufrag, strlen(a->remote_ufrag) + 1);
    memcpy(plan->fingerprint, a->remote_sha256, sizeof plan->fingerprint);
    memcpy(plan->cname, o->peer->cname, sizeof plan->cname);
    plan->dtls_client = a->dtls_client;
    plan->data = sfu_control_offer_data(o);
}

int sfu_control_offer_plan(struct sfu_control_offering *o)
{
    const struct sfu_answer *a = o->answer;
    uint16_t tracks = 0;
    for (size_t i = 0; i < a->mline_count; i++) {
        tracks = (uint16_t)(tracks +
                            (a->mlines[i].publishes && sfu_control_offer_row(o, a->mlines[i].mid)));
    }
    o->plan = sfu_plan_create(tracks, o->peer->slot_count);
    if (!o->plan) {
        return sfu_control_offer_refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
    }
    plan_transport(o->plan, o);
    for (uint16_t i = 0; i < o->peer->slot_count; i++) {
        o->plan->slots[i].kind = o->peer->slots[i]->kind;
        o->plan->slots[i].pair = o->peer->slots[i]->pair;
    }
    struct sfu_plan_track *next = o->plan->tracks;
    for (size_t i = 0; i < a->mline_count; i++) {
        const struct sfu_answer_mline *m = &a->mlines[i];
        const struct sfu_offer_track *row = m->publishes ? sfu_control_offer_row(o, m->mid) : NULL;
        if (row) {
            plan_track(next++, sfu_control_offer_track(o, row), m);
        }
        if (sfu_control_offer_is_slot(m)) {
            plan_slot(&o->plan->slots[sfu_control_slot_of_mid(o->peer, m->mid)->index], m);
        }
    }
    return 0;
}

/* ---- the result ---- */

static int put_mline(const struct sfu_control_offering *o, const struct sfu_answer_mline *m,
                     json_t *tracks, json_t *slots)
{
    const struct sfu_control_track *t =
        m->publishes ? sfu_control_offer_track(o, sfu_control_offer_row(o, m->mid)) : NULL;
    int err = 0;
    if (t) {
        err =
            json_array_append_new(tracks, json_pack("{s:s, s:s, s:b}", "mid", m->mid, "id", t->id,
                                                    "silenced", (t->muted & SFU_MUTE_ADMIN) != 0));
    }
    if (err == 0 && sfu_control_offer_is_slot(m) && m->subscribes) {
        err = json_array_append_new(
            slots,
            json_pack("{s:i, s:s, s:s}", "pair", (int)m->pair, "kind",
                      sfu_control_kind_name(sfu_control_offer_kind(m->kind)), "mid", m->mid));
    }
    return err;
}

int sfu_control_offer_result(struct sfu_control_offering *o)
{
    json_t *tracks = json_array(), *slots = json_array();
    int err = tracks && slots ? 0 : -1;
    for (size_t i = 0; i < o->answer->mline_count && err == 0; i++) {
        err = put_mline(o, &o->answer->mlines[i], tracks, slots);
    }
    if (err != 0) {
        json_decref(tracks);
        json_decref(slots);
        return sfu_control_offer_refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
    }
    o->result = json_pack("{s:s%, s:o, s:o}", "sdp", o->c->sdp_text, o->text_len, "tracks", tracks,
                          "slots", slots);
    return o->result ? 0 : sfu_control_offer_refuse(o, SFU_ERR_UNAVAILABLE, NULL, NULL);
}
