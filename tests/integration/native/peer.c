#include "tests/integration/native/peer.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/native/dtls.h"
#include "tests/integration/native/ice.h"
#include "tests/integration/native/lines.h"
#include "tests/integration/native/media.h"
#include "tests/integration/native/rpc.h"
#include "tests/integration/native/sdp.h"

enum { PING_US = 10000000 };

struct nat_peer {
    struct nat_peer_conf conf;
    const char *state; /* connecting open joined ice dtls up failed closed */
    struct nat_rpc *rpc;
    struct nat_ice *ice;
    struct nat_media *media;
    struct nat_data *data; /* NULL: no data channels */
    uint16_t sctp_port;
    uint32_t max_message;
    struct nat_offer offer;
    bool gathered, joined, offering, restart_wanted, socket_lost, leaving;
    char *session, *secret, *participant;
    json_int_t seq; /* of the last notification */
    int64_t start_us, up_us, ping_us, resume_us;
    int64_t tick_us, late_us; /* the longest time between two ticks since it is up */
    unsigned offers, resumes, restarts, socket_closes;
    size_t offer_bytes, answer_bytes;
    uint64_t events_total, seq_gaps, seq_repeats;
    GHashTable *events;  /* method -> count */
    GHashTable *cameras; /* ids of participants */
    int64_t view_told;   /* index of the sizes that the server knows; -1: none */
};

