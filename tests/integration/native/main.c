/*
 * stoa-native-peer: joins a room with N participants whose transport shares no code with the
 * server, and prints what each of them sees as JSON lines.  See README.md in this folder.
 */
#include <glib-unix.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "tests/integration/native/churn.h"
#include "tests/integration/native/peer.h"
#include "tests/integration/native/sctp.h"
#include "tests/integration/native/token.h"

enum { TICK_MS = 5, LEAVE_MS = 200, SETTLE_US = 60000000 };

static struct options {
    char *ice, *host, *room, *identity, *publish, *tokens_file, *srtp;
    char **tokens;
    int drop_in, drop_out;
    int port, peers, pairs, video_delay_ms, width, height, fps, kbps;
    int cycles, kill_percent, hold_ms;
    int stagger_ms, stats_ms, duration_ms, restart_ms, cut_ms, cut_for_ms;
    int view_ms;
    char *views, *codec;
    gboolean silent, red, decode, events, simulcast;
    char *data_channel, *data_topic, *data_to;
    double data_rate;
    int data_count, data_bytes, data_after_ms, data_senders, data_stalled;
    gboolean data, data_lossy, data_text, data_log;
} opt = {.port = 8080,
         .peers = 1,
         .pairs = 4,
         .width = 320,
         .height = 180,
         .fps = 15,
         .kbps = 150,
         .stagger_ms = 0,
         .stats_ms = 1000,
         .view_ms = 4000,
         .restart_ms = -1,
         .hold_ms = 100,
         .cut_ms = -1,
         .cut_for_ms = 5000,
         .data_bytes = 100,
         .data_senders = 1,
         .data_after_ms = 1000};

