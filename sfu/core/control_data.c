#include "sfu/core/control_data.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/ring.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/base/utf8.h"
#include "sfu/core/control_peer.h"
#include "sfu/core/data_line.h"
#include "sfu/core/plugin_host.h"
#include "sfu/core/session.h"

enum {
    EVENTS_PER_TURN = 256,
    REFUSED_US = 1000000, /* between two data.refused of one kind */
    NS_PER_S = 1000000000,
    FANOUT_BURST = 8, /* the share of a second's worth that may go at once */
};

/* One event in the ring.  label and data of the event are NULL there. */
struct record {
    struct sfu_data_event event;
    bool labelled;
    uint8_t bytes[]; /* the label, then the data */
};

/* --- levels --- */

static const struct sfu_answer_mline *data_mline(const struct sfu_control_peer *peer)
{
    const struct sfu_answer *a = peer->answer;
    for (size_t i = 0; a && i < a->mline_count; i++) {
        if (!a->mlines[i].rejected && a->mlines[i].kind == SFU_SDP_APPLICATION) {
            return &a->mlines[i];
        }
    }
    return NULL;
}

int sfu_control_data_open(struct sfu_control_peer *peer)
{
    const struct sfu_data_ops *ops = &peer->c->data;
    const struct sfu_answer_mline *m = data_mline(peer);
    if (peer->data_open || !ops->open || !m || peer->state != SFU_PEER_UP) {
        return 0;
    }
    int rc = ops->open(ops->arg, peer->handle, peer->worker, m->sctp_port, m->max_message_size);
    peer->data_open = rc == 0;
    return rc;
}

int sfu_control_data_close(struct sfu_control_peer *peer)
{
    const struct sfu_data_ops *ops = &peer->c->data;
    if (!peer->data_open) {
        return 0;
    }
    int rc = ops->close(ops->arg, peer->handle);
    peer->data_open = rc < 0;
    return rc;
}

/* --- what clients are told --- */

static void tell_refused(struct sfu_control_peer *peer, enum sfu_data_refusal why)
{
    static const struct {
        enum sfu_err error;
        const char *field;
    } rows[SFU_DATA_REFUSALS_COUNT] = {
#define ROW(id, error, field) {SFU_ERR_##error, field},
        SFU_DATA_REFUSALS(ROW)
#undef ROW
    };
    char text[160];
    struct sfu_str body;
    sfu_str_init_fixed(&body, text, sizeof text);
    sfu_str_printf(&body, "{\"code\":\"%s\",\"field\":\"%s\",\"count\":%u}",
                   sfu_err_info(rows[why].error)->code, rows[why].field, peer->refused[why].count);
    sfu_session_notify(peer->session, "data.refused", text, body.len);
    peer->refused[why].count = 0;
    peer->refused[why].told_us = peer->c->now_us;
}

/* True: something is left to be told later. */
static bool tell_all_refused(struct sfu_control_peer *peer)
{
    bool left = false;
    for (unsigned why = 0; why < SFU_DATA_REFUSALS_COUNT; why++) {
        int64_t told_us = peer->refused[why].told_us;
        if (peer->refused[why].count == 0) {
            continue;
        }
        if (told_us == 0 || peer->c->now_us - told_us >= REFUSED_US) {
            tell_refused(peer, why);
        } else {
            left = true;
        }
    }
    return left;
}

void sfu_control_data_refuse(struct sfu_session *s, enum sfu_data_refusal why, uint32_t count)
{
    struct sfu_control_peer *peer = s->peer;
    if (!peer || (unsigned)why >= SFU_DATA_REFUSALS_COUNT) {
        return;
    }
    peer->refused[why].count += count;
    if (tell_all_refused(peer) && !sfu_list_linked(&peer->refused_link)) {
        sfu_list_push_back(&s->c->refused_peers, &peer->refused_link);
    }
}

static void tell_lost(struct sfu_session *s, uint32_t count)
{
    char text[32];
    struct sfu_str body;
    sfu_str_init_fixed(&body, text, sizeof text);
    sfu_str_printf(&body, "{\"count\":%u}", count);
    sfu_session_notify(s, "data.lost", text, body.len);
}

/* --- what comes --- */

