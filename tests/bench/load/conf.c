#include "tests/bench/load/conf.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: stoa-load [--stoa HOST:PORT | --janus HOST:PORT] [options]\n"
    "Publishes and subscribes in rooms, counts what arrives and what it costs the server.\n"
    "\n"
    "Server\n"
    "  --stoa HOST:PORT     Stoa's HTTP port [127.0.0.1:8080]\n"
    "  --janus HOST:PORT    the WebSocket port of Janus with the VideoRoom plugin\n"
    "  --data DIR           stoad's data folder, for its development key [STOA_DATA_DIR, else "
    "./data]\n"
    "  --key KID:SECRET     a key of stoactl key create, instead\n"
    "  --token JWT          one token for all, instead (a few clients only: sessions per token\n"
    "                       are limited, and one identity is one participant)\n"
    "  --stream-key KEY     what the publisher of --whip shows (stoactl streamkey create)\n"
    "  --room NAME          [load]; with --rooms, NAME-0, NAME-1, …\n"
    "  --server-pid PID     measure this process too\n"
    "\n"
    "Scenario\n"
    "  --rooms N            so many rooms like this [1]\n"
    "  --publishers N       who only send, per room [1]\n"
    "  --subscribers N      who only receive everything, per room [10]\n"
    "  --meeting N          instead: N who all send audio and video and receive all others\n"
    "  --whip               publishers come by POST /whip/NAME\n"
    "  --whep               subscribers come by POST /whep/NAME: each gets one publisher\n"
    "  --audio              publishers send Opus too\n"
    "  --ramp N             joins per second [50]; 0: all at once\n"
    "  --join-storm N       N more subscribers, at once, when measuring begins\n"
    "  --warmup S           between the last join and the measurement [2]\n"
    "  --seconds S          of measurement [10]\n"
    "  --join-timeout S     for one join [20]\n"
    "\n"
    "Media\n"
    "  --source KIND        synthetic | vp8 | h264 [synthetic]\n"
    "  --codec NAME         vp8 | h264, of synthetic packets [vp8]\n"
    "  --packet-rate N      packets per second of a synthetic video [110]\n"
    "  --packet-bytes N     RTP packet without SRTP's tag, 140..1400 [1100]\n"
    "  --video-kbps N       of a real video; of a synthetic one it sets the packet rate\n"
    "  --fps N              frames per second [30]\n"
    "  --key-seconds N      between key frames that nobody asked for [10]\n"
    "  --pacing KIND        burst: a frame's packets at once | even: spread [burst]\n"
    "  --srtp NAME          gcm | gcm256 | cm [gcm]\n"
    "  --nack               ask for lost packets\n"
    "  --lose PERCENT       drop so many of the video packets that arrive, to see them repaired\n"
    "\n"
    "Measuring\n"
    "  --verify all|N       decrypt every packet, or one of N per stream [16]\n"
    "  --no-gro             take each datagram singly (UDP_GRO off)\n"
    "  --json FILE          write the figures; - is standard output, without the table\n"
    "  --quiet              no progress line\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 measured, 1 not (no server, refused, a peer failed), 2 wrong options.\n";

enum option_id {
    O_STOA = 1,
    O_JANUS,
    O_DATA,
    O_KEY,
    O_TOKEN,
    O_STREAM_KEY,
    O_ROOM,
    O_PID,
    O_ROOMS,
    O_PUBLISHERS,
    O_SUBSCRIBERS,
    O_MEETING,
    O_AUDIO,
    O_WHIP,
    O_WHEP,
    O_RAMP,
    O_STORM,
    O_WARMUP,
    O_SECONDS,
    O_TIMEOUT,
    O_SOURCE,
    O_CODEC,
    O_RATE,
    O_BYTES,
    O_KBPS,
    O_FPS,
    O_KEY_SECONDS,
    O_PACING,
    O_SRTP,
    O_NACK,
    O_LOSE,
    O_VERIFY,
    O_NO_GRO,
    O_JSON,
    O_QUIET,
    O_HELP,
    O_VERSION,
};