static const GOptionEntry entries[] = {
    {"host", 0, 0, G_OPTION_ARG_STRING, &opt.host, "server (127.0.0.1)", "ADDR"},
    {"port", 0, 0, G_OPTION_ARG_INT, &opt.port, "HTTP port (8080)", "N"},
    {"token", 0, 0, G_OPTION_ARG_STRING_ARRAY, &opt.tokens, "join token; once per peer", "JWT"},
    {"tokens", 0, 0, G_OPTION_ARG_FILENAME, &opt.tokens_file, "file with a token per line", "FILE"},
    {"room", 0, 0, G_OPTION_ARG_STRING, &opt.room, "fetch tokens for it by the development key",
     "R"},
    {"identity", 0, 0, G_OPTION_ARG_STRING, &opt.identity, "prefix of identities (native-)", "I"},
    {"peers", 0, 0, G_OPTION_ARG_INT, &opt.peers, "participants (1)", "N"},
    {"pairs", 0, 0, G_OPTION_ARG_INT, &opt.pairs, "slot pairs to ask for (4)", "K"},
    {"publish", 0, 0, G_OPTION_ARG_STRING, &opt.publish, "microphone,camera,screen (none)", "LIST"},
    {"silent", 0, 0, G_OPTION_ARG_NONE, &opt.silent, "microphone without a tone", NULL},
    {"codec", 0, 0, G_OPTION_ARG_STRING, &opt.codec, "vp8, or vp9 in three spatial layers (vp8)",
     "NAME"},
    {"red", 0, 0, G_OPTION_ARG_NONE, &opt.red, "audio with redundancy (RFC 2198)", NULL},
    {"video-delay-ms", 0, 0, G_OPTION_ARG_INT, &opt.video_delay_ms, "hold back video only", "MS"},
    {"width", 0, 0, G_OPTION_ARG_INT, &opt.width, "picture (320)", "PX"},
    {"height", 0, 0, G_OPTION_ARG_INT, &opt.height, "picture (180)", "PX"},
    {"fps", 0, 0, G_OPTION_ARG_INT, &opt.fps, "pictures per second (15)", "N"},
    {"kbps", 0, 0, G_OPTION_ARG_INT, &opt.kbps, "video rate (150)", "N"},
    {"simulcast", 0, 0, G_OPTION_ARG_NONE, &opt.simulcast,
     "camera in three encodings, this one, half and a quarter", NULL},
    {"views", 0, 0, G_OPTION_ARG_STRING, &opt.views,
     "sizes at which cameras are shown, one after another", "WxH,..."},
    {"view-ms", 0, 0, G_OPTION_ARG_INT, &opt.view_ms, "each so long (4000)", "MS"},
    {"ice", 0, 0, G_OPTION_ARG_STRING, &opt.ice, "udp, tcp or relay (udp)", "HOW"},
    {"srtp", 0, 0, G_OPTION_ARG_STRING, &opt.srtp, "SRTP profiles by OpenSSL's names", "LIST"},
    {"drop-in-percent", 0, 0, G_OPTION_ARG_INT, &opt.drop_in, "lose arriving video, ask again",
     "N"},
    {"drop-out-percent", 0, 0, G_OPTION_ARG_INT, &opt.drop_out, "lose sent video once", "N"},
    {"decode", 0, 0, G_OPTION_ARG_NONE, &opt.decode, "decode video, print its mean colour", NULL},
    {"events", 0, 0, G_OPTION_ARG_NONE, &opt.events, "print each notification", NULL},
    {"stagger-ms", 0, 0, G_OPTION_ARG_INT, &opt.stagger_ms, "between two joins (0)", "MS"},
    {"stats-ms", 0, 0, G_OPTION_ARG_INT, &opt.stats_ms, "between two statistics (1000)", "MS"},
    {"duration-ms", 0, 0, G_OPTION_ARG_INT, &opt.duration_ms,
     "after all were up, leave (0: on SIGINT)", "MS"},
    {"ice-restart-ms", 0, 0, G_OPTION_ARG_INT, &opt.restart_ms, "after all were up, restart ICE",
     "MS"},
    {"cut-ms", 0, 0, G_OPTION_ARG_INT, &opt.cut_ms, "after all were up, cut the WebSocket", "MS"},
    {"cycles", 0, 0, G_OPTION_ARG_INT, &opt.cycles,
     "so many come and go, --peers at once, a token each", "N"},
    {"kill-percent", 0, 0, G_OPTION_ARG_INT, &opt.kill_percent,
     "of the cycles end in mid-handshake without a word", "N"},
    {"hold-ms", 0, 0, G_OPTION_ARG_INT, &opt.hold_ms, "media of a cycle (100)", "MS"},
    {"data", 0, 0, G_OPTION_ARG_NONE, &opt.data, "data channels 60 and 61", NULL},
    {"data-channel", 0, 0, G_OPTION_ARG_STRING, &opt.data_channel,
     "one that is opened by DCEP, and sent on", "LABEL"},
    {"data-senders", 0, 0, G_OPTION_ARG_INT, &opt.data_senders, "the first so many send (1)", "N"},
    {"data-rate", 0, 0, G_OPTION_ARG_DOUBLE, &opt.data_rate, "messages per second of each (0)",
     "N"},
    {"data-count", 0, 0, G_OPTION_ARG_INT, &opt.data_count, "messages of each (0: no end)", "N"},
    {"data-bytes", 0, 0, G_OPTION_ARG_INT, &opt.data_bytes, "of a payload (100)", "N"},
    {"data-after-ms", 0, 0, G_OPTION_ARG_INT, &opt.data_after_ms,
     "from the opening of everybody's channels to the first message (1000)", "MS"},
    {"data-to", 0, 0, G_OPTION_ARG_STRING, &opt.data_to,
     "peers of this process, by index, or ids (everybody)", "LIST"},
    {"data-topic", 0, 0, G_OPTION_ARG_STRING, &opt.data_topic, "of messages (none)", "TOPIC"},
    {"data-lossy", 0, 0, G_OPTION_ARG_NONE, &opt.data_lossy, "send each once, in any order", NULL},
    {"data-text", 0, 0, G_OPTION_ARG_NONE, &opt.data_text, "send texts", NULL},
    {"data-stalled", 0, 0, G_OPTION_ARG_INT, &opt.data_stalled, "the last so many read nothing (0)",
     "N"},
    {"data-log", 0, 0, G_OPTION_ARG_NONE, &opt.data_log, "print each message that comes", NULL},
    {"cut-for-ms", 0, 0, G_OPTION_ARG_INT, &opt.cut_for_ms, "and resume after (5000)", "MS"},
    {0},
};

