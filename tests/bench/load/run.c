#include "tests/bench/load/run.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/clip.h"
#include "tests/bench/load/run_impl.h"

enum { SOCKET_BUFFER = 32 << 20, CLIP_SECONDS = 10, TICK_MS = 5 };

static const int64_t tick_ns = TICK_MS * 1000000, leave_ns = 300000000;
static const int64_t gather_ns = 1000000;

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "stoa-load: %s: %s\n", what, why);
    return -EIO;
}

static int resolve(struct load_run *r)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    int err = getaddrinfo(r->conf->host, NULL, &hints, &found);
    if (err) {
        return fail(r->conf->host, gai_strerror(err));
    }
    memcpy(&r->world.server, found->ai_addr, sizeof r->world.server);
    r->world.server.sin_port = htons(r->conf->port);
    freeaddrinfo(found);
    return 0;
}

static int take_key(struct load_run *r)
{
    const struct load_conf *c = r->conf;
    if (c->server != LOAD_STOA || c->token) {
        return 0;
    }
    if (c->key) {
        return load_key_parse(c->key, &r->world.key) ? fail("--key", "must be KID:SECRET") : 0;
    }
    int err = load_key_read(c->data_dir, &r->world.key);
    if (err) {
        fprintf(stderr,
                "stoa-load: no development key in %s: %s (name stoad's data folder with --data, or "
                "give --key or --token)\n",
                c->data_dir, strerror(-err));
    }
    return err;
}

static int make_media(struct load_run *r)
{
    const struct load_conf *c = r->conf;
    if (c->audio) {
        r->world.audio = load_clip_opus(2);
    }
    if (c->source == LOAD_REAL) {
        r->world.video = c->codec == LOAD_VP8
                             ? load_clip_vp8((unsigned)c->fps, c->video_kbps, CLIP_SECONDS)
                             : load_clip_h264((unsigned)c->fps, c->video_kbps, CLIP_SECONDS);
    }
    return (c->audio && !r->world.audio) || (c->source == LOAD_REAL && !r->world.video) ? -EIO : 0;
}

static const struct load_driver *driver_of(const struct load_conf *c, bool publishes)
{
    if (c->server == LOAD_JANUS) {
        return &load_driver_janus;
    }
    bool by_http = publishes ? c->whip : c->whep;
    return !by_http ? &load_driver_stoa : publishes ? &load_driver_whip : &load_driver_whep;
}

static void add_client(struct load_run *r, unsigned room, bool publishes, bool subscribes,
                       bool storm)
{
    struct load_client *c = &r->clients[r->count];
    c->world = &r->world;
    c->room = &r->rooms[room];
    c->driver = driver_of(r->conf, publishes);
    c->index = r->count++;
    c->publishes = publishes;
    c->subscribes = subscribes;
    c->storm = storm;
    if (publishes) {
        c->member = c->room->publishers;
        c->room->members[c->room->publishers++] = c;
    }
}

/* Room by room in turn, so that --ramp fills all alike. */
static void add_round_robin(struct load_run *r, unsigned count, bool publishes, bool subscribes,
                            bool storm)
{
    unsigned room = 0;
    for (unsigned i = 0; i < count; i++) {
        add_client(r, room, publishes, subscribes, storm);
        room = room + 1 < r->conf->rooms ? room + 1 : 0;
    }
}

static void make_clients(struct load_run *r)
{
    const struct load_conf *c = r->conf;
    unsigned publishing = c->meeting ? c->meeting : c->publishers;
    r->rooms = load_alloc(c->rooms, sizeof *r->rooms);
    r->clients = load_alloc((size_t)c->rooms * (publishing + c->subscribers) + c->join_storm,
                            sizeof *r->clients);
    for (unsigned i = 0; i < c->rooms; i++) {
        struct load_room *room = &r->rooms[i];
        room->index = i;
        room->members = load_alloc(publishing, sizeof *room->members);
        if (c->rooms == 1) {
            (void)snprintf(room->name, sizeof room->name, "%s", c->room);
        } else {
            (void)snprintf(room->name, sizeof room->name, "%s-%u", c->room, i);
        }
    }
    add_round_robin(r, publishing * c->rooms, true, c->meeting > 0, false);
    r->publishers = r->count;
    add_round_robin(r, c->subscribers * c->rooms, false, true, false);
    r->storm_from = r->count;
    add_round_robin(r, c->join_storm, false, true, true);
}

