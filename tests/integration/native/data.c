#include "tests/integration/native/data.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/native/delays.h"
#include "tests/integration/native/peer.h"
#include "tests/integration/native/sctp.h"

enum {
    RELIABLE = 60,
    LOSSY = 61,
    OWN = 0, /* the client of DTLS opens channels with even ids */
    PPID_DCEP = 50,
    PPID_TEXT = 51,
    PPID_BINARY = 53,
    PPID_TEXT_EMPTY = 56,
    PPID_BINARY_EMPTY = 57,
    DCEP_ACK = 2,
    DCEP_OPEN = 3,
    DCEP_HEAD = 12,
    DCEP_ONCE_UNORDERED = 0x81 /* RFC 8832, 5.1: limited repeats, any order */
};

/* What came from one sender, on the reliable or the lossy channel. */
struct from {
    uint64_t count, gaps, backward;
    uint64_t next;
    struct nat_delays delays;
};

struct nat_data {
    struct nat_data_conf conf;
    const struct nat_data_ops *ops;
    void *arg;
    struct nat_sctp *sctp;
    uint32_t max_message;
    bool up, down, own_open;
    int64_t ready_us; /* 0: somebody's channels are not open yet */
    uint64_t offered, sent, sent_bytes;
    uint64_t received, received_bytes, direct, broken, foreign;
    GHashTable *senders; /* id -> struct from */
    struct nat_delays delays;
};

static bool is_text(uint32_t ppid)
{
    return ppid == PPID_TEXT || ppid == PPID_TEXT_EMPTY;
}

static bool is_empty(uint32_t ppid)
{
    return ppid == PPID_TEXT_EMPTY || ppid == PPID_BINARY_EMPTY;
}

static uint8_t filler(uint64_t seq, size_t at, bool text)
{
    uint64_t v = seq * 7 + at;
    return text ? (uint8_t)('a' + v % 26) : (uint8_t)v;
}

/* "native INDEX SEQ MICROSECONDS;" and a filling that tells whether bytes were changed */
static void write_payload(const struct nat_data *d, uint64_t seq, int64_t now_us, GByteArray *out)
{
    char head[64];
    int n = g_snprintf(head, sizeof head, "native %u %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ";",
                       d->conf.index, seq, now_us);
    g_byte_array_append(out, (const guint8 *)head, (guint)n);
    guint begin = out->len - (guint)n;
    g_byte_array_set_size(out, begin + MAX((guint)n, d->conf.bytes));
    for (guint at = (guint)n; at < d->conf.bytes; at++) {
        out->data[begin + at] = filler(seq, at, d->conf.text);
    }
}

/* The line of JSON in front of a payload (docs/protocol.md). */
static void write_line(const struct nat_data *d, GByteArray *out)
{
    json_t *line = json_object(), *to = d->ops->to(d->arg);
    if (d->conf.topic) {
        json_object_set_new(line, "topic", json_string(d->conf.topic));
    }
    if (to) {
        json_object_set_new(line, "to", to);
    }
    char *text = json_dumps(line, JSON_COMPACT);
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
    g_byte_array_append(out, (const guint8 *)"\n", 1);
    free(text);
    json_decref(line);
}

static bool send_one(struct nat_data *d, int64_t now_us)
{
    GByteArray *out = g_byte_array_new();
    bool own = d->conf.channel != NULL;
    uint16_t stream = own ? OWN : d->conf.lossy ? LOSSY : RELIABLE;
    if (!own) {
        write_line(d, out);
    }
    /* numbered as handed on: who reads a reliable channel sees no gap */
    write_payload(d, d->sent, now_us, out);
    bool taken = nat_sctp_send(d->sctp, stream, d->conf.text ? PPID_TEXT : PPID_BINARY,
                               d->conf.lossy, out->data, out->len);
    d->offered++;
    d->sent += taken;
    d->sent_bytes += taken ? out->len : 0;
    g_byte_array_unref(out);
    return taken;
}