static struct {
    GMainLoop *loop;
    GPtrArray *tokens; /* owned texts */
    GPtrArray *identities;
    GPtrArray *peers; /* struct nat_peer */
    struct nat_churn *churn;
    int64_t start_us, stats_us;
    int64_t up_us; /* 0: not yet */
    bool restarted, cut, leaving;
} app;

static unsigned publish_bits(const char *list)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"microphone", NAT_MICROPHONE}, {"camera", NAT_CAMERA}, {"screen", NAT_SCREEN}};
    unsigned bits = 0;
    for (size_t i = 0; list && i < G_N_ELEMENTS(names); i++) {
        bits |= strstr(list, names[i].name) ? names[i].bit : 0;
    }
    return bits;
}

static void add_tokens(char **list)
{
    for (; list && *list; list++) {
        char *token = g_strstrip(g_strdup(*list));
        if (*token) {
            g_ptr_array_add(app.tokens, token);
        } else {
            g_free(token);
        }
    }
}

static bool read_tokens(void)
{
    add_tokens(opt.tokens);
    if (opt.tokens_file) {
        char *text;
        if (!g_file_get_contents(opt.tokens_file, &text, NULL, NULL)) {
            g_printerr("%s: cannot be read\n", opt.tokens_file);
            return false;
        }
        char **lines = g_strsplit(text, "\n", -1);
        add_tokens(lines);
        g_strfreev(lines);
        g_free(text);
    }
    int wanted = opt.cycles > 0 ? opt.cycles : opt.peers;
    for (int i = 0; opt.room && i < opt.peers; i++) {
        char *why = NULL;
        char *token = nat_token_fetch(opt.host, (uint16_t)opt.port, opt.room,
                                      g_ptr_array_index(app.identities, (guint)i), &why);
        if (!token) {
            g_printerr("token: %s\n", why);
            g_free(why);
            return false;
        }
        g_ptr_array_add(app.tokens, token);
    }
    if (app.tokens->len < (guint)wanted) {
        g_printerr("%d peers need as many tokens (--token, --tokens or --room)\n", wanted);
        return false;
    }
    return true;
}

static enum nat_ice_mode ice_mode(const char *name)
{
    return g_strcmp0(name, "tcp") == 0     ? NAT_ICE_TCP
           : g_strcmp0(name, "relay") == 0 ? NAT_ICE_RELAY
                                           : NAT_ICE_UDP;
}

static json_t *data_to(void)
{
    json_t *ids = json_array();
    char **words = g_strsplit(opt.data_to, ",", -1);
    for (char **word = words; *word; word++) {
        guint64 i = g_ascii_strtoull(*word, NULL, 10);
        if (g_str_has_prefix(*word, "pt_")) {
            json_array_append_new(ids, json_string(*word));
        } else if (i < app.peers->len &&
                   nat_peer_participant(g_ptr_array_index(app.peers, (guint)i))) {
            struct nat_peer *p = g_ptr_array_index(app.peers, (guint)i);
            json_array_append_new(ids, json_string(nat_peer_participant(p)));
        }
    }
    g_strfreev(words);
    return ids;
}

static bool data_ready(void)
{
    bool all = app.peers->len == (guint)opt.peers;
    for (guint i = 0; i < app.peers->len; i++) {
        all = all && nat_peer_data_open(g_ptr_array_index(app.peers, i));
    }
    return all;
}

