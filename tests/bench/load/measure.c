#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/load/run_impl.h"

static int64_t own_cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * LOAD_SECOND_NS +
           ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static uint64_t sent_by(const struct load_client *c)
{
    return c->publishes && c->peers[0] ? load_peer_sent(c->peers[0]) : 0;
}

/* Receivers that were there from the beginning, besides a publisher itself. */
static unsigned receivers(const struct load_run *r, const struct load_client *publisher)
{
    unsigned count = 0;
    for (unsigned i = 0; i < r->storm_from; i++) {
        const struct load_client *c = &r->clients[i];
        count += c->room == publisher->room && c->subscribes && c != publisher;
    }
    return count;
}

static void add_sent(const struct load_run *r, struct load_report *rep)
{
    for (unsigned i = 0; i < r->publishers; i++) {
        const struct load_client *c = &r->clients[i];
        uint64_t sent = sent_by(c) - c->sent_before;
        rep->sent += sent;
        rep->expected += sent * receivers(r, c);
    }
}

void load_run_begin(struct load_run *r, struct load_before *b)
{
    for (unsigned i = 0; i < r->storm_from; i++) {
        for (unsigned k = 0; k < LOAD_PEERS_MAX; k++) {
            if (r->clients[i].peers[k]) {
                load_peer_reset(r->clients[i].peers[k]);
                load_peer_measure_delay(r->clients[i].peers[k], true);
            }
        }
    }
    for (unsigned i = 0; i < r->publishers; i++) {
        r->clients[i].sent_before = sent_by(&r->clients[i]);
    }
    memset(&r->totals, 0, sizeof r->totals);
    r->progress_delivered = 0;
    b->rx_lost = load_net_lost(r->world.net);
    b->clock_steps = load_net_clock_steps(r->world.net);
    b->own_ns = own_cpu_ns();
    if (load_machine_read(&b->machine)) {
        b->machine = (struct load_machine){0};
    }
    if (r->conf->server_pid && load_proc_read(r->conf->server_pid, &b->server)) {
        b->server = (struct load_proc){0};
    }
    r->longest_ns = r->turn_ns = 0;
    b->at_ns = load_now_ns();
}

static void add_joins(const struct load_run *r, struct load_joins *j)
{
    unsigned from = r->conf->join_storm ? r->storm_from : 0;
    for (unsigned i = from; i < r->count; i++) {
        const struct load_client *c = &r->clients[i];
        if (!c->subscribes) {
            continue;
        }
        j->count++;
        j->failed += c->state != LOAD_UP;
        if (c->answer_ns) {
            load_hist_add(&j->answer_us, (c->answer_ns - c->begin_ns) / 1000);
        }
        if (c->ice_ns) {
            load_hist_add(&j->ice_us, (c->ice_ns - c->begin_ns) / 1000);
        }
        if (c->dtls_ns) {
            load_hist_add(&j->dtls_us, (c->dtls_ns - c->begin_ns) / 1000);
        }
        if (c->packet_ns) {
            load_hist_add(&j->packet_us, (c->packet_ns - c->begin_ns) / 1000);
        }
        if (c->key_ns) {
            load_hist_add(&j->key_us, (c->key_ns - c->begin_ns) / 1000);
        }
    }
}

static void server_difference(struct load_report *rep, const struct load_proc *a,
                              const struct load_proc *b)
{
    rep->has_server = true;
    rep->server = *b;
    rep->server.user = b->user - a->user;
    rep->server.system = b->system - a->system;
    rep->server.cpu_ns = b->cpu_ns - a->cpu_ns;
    rep->server.voluntary = b->voluntary - a->voluntary;
    rep->server.involuntary = b->involuntary - a->involuntary;
    /* the scheduler's time of threads that ended is gone; the process's coarser count has it */
    int64_t tick_ns = LOAD_SECOND_NS / sysconf(_SC_CLK_TCK);
    int64_t counted_ns = (int64_t)(rep->server.user + rep->server.system) * tick_ns;
    if (b->threads < a->threads || rep->server.cpu_ns + 2 * tick_ns < counted_ns) {
        rep->server.cpu_ns = counted_ns;
        rep->server.voluntary = rep->server.involuntary = 0;
    }
}

void load_run_end(struct load_run *r, const struct load_before *b, struct load_report *rep)
{
    struct load_proc server;
    struct load_machine machine;
    struct load_peer_sums sums = {0};
    int64_t wall = load_now_ns() - b->at_ns;
    if (b->server.threads && load_proc_read(r->conf->server_pid, &server) == 0) {
        server_difference(rep, &b->server, &server);
        rep->server_at_start = r->server_at_start;
    }
    rep->generator_share = (double)(own_cpu_ns() - b->own_ns) / (double)wall;
    if (b->machine.total && load_machine_read(&machine) == 0 && machine.total > b->machine.total) {
        rep->steal =
            (double)(machine.steal - b->machine.steal) / (double)(machine.total - b->machine.total);
    }
    for (unsigned i = 0; i < r->count; i++) {
        const struct load_client *c = &r->clients[i];
        rep->streams_expected += load_client_tracks_expected(c);
        for (unsigned k = 0; k < LOAD_PEERS_MAX; k++) {
            if (c->peers[k]) {
                load_peer_add_sums(c->peers[k], &sums);
                rep->profile = load_peer_profile(c->peers[k]);
            }
        }
    }
    rep->seconds = (double)wall / (double)LOAD_SECOND_NS;
    add_sent(r, rep);
    rep->delivered = r->totals.delivered;
    rep->bytes = r->totals.bytes;
    rep->retransmitted = r->totals.retransmitted;
    rep->opened = r->totals.opened;
    rep->bad = r->totals.bad;
    rep->unknown = r->totals.unknown;
    rep->nacked = r->totals.nacked;
    rep->recovered = r->totals.recovered;
    rep->delay_ns = r->totals.delay_ns;
    rep->received = sums.received;
    rep->lost = sums.lost;
    rep->reordered = sums.reordered;
    rep->doubles = sums.doubles;
    rep->streams = sums.streams;
    rep->rx_lost = load_net_lost(r->world.net) - b->rx_lost;
    rep->stall_ns = r->longest_ns;
    rep->clock_steps = load_net_clock_steps(r->world.net) - b->clock_steps;
    add_joins(r, &rep->joins);
}
