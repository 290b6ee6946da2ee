/*
 * sfu/core/data.c - the sctp thread: its life, its rings and its commands.
 */
#include "sfu/core/data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/data_impl.h"
#include "sfu/log.h"
#include "sfu/proto/sctp_packet.h"

enum {
    /* What a packet counts for at least: the stack's work is by the packet.  4096 acknowledgements a
     * second at the default rate, which is a reader of 9 MB/s. */
    PACKET_COST_MIN = 256,
};

/* --- packets --- */

/* What carries no data may go further: acknowledgements of what others send to this peer. */
static bool gate_pass(const struct sfu_data *d, struct sfu_data_gate *gate, const uint8_t *packet,
                      size_t len, int64_t now_us)
{
    int64_t burst = (int64_t)d->conf.bytes_burst << !sfu_sctp_packet_has_data(packet, len);
    int64_t cost = len > PACKET_COST_MIN ? (int64_t)len : PACKET_COST_MIN;
    return sfu_bucket_take(&gate->bytes, d->conf.bytes_per_s, burst, cost, now_us) == 0;
}

void sfu_data_put(struct sfu_data *d, unsigned worker, uint64_t peer, struct sfu_data_gate *gate,
                  const uint8_t *packet, size_t len, int64_t now_us)
{
    struct data_lane *lane = &d->lane[worker];
    size_t size = sizeof(struct data_record) + len;
    /* garbage finds no room in a ring that is shared */
    if (sfu_sctp_packet_check(packet, len) < 0) {
        sfu_stat_inc(SFU_M_DROP_SCTP_MALFORMED);
        return;
    }
    /* before the stack: a lost packet slows the sender down and breaks no reliable channel */
    if (!gate_pass(d, gate, packet, len, now_us)) {
        gate->dropped++;
        sfu_stat_inc(SFU_M_DROP_DATA_RATE);
        return;
    }
    struct data_record *record = sfu_ring_reserve(lane->in, size);
    if (!record) {
        sfu_stat_inc(SFU_M_DROP_SCTP_RING);
        return;
    }
    record->peer = peer;
    record->dropped = gate->dropped;
    gate->dropped = 0;
    memcpy(record->packet, packet, len);
    sfu_ring_stage(lane->in, size);
    lane->in_staged = true;
}

void sfu_data_publish(struct sfu_data *d, unsigned worker)
{
    struct data_lane *lane = &d->lane[worker];
    if (lane->in_staged) {
        lane->in_staged = false;
        sfu_ring_publish(lane->in);
        sfu_mailbox_wake(d->commands);
    }
}

const uint8_t *sfu_data_read(struct sfu_data *d, unsigned worker, uint64_t *ret_peer,
                             size_t *ret_len)
{
    size_t size;
    const struct data_record *record = sfu_ring_read(d->lane[worker].out, &size);
    if (!record) {
        return NULL;
    }
    *ret_peer = record->peer;
    *ret_len = size - sizeof(*record);
    return record->packet;
}

void sfu_data_release(struct sfu_data *d, unsigned worker)
{
    sfu_ring_release(d->lane[worker].out);
}

void data_output(struct sfu_data *d, const struct data_peer *p, const uint8_t *packet, size_t len)
{
    struct data_lane *lane = &d->lane[p->worker];
    size_t size = sizeof(struct data_record) + len;
    struct data_record *record = sfu_ring_reserve(lane->out, size);
    if (!record) {
        sfu_stat_inc(SFU_M_DROP_SCTP_RING);
        return;
    }
    record->peer = p->id;
    record->dropped = 0;
    memcpy(record->packet, packet, len);
    sfu_ring_stage(lane->out, size);
    lane->out_staged = true;
}

/* True: more waits. */
static bool take_packets(struct sfu_data *d, unsigned worker)
{
    struct sfu_ring *in = d->lane[worker].in;
    const struct data_record *record;
    size_t size;
    unsigned n = 0;
    while (n < DATA_PACKET_BATCH && (record = sfu_ring_read(in, &size))) {
        data_peer_packet(d, record, size - sizeof(*record));
        n++;
    }
    if (n > 0) {
        sfu_ring_release(in);
    }
    return n == DATA_PACKET_BATCH;
}

/* --- commands --- */

static int post(struct sfu_data *d, const struct data_command *cmd)
{
    return sfu_mailbox_post(d->commands, cmd, sizeof(*cmd));
}

int sfu_data_open(struct sfu_data *d, uint64_t peer, unsigned worker, uint16_t port,
                  uint32_t message_max)
{
    return post(d, &(struct data_command){.kind = DATA_OPEN,
                                          .peer = peer,
                                          .worker = (uint16_t)worker,
                                          .port = port,
                                          .message_max = message_max});
}

int sfu_data_close(struct sfu_data *d, uint64_t peer)
{
    return post(d, &(struct data_command){.kind = DATA_CLOSE, .peer = peer});
}

static size_t send_bytes(uint32_t peer_count, uint16_t topic_len, uint32_t len)
{
    return sizeof(struct sfu_data_send) + peer_count * sizeof(uint64_t) + topic_len + len;
}

