#include "sfu/core/control_ice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/control_offer_own.h"
#include "sfu/core/control_peer.h"
#include "sfu/proto/sdpfrag.h"
#include "sfu/transport/ice_lite.h"

/* A restart costs a plan and a command to the worker. */
enum { TRICKLE_COST = 1, RESTART_COST = 10, FRAGMENT_MAX_BYTES = 8192 };

static int refuse(struct sfu_error *ret_error, enum sfu_err code, const char *field,
                  const char *detail)
{
    sfu_error_set(ret_error, code, field, "%s", detail);
    return -EPROTO;
}

static bool is_current(const struct sfu_answer *a, const struct sfu_sdpfrag *frag)
{
    return sfu_sdp_span_is(frag->ufrag, a->remote_ufrag) &&
           sfu_sdp_span_is(frag->pwd, a->remote_pwd);
}

/* The last answer with new credentials on both sides. */
static struct sfu_answer *renew(const struct sfu_answer *before, const struct sfu_sdpfrag *frag)
{
    size_t size = sizeof *before + before->mline_count * sizeof before->mlines[0];
    struct sfu_answer *a = malloc(size);
    struct sfu_ice_creds creds;
    if (!a) {
        return NULL;
    }
    memcpy(a, before, size);
    sfu_ice_creds_make(&creds);
    memcpy(a->local_ufrag, creds.ufrag, strlen(creds.ufrag) + 1);
    memcpy(a->local_pwd, creds.pwd, strlen(creds.pwd) + 1);
    a->ice_restart = true;
    if (sfu_answer_set_remote(a, frag->ufrag.s, frag->ufrag.len, frag->pwd.s, frag->pwd.len) < 0) {
        sfu_answer_destroy(a);
        return NULL;
    }
    return a;
}

/* The rows that the offer had: plans are made of them. */
static void read_rows(struct sfu_control_offering *o)
{
    SFU_LIST_FOREACH(node, &o->peer->tracks)
    {
        const struct sfu_control_track *t =
            SFU_LIST_ENTRY(node, struct sfu_control_track, peer_link);
        if (o->row_count < SFU_PEER_TRACKS) {
            o->rows[o->row_count++] = (struct sfu_offer_track){.mid = t->mid, .source = t->source};
        }
    }
}

/* RFC 8840, 9: the group, and the m-line that carries the transport.  ICE's own attributes are those of the
 * answer (RFC 9725, 4.3.3). */
static char *write_fragment(const struct sfu_control_offering *o)
{
    const struct sfu_answer *a = o->answer;
    const struct sfu_answer_mline *tagged = &a->mlines[a->tagged];
    struct sfu_answer_candidate list[SFU_CONTROL_ADDRS];
    size_t count = sfu_control_offer_candidates(o, list);
    struct sfu_str out;
    sfu_str_init_grow(&out, FRAGMENT_MAX_BYTES);
    sfu_str_printf(&out, "a=ice-lite\r\na=ice-options:ice2%s\r\na=group:BUNDLE",
                   a->trickle ? " trickle" : "");
    for (size_t i = 0; i < a->mline_count; i++) {
        if (!a->mlines[i].rejected) {
            sfu_str_printf(&out, " %s", a->mlines[i].mid);
        }
    }
    sfu_str_printf(&out, "\r\nm=%s 9 UDP/TLS/RTP/SAVPF %u\r\na=mid:%s\r\n",
                   tagged->kind == SFU_SDP_AUDIO ? "audio" : "video",
                   tagged->codec_count > 0 ? tagged->codecs[0].pt : 0u, tagged->mid);
    sfu_str_printf(&out, "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", a->local_ufrag, a->local_pwd);
    sfu_answer_put_candidates(&out, list, count, o->c->conf.tcp);
    char *text = sfu_str_take(&out);
    sfu_str_fini(&out);
    return text;
}

static int restart_ice(struct sfu_session *s, const struct sfu_sdpfrag *frag, char **ret_fragment,
                       struct sfu_error *ret_error)
{
    struct sfu_control_peer *peer = s->peer;
    struct sfu_offer in = {.publish = s->participant != NULL, .shape = SFU_OFFER_RECEIVES};
    struct sfu_control_offering o = {.c = s->c,
                                     .s = s,
                                     .owner = peer->owner,
                                     .in = &in,
                                     .error = ret_error,
                                     .worker = peer->worker,
                                     .peer = peer,
                                     .answer = renew(peer->answer, frag)};
    read_rows(&o);
    char *text = o.answer ? write_fragment(&o) : NULL;
    if (!text || sfu_control_offer_plan(&o) != 0) {
        free(text);
        sfu_answer_destroy(o.answer);
        return refuse(ret_error, SFU_ERR_UNAVAILABLE, "", "ICE goes on as it is");
    }
    sfu_answer_destroy(peer->answer);
    peer->answer = o.answer;
    sfu_plan_destroy(peer->plan);
    peer->plan = o.plan;
    sfu_control_peer_dirty(peer);
    *ret_fragment = text;
    return 0;
}

static int take_tokens(struct sfu_session *s, uint32_t cost, struct sfu_error *ret_error)
{
    const struct sfu_control_conf *conf = &s->c->conf;
    uint32_t wait_ms =
        sfu_bucket_take_call(&s->bucket, conf->calls_per_s, conf->calls_burst, cost, s->c->now_us);
    if (wait_ms == 0) {
        return 0;
    }
    sfu_error_set(ret_error, SFU_ERR_RATE_LIMITED, NULL, NULL);
    ret_error->retry_after_ms = wait_ms;
    return -EPROTO;
}

int sfu_control_ice(struct sfu_session *s, const char *text, size_t len, bool restart,
                    char **ret_fragment, struct sfu_error *ret_error)
{
    struct sfu_sdpfrag frag;
    const char *why;
    *ret_fragment = NULL;
    int err = take_tokens(s, TRICKLE_COST, ret_error);
    if (err != 0) {
        return err;
    }
    if (!s->peer || !s->peer->answer) {
        return refuse(ret_error, SFU_ERR_CONFLICT, "", "there is no connection");
    }
    if (sfu_sdpfrag_parse(text, len, &frag, &why) != 0) {
        return refuse(ret_error, SFU_ERR_INVALID_PARAM, "sdpfrag", why);
    }
    if (frag.ufrag.len == 0 || is_current(s->peer->answer, &frag)) {
        return 0;
    }
    if (!restart) {
        return refuse(ret_error, SFU_ERR_UNSUPPORTED, "ice-ufrag",
                      "not of this ICE session; If-Match: * begins a new one");
    }
    err = take_tokens(s, RESTART_COST, ret_error);
    return err != 0 ? err : restart_ice(s, &frag, ret_fragment, ret_error);
}
