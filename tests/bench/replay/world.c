#include "tests/bench/replay/world.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/transport/dtls_ctx.h"
#include "tests/bench/replay/media.h"

enum {
    VIDEO_TRACK = 1000, /* + publisher */
    AUDIO_TRACK = 2000,
    PEER = 1, /* + index */
    JOIN_STEPS = 64,
    REPORT_US = 1000000,
};

static int post_event(void *arg, const struct sfu_plane_event *event)
{
    (void)arg;
    (void)event;
    return 0; /* a control that takes everything */
}

static uint32_t slot_ssrc(unsigned peer, unsigned slot)
{
    return (peer + 1) << 16 | slot << 1;
}

/* --- plans --- */

static int set_ext(struct sfu_hdrext_map *map)
{
    sfu_hdrext_map_init(map);
    int rc = sfu_hdrext_map_set(map, REPLAY_EXT_LEVEL, SFU_HDREXT_AUDIO_LEVEL);
    rc = rc < 0 ? rc : sfu_hdrext_map_set(map, REPLAY_EXT_TWCC, SFU_HDREXT_TWCC);
    return rc < 0 ? rc : sfu_hdrext_map_set(map, REPLAY_EXT_MID, SFU_HDREXT_MID);
}

static struct sfu_plan_codec codec_of(bool video)
{
    return video ? (struct sfu_plan_codec){.codec = SFU_CODEC_VP8,
                                           .pt = REPLAY_PT_VP8,
                                           .rtx_pt = REPLAY_PT_RTX,
                                           .nack = true,
                                           .pli = true,
                                           .twcc = true}
                 : (struct sfu_plan_codec){
                       .codec = SFU_CODEC_OPUS, .pt = REPLAY_PT_OPUS, .twcc = true};
}

static int set_track(struct sfu_plan_track *t, const struct replay_client *c, bool video)
{
    unsigned index = (unsigned)(c->id - PEER);
    *t = (struct sfu_plan_track){.id = (video ? VIDEO_TRACK : AUDIO_TRACK) + index,
                                 .source = video ? SFU_CAMERA : SFU_MICROPHONE,
                                 .mid = {video ? 'v' : 'a'},
                                 .ssrc = video ? c->video.ssrc : c->audio.ssrc,
                                 .rtx_ssrc = video ? c->video.ssrc + 1 : 0,
                                 .codec_count = 1,
                                 .codecs = {codec_of(video)}};
    return set_ext(&t->ext);
}

static int set_slot(struct sfu_plan_slot *slot, unsigned peer, unsigned at, bool video)
{
    *slot = (struct sfu_plan_slot){.kind = video ? SFU_VIDEO : SFU_AUDIO,
                                   .live = true,
                                   .ssrc = slot_ssrc(peer, at),
                                   .rtx_ssrc = video ? slot_ssrc(peer, at) + 1 : 0,
                                   .codec_count = 1,
                                   .codecs = {codec_of(video)}};
    (void)snprintf(slot->mid, sizeof slot->mid, "%u", at);
    return set_ext(&slot->ext);
}

static unsigned kinds(const struct replay_scenario *s)
{
    return s->audio ? 2 : 1;
}

static unsigned sources_of(const struct replay_scenario *s, unsigned peer)
{
    return peer < s->publishers ? s->publishers - 1 : s->publishers;
}

static int make_plan(struct replay_world *w, unsigned i, struct sfu_plan **ret_plan)
{
    const struct replay_scenario *s = w->scenario;
    const struct replay_client *c = &w->clients[i];
    unsigned tracks = i < s->publishers ? kinds(s) : 0, slots = sources_of(s, i) * kinds(s);
    struct sfu_plan *plan = sfu_plan_create((uint16_t)tracks, (uint16_t)slots);
    struct sfu_dtls_fingerprint fp;
    int rc = plan ? sfu_dtls_fingerprint_parse("sha-256", sfu_dtls_ctx_fingerprint(w->theirs), &fp)
                  : -ENOMEM;
    for (unsigned t = 0; rc == 0 && t < tracks; t++) {
        rc = set_track(&plan->tracks[t], c, t == 0);
    }
    for (unsigned t = 0; rc == 0 && t < slots; t++) {
        rc = set_slot(&plan->slots[t], i, t, t % kinds(s) == 0);
    }
    if (rc < 0) {
        sfu_plan_destroy(plan);
        return rc;
    }
    plan->peer = c->id;
    plan->room = 1;
    memcpy(plan->cname, "replay", 7);
    memcpy(plan->local_ufrag, c->creds.ufrag, sizeof c->creds.ufrag);
    memcpy(plan->local_pwd, c->creds.pwd, sizeof c->creds.pwd);
    memcpy(plan->remote_ufrag, REPLAY_UFRAG, sizeof REPLAY_UFRAG);
    memcpy(plan->fingerprint, fp.digest, sizeof plan->fingerprint);
    *ret_plan = plan;
    return 0;
}

/* --- joining --- */

static int turn(struct replay_world *w, int64_t us)
{
    sfu_clock_virtual_advance(&w->clock, us);
    return sfu_loop_run_once(w->worker.loop, 0);
}

static int order(struct replay_world *w, struct worker_command cmd)
{
    int rc = sfu_mailbox_post(w->worker.commands, &cmd, sizeof cmd);
    return rc < 0 ? rc : turn(w, 100);
}