static void refuse(struct sfu_session *s, enum sfu_data_refusal why)
{
    sfu_stat_inc(SFU_M_DROP_DATA_REFUSED);
    sfu_control_data_refuse(s, why, 1);
}

/* UTF-8; U+0000 is a character like others here. */
static bool is_text(const char *text, size_t len)
{
    uint32_t cp;
    for (size_t at = 0, n; at < len; at += n) {
        n = sfu_utf8_next(text + at, len - at, &cp);
        if (n == 0) {
            return false;
        }
    }
    return true;
}

static void pass_on(struct sfu_session *s, struct sfu_data_message *m)
{
    m->session = s->handle;
    m->room = s->room->handle;
    m->participant = s->participant ? s->participant->handle : 0;
    if (m->len > s->c->conf.data_message_max - SFU_DATA_LINE_MAX) {
        refuse(s, SFU_DATA_REFUSED_SIZE); /* the receivers' line is longer */
    } else if (!m->binary && !is_text((const char *)m->data, m->len)) {
        refuse(s, SFU_DATA_REFUSED_PAYLOAD);
    } else {
        sfu_plugin_host_data(s->c, m);
    }
}

static void on_labelled(struct sfu_session *s, const struct record *r)
{
    char topic[SFU_DATA_TOPIC_MAX + 1] = "";
    memcpy(topic, r->bytes, r->event.label_len);
    struct sfu_data_message m = {.topic = topic,
                                 .binary = r->event.binary,
                                 .lossy = r->event.lossy,
                                 .data = r->bytes + r->event.label_len,
                                 .len = r->event.len};
    pass_on(s, &m);
}

static void on_ours(struct sfu_session *s, const struct record *r)
{
    struct sfu_data_line line;
    enum sfu_data_refusal why;
    if (sfu_data_line_parse(r->bytes, r->event.len, &line, &why) < 0) {
        refuse(s, why);
        return;
    }
    struct sfu_data_message m = {.topic = line.topic,
                                 .to = line.to,
                                 .to_count = line.to_count,
                                 .binary = r->event.binary,
                                 .lossy = r->event.lossy,
                                 .data = r->bytes + line.len,
                                 .len = r->event.len - line.len};
    pass_on(s, &m);
    sfu_data_line_release(&line);
}

static void on_event(struct sfu_control *c, const struct record *r)
{
    static const enum sfu_data_refusal refusals[SFU_DATA_EVENT_KINDS] = {
        [SFU_DATA_SLOWED] = SFU_DATA_REFUSED_BYTES,
        [SFU_DATA_DROPPED] = SFU_DATA_REFUSED_MESSAGES,
        [SFU_DATA_FULL] = SFU_DATA_REFUSED_QUEUE,
    };
    struct sfu_control_peer *peer = sfu_slab_get(c->peers, r->event.peer);
    struct sfu_session *s = peer ? peer->session : NULL;
    if (!s || !s->room) {
        return;
    }
    if (r->event.kind == SFU_DATA_LOST) {
        tell_lost(s, r->event.count);
    } else if (r->event.kind != SFU_DATA_MESSAGE) {
        sfu_control_data_refuse(s, refusals[r->event.kind], r->event.count);
    } else if (r->labelled) {
        on_labelled(s, r);
    } else {
        on_ours(s, r);
    }
}

static void on_rung(void *arg)
{
    struct sfu_control *c = arg;
    const struct record *r;
    size_t size;
    unsigned n = 0;
    atomic_store(&c->data_rung, false);
    while (n < EVENTS_PER_TURN && (r = sfu_ring_peek(c->data_ring, &size))) {
        on_event(c, r);
        sfu_ring_consume(c->data_ring);
        n++;
    }
    if (n == EVENTS_PER_TURN && !atomic_exchange(&c->data_rung, true) &&
        sfu_control_post(c, on_rung, c) < 0) {
        atomic_store(&c->data_rung, false); /* the sweep, or the next message, does it */
    }
}

