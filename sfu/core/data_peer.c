/*
 * sfu/core/data_peer.c - one peer's association on the sctp thread: its limits, its channels.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/core/data_impl.h"
#include "sfu/log.h"

static struct data_peer *peer_of(const struct sfu_data *d, uint64_t id)
{
    return sfu_map_get(d->peers, id);
}

/* Something waits for the next tick. */
static void busy(struct sfu_data *d, struct data_peer *p)
{
    if (!sfu_list_linked(&p->busy_link)) {
        sfu_list_push_back(&d->busy, &p->busy_link);
    }
}

static void count(struct sfu_data *d, struct data_peer *p, enum sfu_data_event_kind kind,
                  uint32_t n)
{
    if (n > 0) {
        p->count[kind] += n;
        busy(d, p);
    }
}

/* --- life --- */

static int make_channels(struct data_peer *p)
{
    const struct sfu_sctp_how reliable = {0}, once = {.limit_retransmits = true};
    sfu_channels_init(&p->channels);
    int rc = sfu_channels_negotiate(&p->channels, SFU_DATA_RELIABLE, false, &reliable);
    return rc < 0 ? rc : sfu_channels_negotiate(&p->channels, SFU_DATA_LOSSY, true, &once);
}

void data_peer_free(struct data_peer *p)
{
    sfu_stat_gauge_add(SFU_M_OPEN_ASSOCIATIONS, -1);
    sfu_list_remove(&p->busy_link);
    sfu_channels_fini(&p->channels);
    free(p);
}

static int peer_create(struct sfu_data *d, const struct data_command *cmd)
{
    struct data_peer *p = calloc(1, sizeof(*p));
    if (!p) {
        return -ENOMEM;
    }
    sfu_list_init(&p->busy_link);
    p->id = cmd->peer;
    p->worker = cmd->worker;
    p->message_max = cmd->message_max > 0 && cmd->message_max < d->conf.message_max
                         ? cmd->message_max
                         : d->conf.message_max;
    sfu_stat_gauge_add(SFU_M_OPEN_ASSOCIATIONS, 1);
    int rc = make_channels(p);
    rc = rc < 0 ? rc : sfu_map_put(d->peers, p->id, p);
    if (rc < 0) {
        data_peer_free(p);
        return rc;
    }
    /* INIT leaves inside this call: the peer must be found */
    rc = sfu_sctp_open(d->sctp, p->id, cmd->port);
    if (rc < 0) {
        sfu_map_del(d->peers, p->id);
        data_peer_free(p);
    }
    return rc;
}

void data_peer_open(struct sfu_data *d, const struct data_command *cmd)
{
    int rc = peer_of(d, cmd->peer) ? 0 : peer_create(d, cmd);
    if (rc < 0) {
        SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_SCTP, "no association", "peer=%" PRIu64 " err=%s",
                      cmd->peer, strerror(-rc));
    }
}

void data_peer_close(struct sfu_data *d, uint64_t id)
{
    struct data_peer *p = peer_of(d, id);
    if (p) {
        sfu_sctp_close(d->sctp, id); /* its ABORT looks the peer up */
        sfu_map_del(d->peers, id);
        data_peer_free(p);
    }
}

/* --- what the peer sends --- */

void data_peer_packet(struct sfu_data *d, const struct data_record *record, size_t len)
{
    struct data_peer *p = peer_of(d, record->peer);
    if (!p) {
        return; /* not open yet, or gone: the peer repeats it, or does not care */
    }
    count(d, p, SFU_DATA_SLOWED, record->dropped);
    int rc = sfu_sctp_input(d->sctp, record->peer, record->packet, len);
    if (rc == -EAGAIN) {
        sfu_stat_inc(SFU_M_DROP_SCTP_DEAR);
    } else if (rc < 0 && rc != -ENOENT) { /* one that has ended drops what was under way */
        sfu_stat_inc(SFU_M_DROP_SCTP_MALFORMED);
    }
}

static void acknowledge(struct sfu_data *d, struct data_peer *p, uint16_t stream)
{
    uint8_t ack[SFU_DCEP_ACK_LEN];
    sfu_dcep_ack_write(ack);
    const struct sfu_sctp_message message = {
        .stream = stream, .ppid = SFU_PPID_DCEP, .data = ack, .len = sizeof(ack)};
    /* a channel that is never acknowledged looks open to us and not to the peer */
    if (sfu_sctp_send(d->sctp, p->id, &message, &(struct sfu_sctp_how){0}) < 0) {
        sfu_channels_close(&p->channels, stream);
    }
}