static void open_own(struct nat_data *d)
{
    size_t n = strlen(d->conf.channel);
    uint8_t open[DCEP_HEAD + 128] = {DCEP_OPEN, d->conf.lossy ? DCEP_ONCE_UNORDERED : 0};
    g_assert(n <= 128);
    open[9] = (uint8_t)n;
    memcpy(open + DCEP_HEAD, d->conf.channel, n);
    nat_sctp_send(d->sctp, OWN, PPID_DCEP, false, open, DCEP_HEAD + n);
}

static void on_up(void *arg)
{
    struct nat_data *d = arg;
    static const uint8_t nothing[1];
    d->up = true;
    if (d->conf.negotiated) {
        nat_sctp_send(d->sctp, RELIABLE, PPID_BINARY_EMPTY, false, nothing, 1);
    }
    if (d->conf.channel) {
        open_own(d);
    }
    if (d->conf.stall) {
        nat_sctp_stall(d->sctp);
    }
    nat_print("data_up", d->conf.index, NULL);
}

static void on_down(void *arg)
{
    struct nat_data *d = arg;
    d->up = false;
    d->down = true;
    nat_print("data_down", d->conf.index, NULL);
}

static struct from *sender(struct nat_data *d, const char *id)
{
    struct from *from = g_hash_table_lookup(d->senders, id);
    if (!from) {
        from = g_new0(struct from, 1);
        g_hash_table_insert(d->senders, g_strdup(id), from);
    }
    return from;
}

static bool intact(uint64_t seq, const char *text, size_t len, size_t from, bool is_textual)
{
    for (size_t at = from; at < len; at++) {
        if ((uint8_t)text[at] != filler(seq, at, is_textual)) {
            return false;
        }
    }
    return true;
}

/* A payload of write_payload: counted by sender, its delay noted. */
static bool count_native(struct nat_data *d, const char *from, const char *payload, size_t len,
                         bool text)
{
    char head[64] = "";
    unsigned index;
    uint64_t seq;
    int64_t at_us;
    memcpy(head, payload, MIN(len, sizeof head - 1));
    const char *end = strchr(head, ';');
    if (!end || sscanf(head, "native %u %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT ";", &index, &seq,
                       &at_us) != 3) {
        return false;
    }
    char name[16];
    g_snprintf(name, sizeof name, "#%u", index);
    struct from *f = sender(d, from ? from : name);
    f->gaps += f->count > 0 && seq > f->next;
    f->backward += f->count > 0 && seq < f->next;
    f->next = seq + 1;
    f->count++;
    d->broken += !intact(seq, payload, len, (size_t)(end + 1 - head), text);
    nat_delays_add(&d->delays, g_get_monotonic_time() - at_us);
    nat_delays_add(&f->delays, g_get_monotonic_time() - at_us);
    return true;
}

static void log_message(const struct nat_data *d, uint16_t stream, bool text, const json_t *line,
                        const char *payload, size_t len)
{
    json_t *content = text ? json_stringn(payload, len) : NULL;
    nat_print("data", d->conf.index,
              json_pack("{s:i, s:b, s:I, s:O?, s:o}", "stream", (int)stream, "text", (int)text,
                        "bytes", (json_int_t)len, "line", line, "payload",
                        content ? content : json_null()));
}

static void on_payload(struct nat_data *d, uint16_t stream, bool text, const uint8_t *data,
                       size_t len)
{
    const char *payload = (const char *)data;
    json_t *line = NULL;
    if (stream == RELIABLE || stream == LOSSY) {
        const char *end = len > 0 ? memchr(payload, '\n', len) : NULL;
        line = end ? json_loadb(payload, (size_t)(end - payload), 0, NULL) : NULL;
        if (!end || !json_is_string(json_object_get(line, "from"))) {
            d->broken++;
            json_decref(line);
            return;
        }
        len -= (size_t)(end + 1 - payload);
        payload = end + 1;
    }
    d->received++;
    d->received_bytes += len;
    d->direct += json_is_true(json_object_get(line, "direct"));
    const char *from = json_string_value(json_object_get(line, "from"));
    d->foreign += !count_native(d, from, payload, len, text);
    if (d->conf.log) {
        log_message(d, stream, text, line, payload, len);
    }
    json_decref(line);
}

