#include "tests/bench/load/proc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/alloc.h"

static FILE *open_proc(int pid, const char *rest)
{
    char *path = load_print("/proc/%d/%s", pid, rest);
    FILE *f = fopen(path, "re");
    free(path);
    return f;
}

static int read_stat(int pid, struct load_proc *p)
{
    char line[1024] = "";
    FILE *f = open_proc(pid, "stat");
    if (!f) {
        return -errno;
    }
    const char *text = fgets(line, sizeof line, f);
    (void)fclose(f);
    const char *at = text ? strrchr(text, ')') : NULL;
    if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
                      &p->user, &p->system) != 2) {
        return -EBADMSG;
    }
    return 0;
}

/* Adds up the values of lines "name: value kB". */
static void read_lines(FILE *f, const char *const names[], uint64_t *const values[], size_t count)
{
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        for (size_t i = 0; i < count; i++) {
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                *values[i] += strtoull(line + strlen(names[i]), NULL, 10);
            }
        }
    }
    if (f) {
        (void)fclose(f);
    }
}

static void read_task(int pid, const char *tid, struct load_proc *p)
{
    static const char *const names[] = {"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"};
    uint64_t *const values[] = {&p->voluntary, &p->involuntary};
    int64_t ran = 0;
    char *rest = load_print("task/%s/schedstat", tid);
    FILE *f = open_proc(pid, rest);
    free(rest);
    if (f) {
        if (fscanf(f, "%" SCNd64, &ran) == 1) {
            p->cpu_ns += ran;
        }
        (void)fclose(f);
    }
    rest = load_print("task/%s/status", tid);
    read_lines(open_proc(pid, rest), names, values, 2);
    free(rest);
}

static unsigned each_entry(int pid, const char *folder,
                           void (*fn)(int pid, const char *name, struct load_proc *p),
                           struct load_proc *p)
{
    unsigned count = 0;
    char *path = load_print("/proc/%d/%s", pid, folder);
    DIR *dir = opendir(path);
    free(path);
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (e->d_name[0] != '.') {
            count++;
            if (fn) {
                fn(pid, e->d_name, p);
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
    return count;
}

int load_proc_read(int pid, struct load_proc *ret_proc)
{
    static const char *const names[] = {"Rss:", "Pss:"};
    struct load_proc p = {0};
    uint64_t *const values[] = {&p.rss_kib, &p.pss_kib};
    int err = read_stat(pid, &p);
    if (err) {
        return err;
    }
    p.threads = each_entry(pid, "task", read_task, &p);
    p.fds = each_entry(pid, "fd", NULL, &p);
    read_lines(open_proc(pid, "smaps_rollup"), names, values, 2);
    *ret_proc = p;
    return 0;
}

int load_machine_read(struct load_machine *ret_machine)
{
    uint64_t v[8] = {0};
    FILE *f = fopen("/proc/stat", "re");
    if (!f) {
        return -errno;
    }
    int n = fscanf(f,
                   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %" SCNu64 " %" SCNu64,
                   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
    (void)fclose(f);
    if (n != 8) {
        return -EBADMSG;
    }
    struct load_machine m = {.steal = v[7]};
    for (size_t i = 0; i < 8; i++) {
        m.total += v[i];
    }
    *ret_machine = m;
    return 0;
}
