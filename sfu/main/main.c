/*
 * sfu/main/main.c - stoad: command line, configuration, signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sfu/base/clock.h"
#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "sfu/main/conf.h"
#include "sfu/main/server.h"
#include "sfu/main/trim.h"

enum { MAX_PLUGIN_OPTIONS = 16, WATCH_MS = 250, OWN_PAGES_BYTES = 256 * 1024 };

extern char **environ;

enum what { RUN, CHECK_CONFIG, PRINT_CONFIG, PRINT_DEFAULT, REFERENCE, VERSION, HELP };

struct options {
    enum what what;
    const char *conf;
    const char *plugins[MAX_PLUGIN_OPTIONS + 1];
    unsigned plugin_count;
};

static const struct option long_options[] = {
    {"conf", required_argument, NULL, 'c'},
    {"plugin", required_argument, NULL, 'p'},
    {"check-config", no_argument, NULL, 'k'},
    {"print-config", no_argument, NULL, 'P'},
    {"default-config", no_argument, NULL, 'D'},
    {"reference", no_argument, NULL, 'r'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "usage: stoad [options]\n"
    "  -c, --conf FILE      configuration (YAML); without it: the defaults and the environment\n"
    "      --plugin FILE    load this plugin too (repeatable)\n"
    "      --check-config   say whether the configuration is right, and exit\n"
    "      --print-config   print the configuration in force, secrets masked, and exit\n"
    "      --default-config print the commented default configuration, and exit\n"
    "      --reference      print every method, notification and table as Markdown, and exit\n"
    "  -v, --version        print the version, and exit\n"
    "  -h, --help           print this, and exit\n"
    "Every key of the configuration can be set by STOA_SECTION_KEY in the environment.\n";

static int parse(int argc, char **argv, struct options *o)
{
    int c;
    while ((c = getopt_long(argc, argv, "c:vh", long_options, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->conf = optarg;
            break;
        case 'p':
            if (o->plugin_count == MAX_PLUGIN_OPTIONS) {
                fprintf(stderr, "stoad: too many --plugin options\n");
                return -EINVAL;
            }
            o->plugins[o->plugin_count++] = optarg;
            break;
        case 'k':
            o->what = CHECK_CONFIG;
            break;
        case 'P':
            o->what = PRINT_CONFIG;
            break;
        case 'D':
            o->what = PRINT_DEFAULT;
            break;
        case 'r':
            o->what = REFERENCE;
            break;
        case 'v':
            o->what = VERSION;
            break;
        case 'h':
            o->what = HELP;
            break;
        default:
            fputs(usage, stderr);
            return -EINVAL;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "stoad: unexpected argument: %s\n%s", argv[optind], usage);
        return -EINVAL;
    }
    return 0;
}

static void print(void (*fn)(struct sfu_str *out))
{
    struct sfu_str out;
    sfu_str_init_grow(&out, 1 << 20);
    fn(&out);
    fputs(sfu_str_cstr(&out), stdout);
    sfu_str_fini(&out);
}

/*
 * A reader that stops (Ctrl-S, a pager) must stop no thread of ours: lines are lost instead.  A
 * pipe or terminal is opened once more, since O_NONBLOCK would else be everybody's who shares it; a
 * file does not block, and a socket cannot be opened.
 */
static int log_fd(void)
{
    struct stat st;
    if (fstat(STDERR_FILENO, &st) != 0 || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        return STDERR_FILENO;
    }
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? STDERR_FILENO : fd;
}

static int set_up_log(const struct sfu_conf *conf)
{
    enum sfu_log_level level;
    enum sfu_log_format format =
        strcmp(conf->log.format, "json") == 0 ? SFU_LOG_JSON : SFU_LOG_TEXT;
    sfu_log_init(log_fd(), format, sfu_clock_real());
    int rc = sfu_log_level_find(conf->log.level, &level);
    if (rc < 0) {
        return rc;
    }
    sfu_log_set_all(level);
    return conf->log.components[0] ? sfu_log_set_spec(conf->log.components) : 0;
}

/* Blocked in every thread, so that only the loop below takes them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void trim(struct trim *t)
{
    uint64_t changes =
        sfu_stat_get(SFU_M_DTLS_STARTED) + (uint64_t)sfu_stat_gauge_get(SFU_M_OPEN_PEERS);
    if (trim_due(t, changes, sfu_clock_mono_us(sfu_clock_real()))) {
        (void)malloc_trim(0);
    }
}

static void serve(struct server *server, const sigset_t *signals)
{
    struct trim t = {0};
    const struct timespec wait = {.tv_nsec = WATCH_MS * 1000000L};
    int sig;
    do {
        sig = sigtimedwait(signals, NULL, &wait);
        server_watch(server);
        trim(&t);
    } while (sig < 0);
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_MAIN, "stopping", "signal=%s", sig == SIGINT ? "INT" : "TERM");
    server_drain(server);
}

static int run(const struct sfu_conf *conf, const struct options *o)
{
    struct server *server;
    sigset_t signals;
    char url[256];
    block_signals(&signals);
    int rc = server_create(conf, o->plugins, &server);
    if (rc < 0) {
        return rc;
    }
    rc = server_start(server);
    if (rc == 0) {
        server_url(server, url, sizeof url);
        SFU_LOG(SFU_LOG_INFO, SFU_COMP_MAIN, "ready", "version=%s url=%s", STOA_VERSION, url);
        printf("\n  Stoa is ready: open %s in a browser.  Ctrl-C stops it.\n\n", url);
        fflush(stdout);
        serve(server, &signals);
    }
    server_destroy(server);
    return rc;
}

static int with_conf(const struct options *o)
{
    struct sfu_conf *conf;
    struct sfu_conf_error error;
    struct sfu_str out;
    int rc = sfu_conf_load(o->conf, environ, &conf, &error);
    if (rc < 0) {
        fprintf(stderr, "stoad: %s\n", error.text);
        return rc;
    }
    rc = set_up_log(conf);
    if (rc < 0) {
        fprintf(stderr, "stoad: log.level or log.components is wrong\n");
    } else if (o->what == CHECK_CONFIG) {
        puts("the configuration is right");
    } else if (o->what == PRINT_CONFIG) {
        sfu_str_init_grow(&out, 1 << 20);
        sfu_conf_print(conf, &out);
        fputs(sfu_str_cstr(&out), stdout);
        sfu_str_fini(&out);
    } else if (o->what == REFERENCE) {
        rc = server_print_reference(conf, o->plugins);
    } else {
        rc = run(conf, o);
    }
    sfu_conf_destroy(conf);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {.what = RUN};
    /* a history or a kept key frame gets pages of its own, untouched until used and given back with
     * its peer; by itself glibc stops that at the first free, and calloc then touches all of it */
    (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
    if (parse(argc, argv, &o) < 0) {
        return 2;
    }
    switch (o.what) {
    case VERSION:
        puts("stoad " STOA_VERSION);
        return 0;
    case HELP:
        fputs(usage, stdout);
        return 0;
    case PRINT_DEFAULT:
        print(sfu_conf_print_default);
        return 0;
    default:
        return with_conf(&o) < 0 ? 1 : 0;
    }
}
