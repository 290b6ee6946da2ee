#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "sfu/base/str.h"
#include "sfu/limits.h"
#include "sfu/log.h"

static const struct {
    const char *name, *text;
} files[] = {
    {"index.html", "<!doctype html><title>demo</title>\n"},
    {"assets/app-DiwrgTda.js", "console.log('app')\n"},
    {"assets/app-DiwrgTda.js.gz", "not really gzip\n"},
    {"assets/plain.css", "body{}\n"},
    {"sub/index.html", "sub\n"},
    {".hidden", "secret\n"},
};

static int lane_open(void *arg, uint64_t lane, const char *remote)
{
    struct fixture *f = arg;
    assert_true(remote[0] != '\0');
    atomic_store(&f->last_lane, lane);
    atomic_fetch_add(&f->opened, 1);
    return 0;
}

static void flood(struct fixture *f, uint64_t lane, const char *text)
{
    unsigned count = 0;
    unsigned bytes = 0;
    if (sscanf(text, "flood %u %u", &count, &bytes) != 2) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        char *m = malloc(bytes);
        memset(m, 'x', bytes);
        if (f->ops.lane_send(f->ops.arg, lane, m, bytes, 0)) {
            free(m);
        }
    }
}

static int lane_text(void *arg, uint64_t lane, char *text, size_t len)
{
    struct fixture *f = arg;
    if (atomic_load(&f->full)) {
        return -ENOBUFS;
    }
    assert_int_equal(text[len], '\0');
    char reason[64] = "";
    unsigned code = 0;
    if (strcmp(text, "accept") == 0) {
        assert_int_equal(f->ops.lane_accept(f->ops.arg, lane), 0);
    } else if (sscanf(text, "close %u %63s", &code, reason) == 2) {
        assert_int_equal(f->ops.lane_close(f->ops.arg, lane, (uint16_t)code, reason), 0);
    } else if (strcmp(text, "full") == 0) {
        atomic_store(&f->full, true);
    } else if (strncmp(text, "flood ", 6) == 0) {
        flood(f, lane, text);
    } else {
        return f->ops.lane_send(f->ops.arg, lane, text, len, 0);
    }
    free(text);
    return 0;
}

static int lane_closed(void *arg, uint64_t lane)
{
    struct fixture *f = arg;
    (void)lane;
    if (atomic_load(&f->full)) {
        return -ENOBUFS;
    }
    atomic_fetch_add(&f->closed, 1);
    return 0;
}

static int add_route(struct fixture *f, const char *method, const char *path)
{
    return sig_edge_add_route(f->edge, &(struct sig_edge_route){.method = method, .path = path});
}

static int http(void *arg, uint64_t request, const struct sfu_lane_request *in)
{
    struct fixture *f = arg;
    if (strstr(in->path, "full")) {
        return -ENOBUFS;
    }
    if (!strstr(in->path, "never")) {
        struct sfu_str s;
        sfu_str_init_grow(&s, 2 << 20);
        sfu_str_printf(&s, "%s %s [%s] %zu:", in->method, in->path, in->authorization, in->len);
        sfu_str_put(&s, in->body ? in->body : "", in->len);
        size_t text_len = s.len;
        char *text = sfu_str_take(&s);
        struct sfu_lane_answer a = {.status = 201,
                                    .content_type = "text/x-test",
                                    .headers = strdup("Location: /v1/echo/made\r\n"),
                                    .body = text,
                                    .len = text_len};
        assert_int_equal(f->ops.http_reply(f->ops.arg, request, &a), 0);
    }
    free(in->body);
    return 0;
}

static void write_file(const char *root, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void make_web(struct fixture *f)
{
    char path[256];
    snprintf(f->web, sizeof f->web, "/tmp/stoa_edge_XXXXXX");
    assert_non_null(mkdtemp(f->web));
    static const char *const folders[] = {"assets", "sub"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", f->web, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(files); i++) {
        write_file(f->web, files[i].name, files[i].text);
    }
    snprintf(path, sizeof path, "%s/link.txt", f->web);
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void remove_web(struct fixture *f)
{
    static const char *const more[] = {"link.txt", "assets", "sub", ""};
    char path[256];
    for (size_t i = 0; i < SFU_ARRAY_LEN(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f->web, files[i].name);
        unlink(path);
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(more); i++) {
        snprintf(path, sizeof path, "%s/%s", f->web, more[i]);
        remove(path);
    }
}

const uint32_t *fixture_limits(int limit, uint32_t value)
{
    static uint32_t limits[SFU_LIMIT_COUNT];
    for (int i = 0; i < SFU_LIMIT_COUNT; i++) {
        limits[i] = sfu_limit_info((enum sfu_limit)i)->value;
    }
    limits[limit] = value;
    return limits;
}

void fixture_start(struct fixture *f, const struct sig_edge_conf *conf)
{
    memset(f, 0, sizeof *f);
    make_web(f);
    static const struct sig_dir_key key = {
        .kid = "dev_test", .tenant = "tn_default", .secret = "0123", .development = true};
    assert_int_equal(sig_auth_create(NULL, 60, &f->auth), 0);
    sig_auth_set_keys(f->auth, &key, 1);
    struct sig_edge_conf c = {.development = true};
    if (conf) {
        c = *conf;
    }
    c.clock = sfu_clock_real();
    c.web_root = f->web;
    c.sdk_root = f->web;
    c.auth = f->auth;
    assert_int_equal(sig_edge_create(&c, &f->edge), 0);
    struct sfu_control_ops control = {.lane_open = lane_open,
                                      .lane_text = lane_text,
                                      .lane_closed = lane_closed,
                                      .http = http,
                                      .arg = f};
    sig_edge_set_control(f->edge, &control);
    static const char *const methods[] = {"GET", "POST", "DELETE"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(add_route(f, methods[i], "/v1/echo/*"), 0);
    }
    assert_int_equal(add_route(f, "GET", "/v1/echo/*"), -EEXIST);
    assert_int_equal(add_route(f, "GET", "/livez"), -EEXIST);
    assert_int_equal(add_route(f, "GET", "v1/x"), -EINVAL);
    assert_int_equal(add_route(f, "BREW", "/v1/x"), -EINVAL);
    f->ops = sig_edge_ops(f->edge);
    f->port = sig_edge_port(f->edge);
    assert_int_equal(sig_edge_start(f->edge), 0);
}

void fixture_stop(struct fixture *f)
{
    sig_edge_stop(f->edge, 0);
    sig_edge_destroy(f->edge);
    sig_auth_destroy(f->auth);
    remove_web(f);
}