struct sfu_data_send *sfu_data_send_create(uint32_t peer_count, uint16_t topic_len, uint32_t len)
{
    struct sfu_data_send *send = malloc(send_bytes(peer_count, topic_len, len));
    if (send) {
        *send =
            (struct sfu_data_send){.peer_count = peer_count, .topic_len = topic_len, .len = len};
        send->peers = (uint64_t *)(send + 1);
        send->topic = (char *)(send->peers + peer_count);
        send->data = (uint8_t *)send->topic + topic_len;
    }
    return send;
}

void sfu_data_send_destroy(struct sfu_data_send *send)
{
    free(send);
}

int sfu_data_send(struct sfu_data *d, struct sfu_data_send *send)
{
    size_t bytes = send_bytes(send->peer_count, send->topic_len, send->len);
    if (atomic_fetch_add(&d->queued_bytes, bytes) + bytes > d->conf.queue_bytes ||
        sfu_mailbox_free(d->commands) <= DATA_COMMANDS_LEVELS ||
        post(d, &(struct data_command){.kind = DATA_SEND, .send = send}) < 0) {
        atomic_fetch_sub(&d->queued_bytes, bytes);
        return -ENOBUFS;
    }
    return 0;
}

static int op_open(void *arg, uint64_t peer, unsigned worker, uint16_t port, uint32_t message_max)
{
    return sfu_data_open(arg, peer, worker, port, message_max);
}

static int op_close(void *arg, uint64_t peer)
{
    return sfu_data_close(arg, peer);
}

static int op_send(void *arg, struct sfu_data_send *send)
{
    return sfu_data_send(arg, send);
}

struct sfu_data_ops sfu_data_plane_ops(struct sfu_data *d)
{
    return (struct sfu_data_ops){.open = op_open, .close = op_close, .send = op_send, .arg = d};
}

static void do_open(struct sfu_data *d, struct data_command *cmd)
{
    data_peer_open(d, cmd);
    if (!sfu_timer_pending(&d->tick) && sfu_sctp_count(d->sctp) > 0) {
        sfu_timer_set(sfu_loop_timers(d->loop), &d->tick, d->now_us + SFU_SCTP_TICK_US);
    }
}

static void do_close(struct sfu_data *d, struct data_command *cmd)
{
    data_peer_close(d, cmd->peer);
}

static void do_send(struct sfu_data *d, struct data_command *cmd)
{
    d->sending = cmd->send;
    d->sent = 0;
}

typedef void (*command_fn)(struct sfu_data *d, struct data_command *cmd);

static const command_fn commands[DATA_COMMAND_KINDS] = {
    [DATA_OPEN] = do_open,
    [DATA_CLOSE] = do_close,
    [DATA_SEND] = do_send,
};

/* False: this turn has sent enough, the message has more receivers. */
static bool go_on_sending(struct sfu_data *d, unsigned *left)
{
    struct sfu_data_send *send = d->sending;
    if (!send) {
        return true;
    }
    for (; d->sent < send->peer_count; d->sent++, (*left)--) {
        if (*left == 0) {
            return false;
        }
        data_peer_send(d, send->peers[d->sent], send);
    }
    atomic_fetch_sub(&d->queued_bytes, send_bytes(send->peer_count, send->topic_len, send->len));
    sfu_data_send_destroy(send);
    d->sending = NULL;
    return true;
}

/* True: more waits.  Nothing overtakes the message that is under way: channels are in order. */
static bool take_commands(struct sfu_data *d)
{
    struct data_command cmd;
    unsigned left = DATA_SENDS;
    for (unsigned n = 0; n < DATA_COMMAND_BATCH && go_on_sending(d, &left); n++) {
        if (sfu_mailbox_recv(d->commands, &cmd, 1) == 0) {
            return false;
        }
        commands[cmd.kind](d, &cmd);
    }
    return true;
}

/* --- a turn --- */

/* Before anything else in a turn: who is made now must not be given the time that passed before. */
static void set_time(struct sfu_data *d)
{
    d->now_us = sfu_loop_now_us(d->loop);
    sfu_sctp_advance(d->sctp, d->now_us);
}

static void on_commands(struct sfu_loop *loop, void *arg)
{
    struct sfu_data *d = arg;
    set_time(d);
    bool more = take_commands(d);
    for (unsigned w = 0; w < d->conf.workers; w++) {
        more = take_packets(d, w) || more;
    }
    if (more) {
        sfu_loop_again(loop);
    }
}

static void on_tick(struct sfu_timer *timer, void *arg)
{
    struct sfu_data *d = arg;
    set_time(d);
    SFU_LIST_FOREACH_SAFE(node, &d->busy)
    {
        data_peer_tick(d, SFU_LIST_ENTRY(node, struct data_peer, busy_link));
    }
    if (sfu_sctp_count(d->sctp) > 0) {
        sfu_timer_set(sfu_loop_timers(d->loop), timer, d->now_us + SFU_SCTP_TICK_US);
    }
}