static const struct option options[] = {
    {"stoa", required_argument, NULL, O_STOA},
    {"janus", required_argument, NULL, O_JANUS},
    {"data", required_argument, NULL, O_DATA},
    {"key", required_argument, NULL, O_KEY},
    {"token", required_argument, NULL, O_TOKEN},
    {"stream-key", required_argument, NULL, O_STREAM_KEY},
    {"room", required_argument, NULL, O_ROOM},
    {"server-pid", required_argument, NULL, O_PID},
    {"rooms", required_argument, NULL, O_ROOMS},
    {"publishers", required_argument, NULL, O_PUBLISHERS},
    {"subscribers", required_argument, NULL, O_SUBSCRIBERS},
    {"meeting", required_argument, NULL, O_MEETING},
    {"audio", no_argument, NULL, O_AUDIO},
    {"whip", no_argument, NULL, O_WHIP},
    {"whep", no_argument, NULL, O_WHEP},
    {"ramp", required_argument, NULL, O_RAMP},
    {"join-storm", required_argument, NULL, O_STORM},
    {"warmup", required_argument, NULL, O_WARMUP},
    {"seconds", required_argument, NULL, O_SECONDS},
    {"join-timeout", required_argument, NULL, O_TIMEOUT},
    {"source", required_argument, NULL, O_SOURCE},
    {"codec", required_argument, NULL, O_CODEC},
    {"packet-rate", required_argument, NULL, O_RATE},
    {"packet-bytes", required_argument, NULL, O_BYTES},
    {"video-kbps", required_argument, NULL, O_KBPS},
    {"fps", required_argument, NULL, O_FPS},
    {"key-seconds", required_argument, NULL, O_KEY_SECONDS},
    {"pacing", required_argument, NULL, O_PACING},
    {"srtp", required_argument, NULL, O_SRTP},
    {"nack", no_argument, NULL, O_NACK},
    {"lose", required_argument, NULL, O_LOSE},
    {"verify", required_argument, NULL, O_VERIFY},
    {"no-gro", no_argument, NULL, O_NO_GRO},
    {"json", required_argument, NULL, O_JSON},
    {"quiet", no_argument, NULL, O_QUIET},
    {"help", no_argument, NULL, O_HELP},
    {"version", no_argument, NULL, O_VERSION},
    {0},
};

/* One of words, separated by spaces; its index, or negative. */
static int word(const char *text, const char *words)
{
    size_t len = strlen(text);
    for (int i = 0; *words; i++) {
        size_t n = strcspn(words, " ");
        if (n == len && strncmp(words, text, n) == 0) {
            return i;
        }
        words += n + strspn(words + n, " ");
    }
    return -EINVAL;
}

static int set_word(const char *text, const char *words, int *ret_value)
{
    int i = word(text, words);
    *ret_value = i < 0 ? 0 : i;
    return i < 0 ? i : 0;
}

static int set_number(const char *text, double least, double most, double *ret_value)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end != '\0' || !(v >= least && v <= most)) {
        return -EINVAL;
    }
    *ret_value = v;
    return 0;
}

static int set_address(struct load_conf *c, enum load_server server, const char *text)
{
    const char *colon = strrchr(text, ':');
    double port;
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof c->host ||
        set_number(colon + 1, 1, 65535, &port)) {
        return -EINVAL;
    }
    c->server = server;
    (void)snprintf(c->host, sizeof c->host, "%.*s", (int)(colon - text), text);
    c->port = (uint16_t)port;
    return 0;
}

static int set_count(struct load_conf *c, int id, const char *text)
{
    const struct {
        int id;
        unsigned *value;
        double least, most;
    } rows[] = {
        {O_ROOMS, &c->rooms, 1, 1000},
        {O_PUBLISHERS, &c->publishers, 1, 50},
        {O_SUBSCRIBERS, &c->subscribers, 0, 20000},
        {O_MEETING, &c->meeting, 2, 50},
        {O_LOSE, &c->lose_percent, 0, 50},
        {O_STORM, &c->join_storm, 1, 5000},
        {O_WARMUP, &c->warmup_s, 0, 3600},
        {O_SECONDS, &c->seconds, 1, 86400},
        {O_TIMEOUT, &c->join_timeout_s, 1, 600},
        {O_BYTES, &c->packet_bytes, LOAD_PACKET_MIN, LOAD_PACKET_MAX},
        {O_KBPS, &c->video_kbps, 50, 50000},
        {O_KEY_SECONDS, &c->key_seconds, 1, 3600},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double v;
        if (rows[i].id == id) {
            int err = set_number(text, rows[i].least, rows[i].most, &v);
            *rows[i].value = err ? *rows[i].value : (unsigned)v;
            return err;
        }
    }
    return -ENOENT;
}

static int set_text(struct load_conf *c, int id, const char *text)
{
    const struct {
        int id;
        const char **value;
    } rows[] = {{O_DATA, &c->data_dir},
                {O_KEY, &c->key},
                {O_TOKEN, &c->token},
                {O_ROOM, &c->room},
                {O_SRTP, &c->srtp},
                {O_JSON, &c->json_path},
                {O_STREAM_KEY, &c->stream_key}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].id == id) {
            *rows[i].value = text;
            return 0;
        }
    }
    return -ENOENT;
}

static int set_flag(struct load_conf *c, int id)
{
    const struct {
        int id;
        bool *value, set;
    } rows[] = {{O_AUDIO, &c->audio, true}, {O_WHIP, &c->whip, true},   {O_WHEP, &c->whep, true},
                {O_NACK, &c->nack, true},   {O_NO_GRO, &c->gro, false}, {O_QUIET, &c->quiet, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].id == id) {
            *rows[i].value = rows[i].set;
            return 0;
        }
    }
    return -ENOENT;
}