static void deliver(struct sfu_data *d, struct data_peer *p, uint16_t stream, bool binary,
                    const uint8_t *data, size_t len)
{
    struct sfu_data_event event = {.kind = SFU_DATA_MESSAGE,
                                   .binary = binary,
                                   .lossy = sfu_channels_lossy(&p->channels, stream),
                                   .peer = p->id,
                                   .data = data,
                                   .len = len};
    event.label = sfu_channels_label(&p->channels, stream, &event.label_len);
    if (!event.label) {
        p->reads = true;
        if (len == 0) {
            return;
        }
    }
    sfu_stat_inc(SFU_M_DATA_MESSAGES_IN);
    if (sfu_bucket_take(&p->messages, d->conf.messages_per_s, d->conf.messages_burst, 1,
                        d->now_us) > 0) {
        count(d, p, SFU_DATA_DROPPED, 1);
        sfu_stat_inc(SFU_M_DROP_DATA_MESSAGES);
        return;
    }
    if (d->conf.sink.post(d->conf.sink.arg, &event) < 0) {
        count(d, p, SFU_DATA_FULL, 1);
        sfu_stat_inc(SFU_M_DROP_DATA_BUSY);
    }
}

static void on_message(void *arg, uint64_t id, const struct sfu_sctp_message *message)
{
    struct sfu_data *d = arg;
    struct data_peer *p = peer_of(d, id);
    enum sfu_channels_seen seen;
    size_t len = 0;
    if (!p) {
        return;
    }
    if (sfu_channels_on_message(&p->channels, message, &seen, &len) < 0) {
        sfu_stat_inc(SFU_M_DROP_SCTP_MALFORMED);
    } else if (seen == SFU_CHANNELS_OPENED) {
        acknowledge(d, p, message->stream);
    } else if (seen != SFU_CHANNELS_ACKED) {
        deliver(d, p, message->stream, seen == SFU_CHANNELS_BINARY, message->data, len);
    }
    if (p->channels.resets > 0) {
        busy(d, p);
    }
}

static void on_stream_reset(void *arg, uint64_t id, uint16_t stream)
{
    struct data_peer *p = peer_of(arg, id);
    if (p) {
        busy(arg, p);
        sfu_channels_on_reset(&p->channels, stream);
    }
}

static void on_output(void *arg, uint64_t id, const uint8_t *packet, size_t len)
{
    struct sfu_data *d = arg;
    const struct data_peer *p = peer_of(d, id);
    if (p) {
        data_output(d, p, packet, len);
    }
}

static void on_state(void *arg, uint64_t id, enum sfu_sctp_state state)
{
    struct data_peer *p = peer_of(arg, id);
    if (p && state == SFU_SCTP_ENDED) {
        busy(arg, p);
        p->ended = true; /* who called the stack still uses it; media goes on without */
    }
}

const struct sfu_sctp_hooks data_hooks = {
    .output = on_output,
    .state = on_state,
    .message = on_message,
    .stream_reset = on_stream_reset,
};

/* --- what is sent to the peer --- */

void data_peer_send(struct sfu_data *d, uint64_t id, const struct sfu_data_send *send)
{
    struct data_peer *p = peer_of(d, id);
    struct sfu_sctp_message message;
    struct sfu_sctp_how how;
    uint16_t stream = send->lossy ? SFU_DATA_LOSSY : SFU_DATA_RELIABLE;
    size_t skip = 0;
    if (!p) {
        return;
    }
    if (sfu_channels_find(&p->channels, send->topic, send->topic_len, &stream)) {
        skip = send->line_len;
    } else if (!p->reads) {
        return;
    }
    if (sfu_channels_message(&p->channels, stream, send->binary, send->data + skip,
                             send->len - skip, &message, &how) < 0) {
        return;
    }
    if (how.limit_retransmits || how.limit_lifetime) {
        how.queue_max = DATA_LOSSY_BYTES; /* the rest is for what must arrive */
    }
    int rc = message.len > p->message_max ? -EMSGSIZE : sfu_sctp_send(d->sctp, id, &message, &how);
    if (rc == 0) {
        sfu_stat_inc(SFU_M_DATA_MESSAGES_OUT);
    } else if (rc != -ENOENT) {
        count(d, p, SFU_DATA_LOST, 1); /* the slow reader loses its own */
        sfu_stat_inc(SFU_M_DROP_DATA_QUEUE);
    }
}

/* --- time --- */

/* True: it is left to be told later. */
static bool tell(struct sfu_data *d, struct data_peer *p, enum sfu_data_event_kind kind)
{
    const struct sfu_data_event event = {.kind = kind, .peer = p->id, .count = p->count[kind]};
    if (p->count[kind] > 0 && d->now_us - p->told_us[kind] >= DATA_TELL_US &&
        d->conf.sink.post(d->conf.sink.arg, &event) == 0) {
        p->count[kind] = 0;
        p->told_us[kind] = d->now_us;
    }
    return p->count[kind] > 0;
}

void data_peer_tick(struct sfu_data *d, struct data_peer *p)
{
    uint16_t stream;
    if (p->ended) {
        data_peer_close(d, p->id);
        return;
    }
    /* one that the stack will never do must not stay in front of the others */
    if (sfu_channels_reset_due(&p->channels, &stream) &&
        sfu_sctp_reset(d->sctp, p->id, stream) != -EAGAIN) {
        sfu_channels_reset_sent(&p->channels, stream);
    }
    bool left = p->channels.resets > 0 || p->ended;
    for (unsigned kind = SFU_DATA_SLOWED; kind < SFU_DATA_EVENT_KINDS; kind++) {
        left = tell(d, p, kind) || left;
    }
    if (!left) {
        sfu_list_remove(&p->busy_link);
    }
}