static void on_dcep(struct nat_data *d, uint16_t stream, const uint8_t *data, size_t len)
{
    static const uint8_t ack[1] = {DCEP_ACK};
    if (len >= 1 && data[0] == DCEP_ACK && stream == OWN) {
        d->own_open = true;
        nat_print("data_channel", d->conf.index,
                  json_pack("{s:s}", "label", d->conf.channel ? d->conf.channel : ""));
    } else if (len >= DCEP_HEAD && data[0] == DCEP_OPEN) {
        nat_sctp_send(d->sctp, stream, PPID_DCEP, false, ack, sizeof ack);
    }
}

static void on_message(void *arg, uint16_t stream, uint32_t ppid, const uint8_t *data, size_t len)
{
    if (ppid == PPID_DCEP) {
        on_dcep(arg, stream, data, len);
    } else {
        on_payload(arg, stream, is_text(ppid), data, is_empty(ppid) ? 0 : len);
    }
}

static void send_packet(void *arg, const uint8_t *packet, size_t len)
{
    struct nat_data *d = arg;
    d->ops->send(d->arg, packet, len);
}

static const struct nat_sctp_ops sctp_ops = {send_packet, on_up, on_down, on_message};

struct nat_data *nat_data_create(const struct nat_data_conf *conf, const struct nat_data_ops *ops,
                                 void *arg)
{
    struct nat_data *d = g_new0(struct nat_data, 1);
    d->conf = *conf;
    d->ops = ops;
    d->arg = arg;
    d->senders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return d;
}

void nat_data_destroy(struct nat_data *d)
{
    if (d) {
        nat_sctp_destroy(d->sctp);
        g_hash_table_destroy(d->senders);
        g_free(d);
    }
}

void nat_data_start(struct nat_data *d, uint16_t port, uint32_t max_message)
{
    if (!d->sctp) {
        d->max_message = max_message;
        d->sctp = nat_sctp_create(&sctp_ops, d, port);
    }
}

void nat_data_input(struct nat_data *d, const uint8_t *packet, size_t len)
{
    if (d->sctp) {
        nat_sctp_input(d->sctp, packet, len);
    }
}

bool nat_data_open(const struct nat_data *d)
{
    return d->up && (!d->conf.channel || d->own_open);
}

void nat_data_tick(struct nat_data *d, int64_t now_us)
{
    if (d->conf.rate <= 0 || !nat_data_open(d)) {
        return;
    }
    if (d->ready_us == 0) {
        d->ready_us = d->ops->ready(d->arg) ? now_us : 0;
        return;
    }
    int64_t since_us = now_us - d->ready_us - d->conf.after_us;
    uint64_t due = since_us < 0 ? 0 : (uint64_t)((double)since_us * d->conf.rate / 1e6);
    if (d->conf.count > 0) {
        due = MIN(due, d->conf.count);
    }
    while (d->offered < due) {
        if (!send_one(d, now_us)) {
            d->offered = due; /* there is no room for the others either */
        }
    }
}

json_t *nat_data_stats(const struct nat_data *d)
{
    json_t *from = json_object();
    GHashTableIter it;
    gpointer id, value;
    g_hash_table_iter_init(&it, d->senders);
    while (g_hash_table_iter_next(&it, &id, &value)) {
        const struct from *f = value;
        json_object_set_new(from, id,
                            json_pack("{s:I, s:I, s:I, s:o}", "count", (json_int_t)f->count, "gaps",
                                      (json_int_t)f->gaps, "backward", (json_int_t)f->backward,
                                      "delay_ms", nat_delays_stats(&f->delays)));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "state",
                     d->up     ? "up"
                     : d->down ? "down"
                               : "new",
                     "max_message", (json_int_t)d->max_message, "offered", (json_int_t)d->offered,
                     "sent", (json_int_t)d->sent, "sent_bytes", (json_int_t)d->sent_bytes,
                     "received", (json_int_t)d->received, "received_bytes",
                     (json_int_t)d->received_bytes, "direct", (json_int_t)d->direct, "broken",
                     (json_int_t)d->broken, "foreign", (json_int_t)d->foreign, "from", from,
                     "delay_ms", nat_delays_stats(&d->delays));
}