/* On the sctp thread. */
static int post(void *arg, const struct sfu_data_event *event)
{
    struct sfu_control *c = arg;
    size_t size = sizeof(struct record) + event->label_len + event->len;
    struct record *r = sfu_ring_reserve(c->data_ring, size);
    if (!r) {
        return -ENOBUFS;
    }
    r->event = *event;
    r->event.label = NULL;
    r->event.data = NULL;
    r->labelled = event->label != NULL;
    if (event->label) {
        memcpy(r->bytes, event->label, event->label_len);
    }
    if (event->data) {
        memcpy(r->bytes + event->label_len, event->data, event->len);
    }
    sfu_ring_commit(c->data_ring, size);
    if (!atomic_exchange(&c->data_rung, true) && sfu_control_post(c, on_rung, c) < 0) {
        atomic_store(&c->data_rung, false);
    }
    return 0;
}

void sfu_control_data_sweep(struct sfu_control *c)
{
    SFU_LIST_FOREACH_SAFE(node, &c->refused_peers)
    {
        struct sfu_control_peer *peer = SFU_LIST_ENTRY(node, struct sfu_control_peer, refused_link);
        if (!tell_all_refused(peer)) {
            sfu_list_remove(&peer->refused_link);
        }
    }
    if (c->data_ring && !atomic_load(&c->data_rung)) {
        on_rung(c);
    }
}

/* --- what goes --- */

/* Little may go at once: every reader has it in front of what others say.  The last message may go over
 * that: one of the largest to the largest room is dear, and must be possible. */
static bool fanout_over(const struct sfu_control_peer *from)
{
    return sfu_bucket_debt_ns(&from->fanout, from->c->now_us) > NS_PER_S / FANOUT_BURST;
}

static void fanout_charge(struct sfu_control_peer *from, uint32_t len, uint32_t receivers)
{
    sfu_bucket_charge(&from->fanout, from->c->conf.data_fanout_bytes_per_s,
                      (int64_t)len * receivers, from->c->now_us);
}

static uint32_t add_peers(struct sfu_control *c, const struct sfu_data_out *out, uint64_t *peers)
{
    uint32_t n = 0;
    for (size_t i = 0; i < out->count; i++) {
        const struct sfu_session *s = sfu_session_get(c, out->sessions[i]);
        if (s && s->peer && s->peer->data_open) {
            peers[n++] = s->peer->handle;
        }
    }
    return n;
}

int sfu_control_data_send(struct sfu_control *c, const struct sfu_data_out *out)
{
    const struct sfu_data_message *m = out->message;
    char line[SFU_DATA_LINE_MAX];
    size_t line_len = sfu_data_line_write(m->topic, out->from, out->direct, line, sizeof line);
    size_t topic_len = m->topic ? strlen(m->topic) : 0;
    if (line_len == 0 || out->count > UINT32_MAX || m->len > c->conf.data_message_max) {
        return -EMSGSIZE;
    }
    if (!c->data.send) {
        return 0;
    }
    const struct sfu_session *s = sfu_session_get(c, m->session);
    struct sfu_control_peer *from = s ? s->peer : NULL;
    if (from && fanout_over(from)) {
        return -EDQUOT;
    }
    struct sfu_data_send *send = sfu_data_send_create((uint32_t)out->count, (uint16_t)topic_len,
                                                      (uint32_t)(line_len + m->len));
    if (!send) {
        return -ENOMEM;
    }
    send->binary = m->binary;
    send->lossy = m->lossy;
    send->line_len = (uint16_t)line_len;
    memcpy(send->topic, m->topic ? m->topic : "", topic_len);
    memcpy(send->data, line, line_len);
    if (m->len > 0) {
        memcpy(send->data + line_len, m->data, m->len);
    }
    int rc = 0;
    uint32_t len = send->len, count = send->peer_count = add_peers(c, out, send->peers);
    if (count == 0 || (rc = c->data.send(c->data.arg, send)) < 0) {
        sfu_data_send_destroy(send);
    } else if (from) {
        fanout_charge(from, len, count);
    }
    return rc;
}

/* --- life --- */

int sfu_control_data_create(struct sfu_control *c)
{
    return c->conf.data_queue_bytes > 0 ? sfu_ring_create(c->conf.data_queue_bytes, &c->data_ring)
                                        : 0;
}

void sfu_control_data_destroy(struct sfu_control *c)
{
    sfu_ring_destroy(c->data_ring);
}

void sfu_control_connect_data(struct sfu_control *c, const struct sfu_data_ops *ops)
{
    c->data = *ops;
}

struct sfu_data_sink sfu_control_data_sink(struct sfu_control *c)
{
    return (struct sfu_data_sink){.post = post, .arg = c};
}