static int set_up(struct load_run *r)
{
    struct load_world *w = &r->world;
    w->conf = r->conf;
    w->totals = &r->totals;
    RAND_bytes((uint8_t *)&w->nonce, sizeof w->nonce);
    int err = resolve(r);
    if (!err) {
        err = take_key(r);
    }
    if (!err) {
        err = make_media(r);
    }
    if (err) {
        return err;
    }
    make_clients(r);
    if (load_loop_create(&w->loop)) {
        return fail("epoll", strerror(errno));
    }
    struct load_net_conf net = {.loop = w->loop,
                                .server = w->server.sin_addr,
                                .ports = r->count * LOAD_PEERS_MAX,
                                .gro = r->conf->gro,
                                .buffer_bytes = SOCKET_BUFFER};
    if (load_net_create(&net, &w->net)) {
        return fail("UDP", strerror(errno));
    }
    if (load_dtls_ctx_create(load_conf_profiles(r->conf), &w->dtls)) {
        return fail("--srtp", "OpenSSL does not take this profile");
    }
    return 0;
}

static void tear_down(struct load_run *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        load_client_end(&r->clients[i]);
    }
    for (unsigned i = 0; r->rooms && i < r->conf->rooms; i++) {
        free(r->rooms[i].members);
    }
    free(r->clients);
    free(r->rooms);
    load_dtls_ctx_destroy(r->world.dtls);
    load_net_destroy(r->world.net);
    load_loop_destroy(r->world.loop);
    load_clip_destroy(r->world.video);
    load_clip_destroy(r->world.audio);
}

static bool may_begin(const struct load_client *c)
{
    if (c->publishes) {
        return !c->driver->serial_rooms || c->member == 0 || c->room->published > 0;
    }
    return c->room->published == c->room->publishers;
}

/* Those whose turn has come, up to the client "end". */
static void begin_due(struct load_run *r, unsigned end, int64_t now_ns)
{
    double ramp = r->conf->ramp;
    while (r->next < end) {
        struct load_client *c = &r->clients[r->next];
        int64_t due = ramp > 0 && !c->storm
                          ? r->begin_ns + (int64_t)((double)r->next / ramp * (double)LOAD_SECOND_NS)
                          : now_ns;
        if (due > now_ns || !may_begin(c)) {
            return;
        }
        load_client_begin(c, now_ns);
        r->next++;
    }
}

static void progress(struct load_run *r, const char *phase, int64_t now_ns)
{
    if (r->conf->quiet || !isatty(STDERR_FILENO) || now_ns < r->progress_ns) {
        return;
    }
    unsigned up = 0, failed = 0;
    for (unsigned i = 0; i < r->count; i++) {
        up += r->clients[i].state == LOAD_UP;
        failed += r->clients[i].state == LOAD_FAILED;
    }
    uint64_t d = r->totals.delivered;
    fprintf(stderr, "\r%-10s %u of %u up, %u failed, %llu packets/s, %llu dropped here   ", phase,
            up, r->count, failed,
            (unsigned long long)(d >= r->progress_delivered ? d - r->progress_delivered : d),
            (unsigned long long)load_net_lost(r->world.net));
    r->progress_delivered = d;
    r->progress_ns = now_ns + LOAD_SECOND_NS;
}

/* One turn of everything. */
static void turn(struct load_run *r, unsigned begin_end, const char *phase)
{
    int64_t now = load_now_ns(), due = r->tick_at_ns, took = r->turn_ns ? now - r->turn_ns : 0;
    r->longest_ns = took > r->longest_ns ? took : r->longest_ns;
    r->turn_ns = now;
    if (now >= r->tick_at_ns) {
        r->tick_at_ns = now + tick_ns;
        due = r->tick_at_ns;
        begin_due(r, begin_end, now);
        for (unsigned i = 0; i < r->next; i++) {
            load_client_tick(&r->clients[i], now);
        }
        progress(r, phase, now);
    }
    for (unsigned i = 0; i < r->publishers; i++) {
        struct load_peer *p = r->clients[i].peers[0];
        if (p) {
            load_peer_send_due(p, now);
            int64_t next = load_peer_due_ns(p);
            due = next < due ? next : due;
        }
    }
    if (r->settled) {
        /* arrivals are stamped by the kernel, so reading them a little later in one go changes no figure,
         * and a server on the same machine need not wake us for each packet */
        load_sleep_until_ns(due < now + gather_ns ? due : now + gather_ns);
        due = 0;
    }
    load_net_sync(r->world.net);
    load_loop_turn(r->world.loop, due);
}

static const struct load_client *failed_client(const struct load_run *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (r->clients[i].state == LOAD_FAILED) {
            return &r->clients[i];
        }
    }
    return NULL;
}

static bool all_up(const struct load_run *r, unsigned from, unsigned end)
{
    for (unsigned i = from; i < end; i++) {
        const struct load_client *c = &r->clients[i];
        bool has_media = !c->subscribes || load_client_feeds(c) == 0 || c->packet_ns;
        if (c->state != LOAD_UP || !has_media) {
            return false;
        }
    }
    return true;
}

