/*
 * sfu/core/worker_command.c - control's commands, carried out on the worker's thread.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/worker_impl.h"
#include "sfu/log.h"

/* --- peers that could not be made --- */

static bool tell_refused(struct worker *w, uint64_t peer)
{
    struct sfu_plane_event event = {.kind = SFU_PLANE_PEER_STATE,
                                    .worker = (uint16_t)w->index,
                                    .peer = peer,
                                    .u.peer_state = {SFU_PEER_CLOSED, SFU_PEER_END_MEMORY}};
    return w->sink.post(w->sink.arg, &event) == 0;
}

static void refuse(struct worker *w, uint64_t peer, int err)
{
    SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_WORKER, "peer refused", "peer=%" PRIu64 " err=%s", peer,
                  strerror(-err));
    if (!tell_refused(w, peer)) {
        if (w->refused_count < WORKER_REFUSED) {
            w->refused[w->refused_count++] = peer;
        } else {
            sfu_stat_inc(SFU_M_FAULT_INVARIANT);
        }
    }
}

void worker_tell_refused(struct worker *w)
{
    while (w->refused_count > 0 && tell_refused(w, w->refused[w->refused_count - 1])) {
        w->refused_count--;
    }
}

static void peer_create(struct worker *w, struct sfu_plan *plan, const char *ufrag)
{
    uint64_t id = plan->peer;
    struct wpeer *peer = calloc(1, sizeof *peer);
    int rc = peer ? 0 : -ENOMEM;
    if (peer) {
        peer->id = id;
        rc = sfu_router_peer_create(w->router, plan, peer, &peer->media);
    }
    if (rc < 0) {
        refuse(w, id, rc);
        free(peer);
        sfu_plan_destroy(plan);
        return;
    }
    rc = sfu_link_create(&w->env, plan, peer, &peer->link);
    if (rc < 0) {
        SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_WORKER, "no transport", "peer=%" PRIu64 " err=%s", id,
                      strerror(-rc));
        sfu_router_peer_state(peer->media, SFU_PEER_CLOSED, SFU_PEER_END_MEMORY);
        return;
    }
    worker_early_take(w, ufrag);
}

/* The answer has promised what this plan asks for: half of it would be silence that nobody can
 * explain. */
static void give_up(struct wpeer *peer, uint64_t id, int err)
{
    SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_WORKER, "plan refused", "peer=%" PRIu64 " err=%s", id,
                  strerror(-err));
    sfu_router_peer_state(peer->media, SFU_PEER_CLOSED, SFU_PEER_END_MEMORY);
    if (peer->link) {
        sfu_link_close(peer->link);
    }
}

static void do_apply(struct worker *w, struct worker_command *cmd)
{
    struct sfu_rpeer *media = sfu_router_peer_find(w->router, cmd->plan->peer);
    char ufrag[sizeof cmd->plan->local_ufrag]; /* the plan goes to the router */
    memcpy(ufrag, cmd->plan->local_ufrag, sizeof ufrag);
    if (!media) {
        peer_create(w, cmd->plan, ufrag);
        return;
    }
    struct wpeer *peer = sfu_router_peer_link(media);
    int rc = peer->link ? sfu_link_apply(peer->link, cmd->plan) : -ENOTCONN;
    rc = rc < 0 ? rc : sfu_router_peer_apply(media, cmd->plan);
    if (rc < 0) {
        give_up(peer, cmd->plan->peer, rc);
        sfu_plan_destroy(cmd->plan);
        return;
    }
    worker_early_take(w, ufrag);
}

static void do_map(struct worker *w, struct worker_command *cmd)
{
    sfu_router_map(w->router, cmd->peer, cmd->slot, cmd->track, cmd->flag);
}

static void do_show(struct worker *w, struct worker_command *cmd)
{
    sfu_router_show(w->router, cmd->peer, cmd->slot, cmd->width, cmd->height);
}

static void do_mute(struct worker *w, struct worker_command *cmd)
{
    sfu_router_mute(w->router, cmd->peer, cmd->track, cmd->flag);
}

static void do_relay(struct worker *w, struct worker_command *cmd)
{
    sfu_router_relay(w->router, cmd->peer, cmd->track, cmd->workers);
}

static void do_close(struct worker *w, struct worker_command *cmd)
{
    struct sfu_rpeer *media = sfu_router_peer_find(w->router, cmd->peer);
    struct wpeer *peer = media ? sfu_router_peer_link(media) : NULL;
    if (peer && peer->link) {
        sfu_link_close(peer->link);
    }
}

static void do_key_frame(struct worker *w, struct worker_command *cmd)
{
    sfu_router_key_frame(w->router, cmd->peer, cmd->track);
}

typedef void (*command_fn)(struct worker *w, struct worker_command *cmd);

static const command_fn commands[WORKER_COMMAND_KINDS] = {
    [WORKER_APPLY] = do_apply,         [WORKER_MAP] = do_map,     [WORKER_SHOW] = do_show,
    [WORKER_MUTE] = do_mute,           [WORKER_CLOSE] = do_close, [WORKER_RELAY] = do_relay,
    [WORKER_KEY_FRAME] = do_key_frame,
};

void worker_on_commands(struct sfu_loop *loop, void *arg)
{
    struct worker *w = arg;
    struct worker_command batch[WORKER_COMMAND_BATCH];
    worker_time(w);
    size_t n = sfu_mailbox_recv(w->commands, batch, WORKER_COMMAND_BATCH);
    for (size_t i = 0; i < n; i++) {
        commands[batch[i].kind](w, &batch[i]);
    }
    /* behind the commands: a mapping that waits for its track is there already */
    bool more = sfu_router_relay_in(w->router);
    more = worker_data_send(w) || more;
    if (n == WORKER_COMMAND_BATCH || more) {
        sfu_loop_again(loop);
    }
}
