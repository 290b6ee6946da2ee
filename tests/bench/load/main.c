/* stoa-load: see docs/load.md. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/load/alloc.h"
#include "tests/bench/load/run.h"

static int write_json(const struct load_report *report, const char *path)
{
    bool standard = strcmp(path, "-") == 0;
    json_t *o = load_report_json(report);
    FILE *f = standard ? stdout : fopen(path, "we");
    int failed = !f || json_dumpf(o, f, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(o);
    if (f) {
        fputc('\n', f);
    }
    if (f && (standard ? fflush(f) : fclose(f))) {
        failed = 1;
    }
    if (failed) {
        perror(path);
    }
    return failed;
}

static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct load_conf conf;
    int err = load_conf_read(argc, argv, &conf);
    if (err) {
        return err < 0 ? 2 : 0;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptors();
    struct load_report *report = load_alloc(1, sizeof *report);
    int status = load_run_play(&conf, report) ? EXIT_FAILURE : EXIT_SUCCESS;
    if (!status && !(conf.json_path && strcmp(conf.json_path, "-") == 0)) {
        load_report_print(report, stdout);
    }
    if (!status && conf.json_path) {
        status = write_json(report, conf.json_path);
    }
    free(report);
    return status;
}