static int set_other(struct load_conf *c, int id, const char *text)
{
    int i = 0, err;
    double v = 0;
    switch (id) {
    case O_STOA:
        return set_address(c, LOAD_STOA, text);
    case O_JANUS:
        return set_address(c, LOAD_JANUS, text);
    case O_PID:
        err = set_number(text, 1, 1 << 30, &v);
        c->server_pid = (int)v;
        return err;
    case O_RAMP:
        return set_number(text, 0, 10000, &c->ramp);
    case O_RATE:
        return set_number(text, 1, 20000, &c->packet_rate);
    case O_FPS:
        return set_number(text, 1, 120, &c->fps);
    case O_SOURCE:
        err = set_word(text, "synthetic vp8 h264", &i);
        c->source = i == 0 ? LOAD_SYNTHETIC : LOAD_REAL;
        c->codec = i == 0 ? c->codec : i == 1 ? LOAD_VP8 : LOAD_H264;
        return err;
    case O_CODEC:
        err = set_word(text, "vp8 h264", &i);
        c->codec = (enum load_codec)i;
        return err;
    case O_PACING:
        err = set_word(text, "burst even", &i);
        c->pacing = (enum load_pacing)i;
        return err;
    case O_VERIFY:
        err = strcmp(text, "all") == 0 ? 0 : set_number(text, 1, 1000000, &v);
        c->sample = v > 0 ? (unsigned)v : 1;
        return err;
    default:
        return -ENOENT;
    }
}

static int set(struct load_conf *c, int id, const char *text)
{
    int err = set_flag(c, id);
    err = err == -ENOENT ? set_text(c, id, text) : err;
    err = err == -ENOENT ? set_count(c, id, text) : err;
    return err == -ENOENT ? set_other(c, id, text) : err;
}

static int refuse(const char *option, const char *why)
{
    fprintf(stderr, "stoa-load: --%s: %s (stoa-load --help)\n", option, why);
    return -EINVAL;
}

static const char *const srtp_names = "gcm gcm256 cm";

const char *load_conf_profiles(const struct load_conf *conf)
{
    static const char *const names[] = {"SRTP_AEAD_AES_128_GCM", "SRTP_AEAD_AES_256_GCM",
                                        "SRTP_AES128_CM_SHA1_80"};
    int i = word(conf->srtp, srtp_names);
    return names[i < 0 ? 0 : i];
}

/* What follows from other options, and what does not go together. */
static int settle(struct load_conf *c, bool rate_given, bool sized)
{
    if (word(c->srtp, srtp_names) < 0) {
        return refuse("srtp", "must be gcm, gcm256 or cm");
    }
    if ((c->whip || c->whep) && (c->server == LOAD_JANUS || c->meeting)) {
        return refuse(c->whip ? "whip" : "whep", "not with --janus, nor for a meeting");
    }
    if (c->stream_key && (!c->whip || c->rooms > 1 || c->publishers > 1)) {
        return refuse("stream-key", "is for one publisher, with --whip");
    }
    if (c->meeting) {
        c->audio = true;
        c->publishers = 0;
        c->subscribers = sized ? c->subscribers : 0;
    }
    if (c->video_kbps == 0) {
        c->video_kbps = (unsigned)(c->packet_rate * c->packet_bytes * 8 / 1000);
    } else if (!rate_given) {
        c->packet_rate = (double)c->video_kbps * 1000 / 8 / c->packet_bytes;
    }
    return 0;
}

int load_conf_read(int argc, char **argv, struct load_conf *ret_conf)
{
    const char *env = getenv("STOA_DATA_DIR");
    bool rate_given = false, sized = false;
    int id, index = 0;
    *ret_conf = (struct load_conf){.host = "127.0.0.1",
                                   .port = 8080,
                                   .data_dir = env && env[0] ? env : "./data",
                                   .room = "load",
                                   .srtp = "gcm",
                                   .rooms = 1,
                                   .publishers = 1,
                                   .subscribers = 10,
                                   .ramp = 50,
                                   .seconds = 10,
                                   .warmup_s = 2,
                                   .join_timeout_s = 20,
                                   .packet_bytes = 1100,
                                   .key_seconds = 10,
                                   .packet_rate = 110,
                                   .fps = 30,
                                   .sample = 16,
                                   .gro = true};
    while ((id = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (id == '?') {
            return -EINVAL;
        }
        if (id == O_HELP || id == O_VERSION) {
            fputs(id == O_HELP ? usage : "stoa-load " STOA_VERSION "\n", stdout);
            return 1;
        }
        rate_given |= id == O_RATE;
        sized |= id == O_SUBSCRIBERS;
        if (set(ret_conf, id, optarg)) {
            return refuse(options[index].name, "no usable value");
        }
    }
    if (optind < argc) {
        return refuse(argv[optind], "not an option");
    }
    return settle(ret_conf, rate_given, sized);
}