static struct nat_data_conf data_conf(unsigned i)
{
    return (struct nat_data_conf){
        .index = i,
        .negotiated = opt.data,
        .channel = opt.data_channel,
        .topic = opt.data_topic,
        .rate = i < (unsigned)opt.data_senders ? opt.data_rate : 0,
        .count = (unsigned)opt.data_count,
        .bytes = (unsigned)opt.data_bytes,
        .after_us = (int64_t)opt.data_after_ms * 1000,
        .lossy = opt.data_lossy,
        .text = opt.data_text,
        .stall = i + (unsigned)opt.data_stalled >= (unsigned)opt.peers,
        .log = opt.data_log,
    };
}

static struct nat_peer_conf peer_conf(unsigned i)
{
    return (struct nat_peer_conf){
        .host = opt.host,
        .port = (uint16_t)opt.port,
        .token = g_ptr_array_index(app.tokens, i),
        .identity = g_ptr_array_index(app.identities, i),
        .index = i,
        .publish = publish_bits(opt.publish),
        .pairs = (unsigned)opt.pairs,
        .video_delay_us = (int64_t)opt.video_delay_ms * 1000,
        .width = (unsigned)opt.width,
        .height = (unsigned)opt.height,
        .fps = (unsigned)opt.fps,
        .kbps = (unsigned)opt.kbps,
        .drop_in_percent = (unsigned)opt.drop_in,
        .drop_out_percent = (unsigned)opt.drop_out,
        .silent = opt.silent,
        .red = opt.red,
        .vp9 = g_strcmp0(opt.codec, "vp9") == 0,
        .decode = opt.decode,
        .log_events = opt.events,
        .srtp_profiles = opt.srtp,
        .simulcast = opt.simulcast,
        .views = opt.views,
        .view_us = (int64_t)opt.view_ms * 1000,
        .ice = ice_mode(opt.ice),
        .data = data_conf(i),
        .data_to = opt.data_to ? data_to : NULL,
        .data_ready = data_ready,
    };
}

static void start_peer(void)
{
    struct nat_peer_conf conf = peer_conf(app.peers->len);
    g_ptr_array_add(app.peers, nat_peer_create(&conf));
}

static void start_churn(void)
{
    struct nat_churn_conf conf = {
        .peer = peer_conf(0),
        .tokens = (char *const *)app.tokens->pdata,
        .cycles = (unsigned)opt.cycles,
        .at_once = (unsigned)opt.peers,
        .kill_percent = (unsigned)opt.kill_percent,
        .hold_us = (int64_t)opt.hold_ms * 1000,
    };
    app.churn = nat_churn_create(&conf);
}

static gboolean quit(gpointer arg)
{
    (void)arg;
    g_main_loop_quit(app.loop);
    return G_SOURCE_REMOVE;
}

static void print_stats(int64_t now_us)
{
    for (guint i = 0; i < app.peers->len; i++) {
        nat_print("stats", i, nat_peer_stats(g_ptr_array_index(app.peers, i), now_us));
    }
}

/* Lets the close messages leave before the loop ends. */
static gboolean leave(gpointer arg)
{
    (void)arg;
    if (!app.leaving) {
        app.leaving = true;
        print_stats(g_get_monotonic_time());
        for (guint i = 0; i < app.peers->len; i++) {
            nat_peer_leave(g_ptr_array_index(app.peers, i));
        }
        g_timeout_add(LEAVE_MS, quit, NULL);
    }
    return G_SOURCE_CONTINUE;
}

/* true once, when the time has come */
static bool due(bool *done, int at_ms, int64_t age_ms)
{
    if (*done || at_ms < 0 || age_ms < at_ms) {
        return false;
    }
    *done = true;
    return true;
}

static bool settled(const struct nat_peer *p)
{
    const char *state = nat_peer_state(p);
    return strcmp(state, "up") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "closed") == 0;
}

