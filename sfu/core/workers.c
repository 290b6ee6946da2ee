/*
 * sfu/core/workers.c - the set of media workers, as control sees it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "sfu/base/stat.h"
#include "sfu/core/worker_impl.h"
#include "sfu/limits.h"

enum { SAMPLE_US = 1000000 }; /* over which the busy share is measured */

struct sfu_workers {
    const struct sfu_clock *clock;
    unsigned count;
    struct sfu_relay *relay; /* NULL: one worker */
    struct worker worker[];
};

static void wake(void *arg, unsigned worker)
{
    struct sfu_workers *ws = arg;
    sfu_mailbox_wake(ws->worker[worker].commands);
}

static int relay_create(struct sfu_workers *ws, unsigned count)
{
    const struct sfu_relay_conf conf = {
        .workers = count, .ring_bytes = SFU_MAX_WORKER_RING_BYTES, .wake = wake, .arg = ws};
    return sfu_relay_create(&conf, &ws->relay);
}

int sfu_workers_create(const struct sfu_workers_conf *conf, struct sfu_workers **ret_workers)
{
    if (conf->count == 0 || conf->count > SFU_WORKERS_MAX) {
        return -EINVAL;
    }
    struct sfu_workers *ws = calloc(1, sizeof *ws + sizeof(struct worker) * conf->count);
    if (!ws) {
        return -ENOMEM;
    }
    ws->clock = conf->clock;
    int rc = conf->count > 1 ? relay_create(ws, conf->count) : 0;
    if (rc < 0) {
        free(ws);
        return rc;
    }
    for (unsigned i = 0; i < conf->count; i++) {
        ws->count = i + 1;
        ws->worker[i].relay = ws->relay;
        rc = worker_init(&ws->worker[i], ws, conf, i);
        if (rc < 0) {
            sfu_workers_destroy(ws);
            return rc;
        }
    }
    if (conf->data) {
        sfu_data_on_packets(conf->data, wake, ws);
    }
    *ret_workers = ws;
    return 0;
}

static void *run(void *arg)
{
    worker_run(arg);
    return NULL;
}

int sfu_workers_start(struct sfu_workers *ws)
{
    for (unsigned i = 0; i < ws->count; i++) {
        int rc = pthread_create(&ws->worker[i].thread, NULL, run, &ws->worker[i]);
        if (rc != 0) {
            sfu_workers_stop(ws);
            return -rc;
        }
        ws->worker[i].running = true;
        char name[16]; /* what the kernel keeps */
        snprintf(name, sizeof name, "stoa-media-%u", i % 1000);
        pthread_setname_np(ws->worker[i].thread, name);
    }
    return 0;
}

void sfu_workers_stop(struct sfu_workers *ws)
{
    for (unsigned i = 0; i < ws->count; i++) {
        if (ws->worker[i].running) {
            sfu_loop_stop(ws->worker[i].loop);
        }
    }
    for (unsigned i = 0; i < ws->count; i++) {
        if (ws->worker[i].running) {
            pthread_join(ws->worker[i].thread, NULL);
            ws->worker[i].running = false;
        }
    }
}

void sfu_workers_destroy(struct sfu_workers *ws)
{
    if (!ws) {
        return;
    }
    for (unsigned i = 0; i < ws->count; i++) {
        worker_fini(&ws->worker[i]);
    }
    sfu_relay_destroy(ws->relay);
    free(ws);
}

uint16_t sfu_workers_port(const struct sfu_workers *ws, unsigned worker)
{
    return sfu_udp_port(ws->worker[worker].udp);
}

int64_t sfu_workers_beat_us(const struct sfu_workers *ws, unsigned *ret_worker)
{
    int64_t oldest = INT64_MAX;
    for (unsigned i = 0; i < ws->count; i++) {
        int64_t beat = sfu_loop_beat_us(ws->worker[i].loop);
        if (beat < oldest) {
            oldest = beat;
            *ret_worker = i;
        }
    }
    return oldest;
}

/* --- commands of the control thread --- */

static int post(void *arg, unsigned worker, const struct worker_command *cmd)
{
    struct sfu_workers *ws = arg;
    int rc = sfu_mailbox_post(ws->worker[worker].commands, cmd, sizeof *cmd);
    if (rc < 0) {
        sfu_stat_inc(SFU_M_RING_WORKER);
    }
    return rc;
}

static int op_apply(void *arg, unsigned worker, struct sfu_plan *plan)
{
    return post(arg, worker, &(struct worker_command){.kind = WORKER_APPLY, .plan = plan});
}

static int op_map(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint64_t track,
                  bool cut)
{
    return post(arg, worker,
                &(struct worker_command){
                    .kind = WORKER_MAP, .peer = peer, .slot = slot, .track = track, .flag = cut});
}

static int op_show(void *arg, unsigned worker, uint64_t peer, uint16_t slot, uint16_t width,
                   uint16_t height)
{
    return post(
        arg, worker,
        &(struct worker_command){
            .kind = WORKER_SHOW, .peer = peer, .slot = slot, .width = width, .height = height});
}

static int op_mute(void *arg, unsigned worker, uint64_t peer, uint64_t track, bool muted)
{
    return post(
        arg, worker,
        &(struct worker_command){.kind = WORKER_MUTE, .peer = peer, .track = track, .flag = muted});
}

static int op_close(void *arg, unsigned worker, uint64_t peer)
{
    return post(arg, worker, &(struct worker_command){.kind = WORKER_CLOSE, .peer = peer});
}

static int op_relay(void *arg, unsigned worker, uint64_t peer, uint64_t track, uint64_t workers)
{
    return post(arg, worker,
                &(struct worker_command){
                    .kind = WORKER_RELAY, .peer = peer, .track = track, .workers = workers});
}

static int op_key_frame(void *arg, unsigned worker, uint64_t peer, uint64_t track)
{
    return post(arg, worker,
                &(struct worker_command){.kind = WORKER_KEY_FRAME, .peer = peer, .track = track});
}

static void sample(struct worker *w, int64_t now_us)
{
    int64_t passed = now_us - w->sample_us;
    if (passed < SAMPLE_US) {
        return;
    }
    int64_t busy = sfu_loop_busy_us(w->loop);
    w->busy_permille = (busy - w->sample_busy_us) * 1000 / passed;
    w->sample_us = now_us;
    w->sample_busy_us = busy;
}

static unsigned op_busy(void *arg, unsigned worker)
{
    struct sfu_workers *ws = arg;
    struct worker *w = &ws->worker[worker];
    sample(w, sfu_clock_mono_us(ws->clock));
    return (unsigned)w->busy_permille;
}

struct sfu_plane_ops sfu_workers_plane_ops(struct sfu_workers *ws)
{
    return (struct sfu_plane_ops){.apply = op_apply,
                                  .map = op_map,
                                  .show = op_show,
                                  .mute = op_mute,
                                  .close = op_close,
                                  .relay = op_relay,
                                  .key_frame = op_key_frame,
                                  .busy = op_busy,
                                  .arg = ws};
}
