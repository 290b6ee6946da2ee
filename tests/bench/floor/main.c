/*
 * bench-floor: CPU per packet of receiving, sealing and sending alone; JSON on standard output.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/bench/floor/feeder.h"
#include "tests/bench/floor/loop.h"

static const char usage[] =
    "usage: bench-floor [--destinations N] [--packet-rate N] [--packet-bytes N] [--fps N]\n"
    "                   [--srtp gcm|cm] [--seconds S] [--warmup S] [--cpu N] [--feeder-cpu N]\n";

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static double us(struct timeval t)
{
    return (double)t.tv_sec * 1e6 + (double)t.tv_usec;
}

static void pin(int cpu)
{
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0) {
            perror("affinity");
        }
    }
}

static bool number(struct floor_conf *c, const char *name, const char *text)
{
    const struct {
        const char *name;
        unsigned *whole;
        double *real;
        int *cpu;
        double least, most;
    } rows[] = {
        {"destinations", &c->destinations, NULL, NULL, 1, 10000},
        {"packet-bytes", &c->packet_bytes, NULL, NULL, 100, 1400},
        {"packet-rate", NULL, &c->packet_rate, NULL, 1, 100000},
        {"fps", NULL, &c->fps, NULL, 1, 1000},
        {"seconds", NULL, &c->seconds, NULL, 0.1, 3600},
        {"warmup", NULL, &c->warmup, NULL, 0, 60},
        {"cpu", NULL, NULL, &c->cpu, 0, 1023},
        {"feeder-cpu", NULL, NULL, &c->feeder_cpu, 0, 1023},
    };
    char *end;
    double v = strtod(text, &end);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) != 0) {
            continue;
        }
        if (*end || end == text || v < rows[i].least || v > rows[i].most) {
            return false;
        }
        if (rows[i].whole) {
            *rows[i].whole = (unsigned)v;
        } else if (rows[i].real) {
            *rows[i].real = v;
        } else {
            *rows[i].cpu = (int)v;
        }
        return true;
    }
    return false;
}

static bool parse(int argc, char **argv, struct floor_conf *c)
{
    for (int i = 1; i < argc; i += 2) {
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 >= argc) {
            return false;
        }
        if (strcmp(argv[i], "--srtp") == 0) {
            c->cm = strcmp(argv[i + 1], "cm") == 0;
            if (!c->cm && strcmp(argv[i + 1], "gcm") != 0) {
                return false;
            }
        } else if (!number(c, argv[i] + 2, argv[i + 1])) {
            return false;
        }
    }
    return true;
}

static void measure(const struct floor_conf *c, struct floor_loop *loop,
                    struct floor_feeder *feeder)
{
    struct rusage before, after;
    int64_t start = clock_ns(CLOCK_MONOTONIC), until = start + (int64_t)(c->warmup * 1e9);
    uint64_t all = floor_loop_run(loop, until);
    (void)getrusage(RUSAGE_THREAD, &before);
    int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t sent = floor_loop_run(loop, until + (int64_t)(c->seconds * 1e9));
    double cpu_us = (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu) / 1e3;
    (void)getrusage(RUSAGE_THREAD, &after);
    floor_feeder_stop(feeder);
    all += sent;
    double user = us(after.ru_utime) - us(before.ru_utime);
    double system = us(after.ru_stime) - us(before.ru_stime);
    double share = user + system > 0 ? user / (user + system) : 0, n = sent ? (double)sent : 1;
    uint64_t arrived = floor_feeder_arrived(feeder);
    printf("{\"packets\": %" PRIu64 ", \"cpu_us_per_packet\": %.4f, \"cpu_user_us_per_packet\": "
           "%.4f, \"cpu_system_us_per_packet\": %.4f, \"lost_ratio\": %.6f, \"srtp\": \"%s\"}\n",
           sent, cpu_us / n, cpu_us / n * share, cpu_us / n * (1 - share),
           all > arrived ? (double)(all - arrived) / (double)all : 0.0, c->cm ? "cm" : "gcm");
}

int main(int argc, char **argv)
{
    struct floor_conf conf = {.destinations = 100,
                              .packet_bytes = 1100,
                              .packet_rate = 110,
                              .fps = 30,
                              .seconds = 5,
                              .warmup = 1,
                              .cpu = -1,
                              .feeder_cpu = -1};
    struct sockaddr_in self;
    if (!parse(argc, argv, &conf)) {
        fputs(usage, stderr);
        return 2;
    }
    struct floor_loop *loop = floor_loop_create(&conf, &self);
    struct floor_feeder *feeder = floor_feeder_create(&conf, &self);
    for (unsigned i = 0; i < conf.destinations; i++) {
        floor_loop_destination(loop, i, floor_feeder_address(feeder, i));
    }
    floor_feeder_start(feeder);
    pin(conf.cpu);
    measure(&conf, loop, feeder);
    floor_feeder_destroy(feeder);
    floor_loop_destroy(loop);
    return 0;
}