static int join(struct replay_world *w, unsigned i)
{
    struct replay_client *c = &w->clients[i];
    struct sfu_plan *plan;
    int rc =
        replay_client_open(c, PEER + i, sfu_udp_port(w->worker.udp), w->theirs, &w->fingerprint);
    c->video.ssrc = 0x40000000 + i * 4;
    c->audio.ssrc = 0x40000002 + i * 4;
    rc = rc < 0 ? rc : make_plan(w, i, &plan);
    rc = rc < 0 ? rc : order(w, (struct worker_command){.kind = WORKER_APPLY, .plan = plan});
    if (rc < 0) {
        return rc;
    }
    replay_client_check(c);
    for (unsigned step = 0; step < JOIN_STEPS; step++) {
        rc = turn(w, 1000);
        rc = rc < 0 ? rc : replay_client_step(c, w->clock.now_us);
        if (rc != 0) {
            return rc < 0 ? rc : turn(w, 1000);
        }
    }
    return -ETIMEDOUT;
}

static int feed_slots(struct replay_world *w, unsigned i)
{
    const struct replay_scenario *s = w->scenario;
    unsigned slot = 0;
    int rc = 0;
    for (unsigned p = 0; p < s->publishers; p++) {
        for (unsigned k = 0; p != i && k < kinds(s) && rc == 0; k++, slot++) {
            struct worker_command cmd = {.kind = WORKER_MAP,
                                         .peer = PEER + i,
                                         .slot = (uint16_t)slot,
                                         .track = (k == 0 ? VIDEO_TRACK : AUDIO_TRACK) + p,
                                         .flag = true};
            rc = order(w, cmd);
            cmd.kind = WORKER_SHOW;
            cmd.width = 640;
            cmd.height = 360;
            rc = rc == 0 && k == 0 ? order(w, cmd) : rc;
        }
    }
    return rc;
}

static int open_worker(struct replay_world *w)
{
    const struct sfu_workers_conf conf = {.clock = &w->clock.clock,
                                          .count = 1,
                                          .bind = {.port = 0},
                                          .max_peers = w->count + 1,
                                          .handshakes_per_s = 1000000,
                                          .times = SFU_PEER_TIMES_DEFAULT,
                                          .dtls = w->ours,
                                          .sink = {.post = post_event}};
    int rc = sfu_dtls_ctx_create(&w->ours);
    rc = rc < 0 ? rc : sfu_dtls_ctx_create(&w->theirs);
    if (rc < 0) {
        return rc;
    }
    const char *profile = w->scenario->profile == SFU_SRTP_AES128_CM_SHA1_80
                              ? "SRTP_AES128_CM_SHA1_80"
                              : "SRTP_AEAD_AES_128_GCM";
    if (SSL_CTX_set_tlsext_use_srtp(w->theirs->ssl, profile) != 0) {
        return -EIO;
    }
    rc = sfu_dtls_fingerprint_parse("sha-256", sfu_dtls_ctx_fingerprint(w->ours), &w->fingerprint);
    struct sfu_workers_conf with_dtls = conf;
    with_dtls.dtls = w->ours;
    return rc < 0 ? rc : worker_init(&w->worker, NULL, &with_dtls, 0);
}

int replay_world_open(struct replay_world *w, const struct replay_scenario *s)
{
    *w = (struct replay_world){.scenario = s, .count = s->publishers + s->subscribers};
    sfu_clock_virtual_init(&w->clock, 1000000000, 1790000000000000);
    w->clients = calloc(w->count, sizeof *w->clients);
    int rc = w->clients ? open_worker(w) : -ENOMEM;
    for (unsigned i = 0; rc == 0 && i < w->count; i++) {
        rc = join(w, i);
    }
    for (unsigned i = 0; rc == 0 && i < w->count; i++) {
        rc = feed_slots(w, i);
    }
    return rc;
}

void replay_world_close(struct replay_world *w)
{
    worker_fini(&w->worker);
    for (unsigned i = 0; i < w->count; i++) {
        replay_client_close(&w->clients[i]);
    }
    free(w->clients);
    sfu_dtls_ctx_destroy(w->ours);
    sfu_dtls_ctx_destroy(w->theirs);
}

/* --- media --- */

/* Each client reports once a second, one after the other. */
static void reports(struct replay_world *w)
{
    const struct replay_scenario *s = w->scenario;
    unsigned per_s = REPORT_US / s->turn_us, at = w->turn % per_s;
    for (unsigned i = 0; i < w->count; i++) {
        if (i * per_s / w->count != at) {
            continue;
        }
        if (i < s->publishers) {
            replay_send_sr(&w->clients[i], sfu_clock_wall_us(&w->clock.clock));
        }
        if (sources_of(s, i) > 0) {
            replay_send_rr(&w->clients[i], slot_ssrc(i, 0));
        }
    }
}

unsigned replay_world_feed(struct replay_world *w)
{
    const struct replay_scenario *s = w->scenario;
    unsigned p = w->turn % s->publishers;
    struct replay_client *c = &w->clients[p];
    sfu_clock_virtual_advance(&w->clock, s->turn_us);
    for (unsigned i = 0; i < s->burst; i++) {
        replay_send_video(c, s);
    }
    if (s->audio) {
        replay_send_audio(c);
    }
    reports(w);
    w->turn++;
    return (s->burst + (s->audio ? 1 : 0)) * (w->count - 1);
}

uint64_t replay_world_sends(const struct replay_world *w)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < w->count; i++) {
        n += w->clients[i].sends;
    }
    return n;
}