void nat_print(const char *event, unsigned peer, json_t *fields)
{
    json_t *o = json_pack("{s:s, s:i}", "event", event, "peer", (int)peer);
    json_object_update(o, fields);
    json_decref(fields);
    char *text = json_dumps(o, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(o);
}

static void set_state(struct nat_peer *p, const char *state)
{
    p->state = state;
    nat_print(
        state, p->conf.index,
        json_pack("{s:I}", "ms", (json_int_t)((g_get_monotonic_time() - p->start_us) / 1000)));
}

static void fail(struct nat_peer *p, const char *where, const char *why)
{
    nat_print("error", p->conf.index,
              json_pack("{s:s, s:s}", "where", where, "why", why ? why : ""));
    p->state = "failed";
}

static bool failed_call(struct nat_peer *p, const char *method, const json_t *error)
{
    if (!error) {
        return false;
    }
    char *text = json_dumps(error, JSON_COMPACT);
    fail(p, method, text);
    free(text);
    return true;
}

static void on_answer(void *arg, const json_t *result, const json_t *error)
{
    struct nat_peer *p = arg;
    const char *why, *sdp = json_string_value(json_object_get(result, "sdp"));
    p->offering = false;
    if (failed_call(p, "conference.offer", error)) {
        return;
    }
    struct nat_answer *answer = sdp ? nat_sdp_answer(sdp, &p->offer, &why) : NULL;
    if (!answer) {
        fail(p, "answer", sdp ? why : "no sdp");
        return;
    }
    p->answer_bytes += strlen(sdp);
    nat_media_answer(p->media, &p->offer, answer);
    p->sctp_port = answer->sctp_port;
    p->max_message = answer->max_message;
    if (!nat_ice_set_remote(p->ice, answer->ufrag, answer->pwd,
                            (const char *const *)answer->candidates)) {
        fail(p, "answer", "no usable candidate");
    } else if (p->offers == 1) {
        set_state(p, "ice");
    }
    nat_answer_free(answer);
}

static void send_offer(struct nat_peer *p)
{
    p->offering = true;
    p->offers++;
    p->offer.version = p->offers;
    p->offer.ufrag = nat_ice_ufrag(p->ice);
    p->offer.pwd = nat_ice_pwd(p->ice);
    p->offer.fingerprint = nat_dtls_fingerprint();
    char *sdp = nat_sdp_offer(&p->offer);
    p->offer_bytes += strlen(sdp);
    nat_rpc_call(p->rpc, "conference.offer",
                 json_pack("{s:s, s:o}", "sdp", sdp, "tracks", nat_lines_tracks(p->conf.publish)),
                 on_answer, p);
    g_free(sdp);
}

static void on_joined(void *arg, const json_t *result, const json_t *error)
{
    struct nat_peer *p = arg;
    if (failed_call(p, "conference.join", error)) {
        return;
    }
    const json_t *self = json_object_get(result, "participant");
    p->participant = g_strdup(json_string_value(json_object_get(self, "id")));
    p->joined = true;
    set_state(p, "joined");
}

static const struct nat_ice_ops ice_ops;

static void take_session(struct nat_peer *p, const json_t *result)
{
    g_free(p->secret);
    p->secret = g_strdup(json_string_value(json_object_get(result, "secret")));
}

static void on_session(void *arg, const json_t *result, const json_t *error)
{
    struct nat_peer *p = arg;
    if (failed_call(p, "session.open", error)) {
        return;
    }
    take_session(p, result);
    p->session = g_strdup(json_string_value(json_object_get(result, "session")));
    p->ice = nat_ice_create(&ice_ops, p, p->conf.ice, json_object_get(result, "ice_servers"));
    set_state(p, "open");
    nat_rpc_call(p->rpc, "conference.join", json_object(), on_joined, p);
}

static void on_resumed(void *arg, const json_t *result, const json_t *error)
{
    struct nat_peer *p = arg;
    if (failed_call(p, "session.resume", error)) {
        return;
    }
    take_session(p, result);
    p->resumes++;
    nat_print("resumed", p->conf.index,
              json_pack("{s:I, s:I}", "from", p->seq, "to",
                        json_integer_value(json_object_get(result, "seq"))));
}

static void on_opened(void *arg)
{
    struct nat_peer *p = arg;
    p->ping_us = g_get_monotonic_time() + PING_US;
    if (p->session) {
        nat_rpc_call(
            p->rpc, "session.resume",
            json_pack("{s:s, s:s, s:I}", "session", p->session, "secret", p->secret, "seq", p->seq),
            on_resumed, p);
        return;
    }
    nat_rpc_call(p->rpc, "session.open",
                 json_pack("{s:s, s:{s:s, s:s}}", "token", p->conf.token, "client", "name",
                           "stoa-native-peer", "version", "1"),
                 on_session, p);
}

static void on_slots(struct nat_peer *p, const json_t *params)
{
    size_t i;
    json_t *slot;
    json_array_foreach(json_object_get(params, "slots"), i, slot)
    {
        const char *mid = json_string_value(json_object_get(slot, "mid"));
        if (mid) {
            nat_media_slot(p->media, mid, json_string_value(json_object_get(slot, "participant")),
                           json_string_value(json_object_get(slot, "source")));
        }
        const char *source = json_string_value(json_object_get(slot, "source"));
        if (source && strcmp(source, "camera") == 0 &&
            g_hash_table_add(p->cameras,
                             g_strdup(json_string_value(json_object_get(slot, "participant"))))) {
            p->view_told = -1;
        }
    }
}

/* Which of the sizes it is time for: the first one until the media is up. */
static int64_t view_of(const struct nat_peer *p, int64_t now_us)
{
    return p->up_us ? (now_us - p->up_us) / p->conf.view_us : 0;
}

/* All cameras that we see are shown at the size of this moment. */
static void send_sizes(struct nat_peer *p, int64_t now_us)
{
    char **sizes = g_strsplit(p->conf.views, ",", -1);
    guint count = g_strv_length(sizes);
    int64_t step = view_of(p, now_us);
    int width = 0, height = 0;
    if (count > 0 && sscanf(sizes[MIN(step, (int64_t)count - 1)], "%dx%d", &width, &height) == 2) {
        json_t *tiles = json_array();
        GHashTableIter it;
        gpointer id;
        g_hash_table_iter_init(&it, p->cameras);
        while (g_hash_table_iter_next(&it, &id, NULL)) {
            json_array_append_new(tiles,
                                  json_pack("{s:s, s:s, s:i, s:i}", "participant", (char *)id,
                                            "group", "camera", "width", width, "height", height));
        }
        nat_rpc_call(p->rpc, "conference.sizes", json_pack("{s:o}", "tiles", tiles), NULL, NULL);
    }
    g_strfreev(sizes);
}

static void on_notified(void *arg, const char *method, const json_t *params)
{
    struct nat_peer *p = arg;
    const json_t *seq = json_object_get(params, "seq");
    gpointer count = g_hash_table_lookup(p->events, method);
    g_hash_table_insert(p->events, g_strdup(method), GUINT_TO_POINTER(GPOINTER_TO_UINT(count) + 1));
    p->events_total++;
    if (json_is_integer(seq)) {
        p->seq_gaps += json_integer_value(seq) > p->seq + 1;
        p->seq_repeats += json_integer_value(seq) <= p->seq;
        p->seq = json_integer_value(seq);
    }
    if (strcmp(method, "slots.changed") == 0) {
        on_slots(p, params);
    }
    if (strcmp(method, "track.encodings") == 0) {
        nat_media_wanted(p->media, json_object_get(params, "rids"));
    }
    if (p->conf.log_events) {
        nat_print("notification", p->conf.index,
                  json_pack("{s:s, s:O}", "method", method, "params", params));
    }
}

static void on_closed(void *arg, uint16_t code, const char *reason)
{
    struct nat_peer *p = arg;
    p->socket_closes++;
    p->socket_lost = true;
    nat_print("socket", p->conf.index,
              json_pack("{s:i, s:s}", "code", (int)code, "reason", reason));
}

static void on_gathered(void *arg)
{
    ((struct nat_peer *)arg)->gathered = true;
}

static void on_connected(void *arg)
{
    struct nat_peer *p = arg;
    if (strcmp(p->state, "ice") == 0) {
        set_state(p, "dtls");
    }
    nat_media_connected(p->media);
}

static void on_ice_failed(void *arg)
{
    struct nat_peer *p = arg;
    if (!p->leaving) { /* the server closes the connection of who leaves */
        fail(p, "ice", "failed");
    }
}

static void on_packet(void *arg, const uint8_t *data, size_t len)
{
    nat_media_input(((struct nat_peer *)arg)->media, data, len);
}

static void media_send(void *arg, const uint8_t *data, size_t len)
{
    nat_ice_send(((struct nat_peer *)arg)->ice, data, len);
}

static void media_up(void *arg)
{
    struct nat_peer *p = arg;
    p->up_us = g_get_monotonic_time();
    set_state(p, "up");
    if (p->data && p->sctp_port != 0) {
        nat_data_start(p->data, p->sctp_port, p->max_message);
    }
}

static void media_data(void *arg, const uint8_t *data, size_t len)
{
    struct nat_peer *p = arg;
    if (p->data) {
        nat_data_input(p->data, data, len);
    }
}

static void data_send(void *arg, const uint8_t *packet, size_t len)
{
    nat_media_send_data(((struct nat_peer *)arg)->media, packet, len);
}

static json_t *data_to(void *arg)
{
    const struct nat_peer *p = arg;
    return p->conf.data_to ? p->conf.data_to() : NULL;
}

static bool data_ready(void *arg)
{
    const struct nat_peer *p = arg;
    return p->conf.data_ready();
}

static void media_down(void *arg, const char *why)
{
    struct nat_peer *p = arg;
    if (strcmp(why, "close_notify") == 0) {
        set_state(p, "closed");
    } else {
        fail(p, "dtls", why);
    }
}

static const struct nat_rpc_ops rpc_ops = {on_opened, on_notified, on_closed};
static const struct nat_ice_ops ice_ops = {on_gathered, on_connected, on_ice_failed, on_packet};
static const struct nat_media_ops media_ops = {media_send, media_up, media_down, media_data};
static const struct nat_data_ops data_ops = {data_send, data_to, data_ready};

struct nat_peer *nat_peer_create(const struct nat_peer_conf *conf)
{
    struct nat_peer *p = g_new0(struct nat_peer, 1);
    p->conf = *conf;
    p->state = "connecting";
    p->start_us = g_get_monotonic_time();
    p->events = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->cameras = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->view_told = -1;
    p->media =
        nat_media_create(&media_ops, p, conf->decode, conf->drop_in_percent, conf->srtp_profiles);
    if (conf->data.negotiated || conf->data.channel) {
        p->data = nat_data_create(&conf->data, &data_ops, p);
    }
    nat_lines_build(&p->conf, p->data != NULL, p->media, &p->offer);
    p->rpc = nat_rpc_connect(conf->host, conf->port, &rpc_ops, p);
    return p;
}

static void tick_socket(struct nat_peer *p, int64_t now_us)
{
    if (p->socket_lost && p->rpc) {
        nat_rpc_destroy(p->rpc);
        p->rpc = NULL;
    }
    if (p->resume_us != 0 && now_us >= p->resume_us) {
        p->resume_us = 0;
        p->socket_lost = false;
        p->rpc = nat_rpc_connect(p->conf.host, p->conf.port, &rpc_ops, p);
    }
    if (p->rpc && p->session && now_us >= p->ping_us) {
        p->ping_us = now_us + PING_US;
        nat_rpc_call(p->rpc, "session.ping", json_object(), NULL, NULL);
    }
}

void nat_peer_tick(struct nat_peer *p, int64_t now_us)
{
    if (p->up_us && p->tick_us) {
        p->late_us = MAX(p->late_us, now_us - p->tick_us);
    }
    p->tick_us = now_us;
    tick_socket(p, now_us);
    nat_media_tick(p->media, now_us);
    if (p->data) {
        nat_data_tick(p->data, now_us);
    }
    if (p->conf.views && p->rpc && p->joined && view_of(p, now_us) != p->view_told) {
        p->view_told = view_of(p, now_us);
        send_sizes(p, now_us);
    }
    if (!p->rpc || !p->joined || p->offering || !p->gathered) {
        return;
    }
    if (p->offers == 0 || p->restart_wanted) {
        p->restart_wanted = false;
        send_offer(p);
    }
}

void nat_peer_restart_ice(struct nat_peer *p)
{
    if (!p->ice) {
        return;
    }
    nat_ice_restart(p->ice);
    p->restarts++;
    p->restart_wanted = true;
}

void nat_peer_cut(struct nat_peer *p, int64_t for_us)
{
    if (p->rpc) {
        nat_rpc_destroy(p->rpc);
        p->rpc = NULL;
        p->resume_us = g_get_monotonic_time() + for_us;
        nat_print("cut", p->conf.index, NULL);
    }
}

void nat_peer_leave(struct nat_peer *p)
{
    p->leaving = true;
    if (p->rpc && p->session) {
        nat_rpc_call(p->rpc, "session.close", json_object(), NULL, NULL);
    }
}

const char *nat_peer_participant(const struct nat_peer *p)
{
    return p->participant;
}

const char *nat_peer_state(const struct nat_peer *p)
{
    return p->state;
}

bool nat_peer_data_open(const struct nat_peer *p)
{
    return !p->data || nat_data_open(p->data);
}

json_t *nat_peer_stats(const struct nat_peer *p, int64_t now_us)
{
    json_t *events = json_object();
    GHashTableIter it;
    gpointer method, count;
    g_hash_table_iter_init(&it, p->events);
    while (g_hash_table_iter_next(&it, &method, &count)) {
        json_object_set_new(events, method, json_integer(GPOINTER_TO_UINT(count)));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o, s:o, "
        "s:o}",
        "identity", p->conf.identity, "participant", p->participant ? p->participant : "", "state",
        p->state, "up_ms", (json_int_t)(p->up_us ? (p->up_us - p->start_us) / 1000 : -1), "late_ms",
        (json_int_t)(p->late_us / 1000), "offers", (json_int_t)p->offers, "offer_bytes",
        (json_int_t)p->offer_bytes, "answer_bytes", (json_int_t)p->answer_bytes, "resumes",
        (json_int_t)p->resumes, "restarts", (json_int_t)p->restarts, "events_total",
        (json_int_t)p->events_total, "seq", p->seq, "seq_gaps", (json_int_t)p->seq_gaps,
        "seq_repeats", (json_int_t)p->seq_repeats, "pair", p->ice ? nat_ice_pair(p->ice) : "",
        "events", events, "media", nat_media_stats(p->media, now_us), "data",
        p->data ? nat_data_stats(p->data) : json_null());
}

void nat_peer_destroy(struct nat_peer *p)
{
    nat_data_destroy(p->data); /* its ABORT leaves by the media */
    nat_media_destroy(p->media);
    nat_ice_destroy(p->ice);
    nat_rpc_destroy(p->rpc);
    g_hash_table_destroy(p->events);
    g_hash_table_destroy(p->cameras);
    g_free(p->session);
    g_free(p->secret);
    g_free(p->participant);
    g_free(p);
}
