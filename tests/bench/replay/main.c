/*
 * bench-replay: forwards a fixed sequence of packets through one real media worker and says how
 * many.  It measures nothing itself: callgrind counts what happens inside replay_turn(), and a
 * tracer counts the system calls of two runs of different length.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "tests/bench/replay/world.h"

enum { WARM_US = 500000, WAIT_US = 200000 };

static void fail(const char *what, int rc)
{
    fprintf(stderr, "bench-replay: %s: %s\n", what, strerror(-rc));
    exit(1);
}

/* The measured part: callgrind collects only in here.  The wait is the one of a running worker. */
__attribute__((noinline)) int replay_turn(struct sfu_loop *loop);
__attribute__((noinline)) int replay_turn(struct sfu_loop *loop)
{
    return sfu_loop_run_once(loop, WAIT_US);
}

static void warm(struct replay_world *w)
{
    for (unsigned i = 0; i < WARM_US / w->scenario->turn_us; i++) {
        (void)!replay_world_feed(w);
        int rc = sfu_loop_run_once(w->worker.loop, WAIT_US);
        if (rc < 0) {
            fail("warm-up", rc);
        }
    }
}

static void run(struct replay_world *w, unsigned length)
{
    uint64_t before = sfu_stat_get(SFU_M_RTP_PACKETS_OUT), expected = 0;
    for (unsigned i = 0; i < w->scenario->turns * length; i++) {
        expected += replay_world_feed(w);
        int rc = replay_turn(w->worker.loop);
        if (rc < 0) {
            fail("turn", rc);
        }
    }
    uint64_t forwarded = sfu_stat_get(SFU_M_RTP_PACKETS_OUT) - before;
    const struct sfu_udp_stats *udp = sfu_udp_stats(w->worker.udp);
    printf("{\"scenario\": \"%s\", \"forwarded\": %" PRIu64 ", \"sends\": %" PRIu64
           ", \"dropped\": %" PRIu64 "}\n",
           w->scenario->name, forwarded, replay_world_sends(w),
           udp->tx_full + udp->tx_unreachable + udp->tx_errors);
    if (forwarded != expected) {
        fprintf(stderr, "bench-replay: %" PRIu64 " packets should have been forwarded\n", expected);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct replay_world world;
    const struct replay_scenario *s = argc >= 2 ? replay_scenario_find(argv[1]) : NULL;
    unsigned long length = argc >= 3 ? strtoul(argv[2], NULL, 10) : 1;
    if (argc == 1) {
        for (unsigned i = 0; (s = replay_scenario_at(i)); i++) {
            puts(s->name);
        }
        return 0;
    }
    if (!s || argc > 3 || length < 1 || length > 100) {
        fputs("usage: bench-replay [SCENARIO [LENGTH]]\n", stderr);
        return 2;
    }
    if (sfu_stat_thread_enter() < 0) {
        fail("counters", -12);
    }
    int rc = replay_world_open(&world, s);
    if (rc < 0) {
        fail("joining", rc);
    }
    warm(&world);
    run(&world, (unsigned)length);
    replay_world_close(&world);
    sfu_stat_thread_leave();
    return 0;
}