/* Joins everybody but the storm. */
static int join(struct load_run *r)
{
    int64_t stuck_ns = 0;
    while (!all_up(r, 0, r->storm_from)) {
        turn(r, r->storm_from, "joining");
        const struct load_client *c = failed_client(r);
        if (c) {
            fprintf(stderr, "stoa-load: client %u: %s\n", c->index, c->why);
            return -ECONNREFUSED;
        }
        int64_t now = load_now_ns();
        if (r->next < r->storm_from) {
            stuck_ns = 0;
        } else if (stuck_ns == 0) {
            stuck_ns = now;
        } else if (now - stuck_ns > (int64_t)r->conf->join_timeout_s * LOAD_SECOND_NS) {
            return fail("joining", "not everybody gets media in time (--join-timeout)");
        }
    }
    return 0;
}

static void pass(struct load_run *r, int64_t ns, const char *phase)
{
    int64_t until = load_now_ns() + ns;
    while (load_now_ns() < until) {
        turn(r, 0, phase);
    }
}

static bool storm_over(const struct load_run *r)
{
    for (unsigned i = r->storm_from; i < r->count; i++) {
        const struct load_client *c = &r->clients[i];
        if (c->state != LOAD_FAILED && !(c->state == LOAD_UP && c->packet_ns)) {
            return false;
        }
    }
    return true;
}

static void measure(struct load_run *r, const struct load_before *b, struct load_report *rep)
{
    int64_t until = b->at_ns + (int64_t)r->conf->seconds * LOAD_SECOND_NS;
    bool storm = r->conf->join_storm > 0;
    r->settled = !storm;
    while (load_now_ns() < until) {
        turn(r, r->count, "measuring");
        if (storm && storm_over(r)) {
            struct load_proc now;
            storm = false;
            r->settled = true;
            rep->storm_seconds = (double)(load_now_ns() - b->at_ns) / (double)LOAD_SECOND_NS;
            rep->storm_delivered = r->totals.delivered;
            rep->storm_delay_ns = r->totals.delay_ns;
            if (b->server.threads && load_proc_read(r->conf->server_pid, &now) == 0) {
                rep->storm_cpu_ns = (uint64_t)(now.cpu_ns - b->server.cpu_ns);
            }
        }
    }
}

static const struct load_client *staying(const struct load_run *r)
{
    for (unsigned i = 0; i < r->next; i++) {
        if (load_client_stays(&r->clients[i])) {
            return &r->clients[i];
        }
    }
    return NULL;
}

/* Everybody says goodbye; who gets an answer to that waits for it. */
static int leave(struct load_run *r)
{
    int64_t late_ns = load_now_ns() + (int64_t)r->conf->join_timeout_s * LOAD_SECOND_NS;
    for (unsigned i = 0; i < r->next; i++) {
        load_client_leave(&r->clients[i]);
    }
    pass(r, leave_ns, "leaving");
    const struct load_client *c = staying(r);
    while (c && load_now_ns() < late_ns) {
        pass(r, tick_ns, "leaving");
        c = staying(r);
    }
    if (c) {
        fprintf(stderr, "stoa-load: client %u: its session does not end: %s\n", c->index,
                c->why ? c->why : "no answer");
    }
    return c ? -EIO : 0;
}

static int play(struct load_run *r, struct load_report *rep)
{
    struct load_before b = {0};
    if (r->conf->server_pid && load_proc_read(r->conf->server_pid, &r->server_at_start)) {
        return fail("--server-pid", "no such process, or not yours");
    }
    r->begin_ns = r->tick_at_ns = load_now_ns();
    int err = join(r);
    if (!err) {
        r->settled = true;
        pass(r, (int64_t)r->conf->warmup_s * LOAD_SECOND_NS, "warming up");
        load_run_begin(r, &b);
        measure(r, &b, rep);
        load_run_end(r, &b, rep);
        const struct load_client *c = failed_client(r);
        if (c && !c->storm) {
            fprintf(stderr, "stoa-load: client %u: %s\n", c->index, c->why);
            err = -ECONNRESET;
        }
    }
    err = leave(r) && !err ? -EIO : err;
    if (!r->conf->quiet && isatty(STDERR_FILENO)) {
        fputs("\r\033[K", stderr);
    }
    return err;
}

int load_run_play(const struct load_conf *conf, struct load_report *ret_report)
{
    struct load_run *r = load_alloc(1, sizeof *r);
    r->conf = conf;
    ret_report->conf = conf;
    ret_report->profile = "";
    int err = set_up(r);
    if (!err) {
        err = play(r, ret_report);
    }
    /* a literal's address: it outlives the peers */
    tear_down(r);
    free(r);
    return err;
}