static void on_turn_end(struct sfu_loop *loop, void *arg)
{
    struct sfu_data *d = arg;
    (void)loop;
    for (unsigned w = 0; w < d->conf.workers; w++) {
        struct data_lane *lane = &d->lane[w];
        if (lane->out_staged) {
            lane->out_staged = false;
            sfu_ring_publish(lane->out);
            if (d->wake) {
                d->wake(d->wake_arg, w);
            }
        }
    }
}

/* --- life --- */

static bool conf_ok(const struct sfu_data_conf *conf)
{
    return conf->workers > 0 && conf->workers <= SFU_DATA_WORKERS_MAX && conf->bytes_per_s > 0 &&
           conf->bytes_burst >= 2 * SFU_SCTP_MTU && conf->messages_per_s > 0 &&
           conf->messages_burst > 0 && conf->queue_bytes > 0;
}

static int make_lanes(struct sfu_data *d)
{
    int rc = 0;
    for (unsigned w = 0; w < d->conf.workers && rc == 0; w++) {
        rc = sfu_ring_create(DATA_RING_BYTES, &d->lane[w].in);
        rc = rc < 0 ? rc : sfu_ring_create(DATA_RING_BYTES, &d->lane[w].out);
    }
    return rc;
}

int sfu_data_create(const struct sfu_data_conf *conf, struct sfu_data **ret_data)
{
    if (!conf_ok(conf)) {
        return -EINVAL;
    }
    struct sfu_data *d = sfu_cacheline_calloc(sizeof(*d));
    if (!d) {
        return -ENOMEM;
    }
    d->conf = *conf;
    sfu_list_init(&d->busy);
    const struct sfu_sctp_conf sctp = {.max_assocs = conf->max_peers,
                                       .message_max = conf->message_max,
                                       .send_bytes = conf->send_bytes};
    int rc = sfu_loop_create(conf->clock, &d->loop);
    rc = rc < 0 ? rc : sfu_mailbox_create(DATA_COMMANDS, sizeof(struct data_command), &d->commands);
    rc = rc < 0 ? rc : sfu_loop_add_mailbox(d->loop, d->commands, on_commands, d);
    rc = rc < 0 ? rc : sfu_map_create(conf->max_peers, &d->peers);
    rc = rc < 0 ? rc : make_lanes(d);
    rc = rc < 0 ? rc : sfu_sctp_create(&sctp, &data_hooks, d, &d->sctp);
    if (rc < 0) {
        sfu_data_destroy(d);
        return rc;
    }
    sfu_timer_init(&d->tick, on_tick, d);
    sfu_loop_on_turn_end(d->loop, on_turn_end, d);
    *ret_data = d;
    return 0;
}

static void free_peers(struct sfu_data *d)
{
    struct sfu_map_iter it;
    void *value;
    if (!d->peers) {
        return;
    }
    sfu_map_iter_init(d->peers, &it);
    while (sfu_map_next(d->peers, &it, NULL, &value)) {
        data_peer_free(value);
    }
    sfu_map_destroy(d->peers);
}

void sfu_data_destroy(struct sfu_data *d)
{
    if (!d) {
        return;
    }
    struct data_command cmd;
    while (d->commands && sfu_mailbox_recv(d->commands, &cmd, 1) == 1) {
        sfu_data_send_destroy(cmd.send);
    }
    sfu_data_send_destroy(d->sending);
    sfu_sctp_destroy(d->sctp); /* its last packets look peers up */
    free_peers(d);
    for (unsigned w = 0; w < d->conf.workers; w++) {
        sfu_ring_destroy(d->lane[w].in);
        sfu_ring_destroy(d->lane[w].out);
    }
    sfu_mailbox_destroy(d->commands);
    sfu_loop_destroy(d->loop);
    free(d);
}

void sfu_data_on_packets(struct sfu_data *d, void (*wake)(void *arg, unsigned worker), void *arg)
{
    d->wake = wake;
    d->wake_arg = arg;
}

static void *run(void *arg)
{
    struct sfu_data *d = arg;
    if (sfu_stat_thread_enter() < 0) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_SCTP, "no counters of its own");
    }
    int rc = sfu_loop_run(d->loop);
    if (rc < 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_SCTP, "loop failed", "err=%s", strerror(-rc));
        abort();
    }
    sfu_stat_thread_leave();
    return NULL;
}

int sfu_data_start(struct sfu_data *d)
{
    int rc = pthread_create(&d->thread, NULL, run, d);
    if (rc == 0) {
        d->running = true;
        pthread_setname_np(d->thread, "stoa-sctp");
    }
    return -rc;
}

void sfu_data_stop(struct sfu_data *d)
{
    if (d->running) {
        sfu_loop_stop(d->loop);
        pthread_join(d->thread, NULL);
        d->running = false;
    }
}

int64_t sfu_data_beat_us(const struct sfu_data *d)
{
    return sfu_loop_beat_us(d->loop);
}

int sfu_data_turn(struct sfu_data *d)
{
    return sfu_loop_run_once(d->loop, 0);
}