/* Since all were up; -1: not yet.  How long that takes is the machine's business. */
static int64_t up_for_ms(int64_t now_us)
{
    bool all = app.peers->len == (guint)opt.peers;
    for (guint i = 0; i < app.peers->len; i++) {
        all = all && settled(g_ptr_array_index(app.peers, i));
    }
    if (app.up_us == 0 && (all || now_us - app.start_us > SETTLE_US)) {
        app.up_us = now_us;
    }
    return app.up_us ? (now_us - app.up_us) / 1000 : -1;
}

static gboolean tick(gpointer arg)
{
    int64_t now_us = g_get_monotonic_time(), age_ms = (now_us - app.start_us) / 1000;
    int64_t up_ms = up_for_ms(now_us);
    (void)arg;
    nat_sctp_tick(now_us);
    if (app.churn) {
        if (!nat_churn_tick(app.churn, now_us)) {
            g_main_loop_quit(app.loop);
            return G_SOURCE_REMOVE;
        }
        return G_SOURCE_CONTINUE;
    }
    while (app.peers->len < (guint)opt.peers &&
           age_ms >= (int64_t)app.peers->len * opt.stagger_ms) {
        start_peer();
    }
    bool restart = due(&app.restarted, opt.restart_ms, up_ms);
    bool cut = due(&app.cut, opt.cut_ms, up_ms);
    for (guint i = 0; i < app.peers->len; i++) {
        struct nat_peer *p = g_ptr_array_index(app.peers, i);
        if (restart) {
            nat_peer_restart_ice(p);
        }
        if (cut) {
            nat_peer_cut(p, (int64_t)opt.cut_for_ms * 1000);
        }
        nat_peer_tick(p, now_us);
    }
    if (now_us >= app.stats_us && !app.leaving) {
        app.stats_us = now_us + (int64_t)opt.stats_ms * 1000;
        print_stats(now_us);
    }
    if (opt.duration_ms > 0 && up_ms >= opt.duration_ms) {
        leave(NULL);
    }
    return G_SOURCE_CONTINUE;
}

static int finish(void)
{
    int failed = app.churn ? (int)nat_churn_failed(app.churn) : 0;
    nat_churn_destroy(app.churn);
    for (guint i = 0; i < app.peers->len; i++) {
        struct nat_peer *p = g_ptr_array_index(app.peers, i);
        failed += strcmp(nat_peer_state(p), "failed") == 0;
        nat_peer_destroy(p);
    }
    g_ptr_array_unref(app.peers);
    g_ptr_array_unref(app.tokens);
    g_ptr_array_unref(app.identities);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    GError *error = NULL;
    GOptionContext *context = g_option_context_new("- an independent participant for tests");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        g_printerr("%s\n", error->message);
        return 2;
    }
    g_option_context_free(context);
    if (opt.codec && strcmp(opt.codec, "vp8") != 0 &&
        (strcmp(opt.codec, "vp9") != 0 || opt.simulcast)) {
        g_printerr("--codec %s: vp8, or vp9 without --simulcast\n", opt.codec);
        return 2;
    }
    opt.host = opt.host ? opt.host : g_strdup("127.0.0.1");
    app.tokens = g_ptr_array_new_with_free_func(g_free);
    app.identities = g_ptr_array_new_with_free_func(g_free);
    app.peers = g_ptr_array_new();
    for (int i = 0; i < opt.peers; i++) {
        g_ptr_array_add(app.identities,
                        g_strdup_printf("%s%d", opt.identity ? opt.identity : "native-", i));
    }
    if (!read_tokens()) {
        return 2;
    }
    if (opt.cycles > 0) {
        start_churn();
    }
    app.loop = g_main_loop_new(NULL, FALSE);
    app.start_us = g_get_monotonic_time();
    app.stats_us = app.start_us + (int64_t)opt.stats_ms * 1000;
    g_timeout_add(TICK_MS, tick, NULL);
    g_unix_signal_add(SIGINT, leave, NULL);
    g_unix_signal_add(SIGTERM, leave, NULL);
    g_main_loop_run(app.loop);
    g_main_loop_unref(app.loop);
    return finish();
}
