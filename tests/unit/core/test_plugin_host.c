/* The seam: descriptors that are not taken, and what the host table does for one that is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/control_world.h"

/* ---- a plugin that tries everything ---- */

struct probe {
    const struct sfu_host *host;
    unsigned events[SFU_EVENT_KINDS];
    unsigned ticks, timers, posts, jobs_done;
    uint64_t later; /* a call that is answered later */
    uint64_t http;
    int worked;
    bool end_in_hook;
    int hook_result;
};

static struct probe *the_probe; /* of the test that runs: the plugin itself keeps none */

static int probe_init(const struct sfu_host *host, const json_t *conf, void **ret_state)
{
    struct probe *p = calloc(1, sizeof *p);
    if (json_is_true(json_object_get(conf, "fail"))) {
        free(p);
        return -EIO;
    }
    p->host = host;
    *ret_state = p;
    the_probe = p;
    return 0;
}

static void probe_fini(void *state)
{
    free(state);
}

static void probe_event(void *state, const struct sfu_event *event)
{
    struct probe *p = state;
    p->events[event->kind]++;
    if (p->end_in_hook && event->kind == SFU_EVENT_PARTICIPANT_JOINED) {
        p->hook_result = p->host->end_session(p->host, event->session, SFU_END_KICKED);
    }
}

static void probe_tick(void *state, int64_t now_us)
{
    assert_true(now_us > 0);
    ((struct probe *)state)->ticks++;
}

static int probe_later(void *state, struct sfu_call *call, const json_t *params, json_t **ret)
{
    (void)params;
    (void)ret;
    ((struct probe *)state)->later = call->id;
    return SFU_LATER;
}

static int probe_error(void *state, struct sfu_call *call, const json_t *params, json_t **ret)
{
    struct probe *p = state;
    (void)ret;
    if (json_object_get(params, "errno")) {
        return -ENOBUFS;
    }
    return p->host->refuse(call, SFU_ERR_NOT_FOUND, "thing", "no thing %d", 7);
}

static int probe_join(void *state, struct sfu_call *call, const json_t *params, json_t **ret)
{
    struct probe *p = state;
    uint64_t participant;
    (void)params;
    (void)ret;
    return p->host->join(p->host, call, NULL, &participant);
}

static int probe_end(void *state, struct sfu_call *call, const json_t *params, json_t **ret)
{
    struct probe *p = state;
    (void)params;
    *ret = json_pack("{s:i}", "never", 1); /* goes nowhere: its session is over */
    return p->host->end_session(p->host, call->session, SFU_END_ROOM_CLOSED);
}

static void probe_http(void *state, const struct sfu_http_request *request)
{
    struct probe *p = state;
    if (strcmp(request->path, "/v1/probe/later") == 0) {
        p->http = request->id;
        return;
    }
    char body[128];
    int len = snprintf(body, sizeof body, "%s %s %s", request->path,
                       request->claims ? request->claims->identity : "nobody",
                       request->body ? request->body : "");
    assert_int_equal(
        p->host->http_reply(p->host, request->id, 200, "text/plain", body, (size_t)len), 0);
    assert_int_equal(p->host->http_reply(p->host, request->id, 200, "text/plain", "", 0), -ENOENT);
}

static const struct sfu_param probe_keys[] = {
    {.name = "fail", .type = SFU_PARAM_BOOL, .doc = "fails"},
    {.name = "n", .type = SFU_PARAM_INT, .max = 9, .doc = "n"},
    {0}};
static const struct sfu_param error_params[] = {
    {.name = "errno", .type = SFU_PARAM_BOOL, .doc = "x"}, {0}};
static const struct sfu_method probe_methods[] = {
    {.name = "probe.later", .fn = probe_later, .doc = "x"},
    {.name = "probe.error", .fn = probe_error, .params = error_params, .doc = "x"},
    {.name = "probe.join", .fn = probe_join, .doc = "x"},
    {.name = "probe.end", .fn = probe_end, .doc = "x"},
    {0}};
static const struct sfu_notification probe_notifications[] = {
    {.name = "probe.said", .doc = "x"},
    {.name = "probe.level", .ephemeral = true, .doc = "x"},
    {0}};
static const struct sfu_http_route probe_routes[] = {
    {"GET", "/v1/probe/*", SFU_PERMIT_SESSION, probe_http, "x", NULL},
    {"POST", "/v1/probe", SFU_PERMIT_ADMIN, probe_http, "x", NULL},
    {"PUT", "/v1/probe", SFU_PERMIT_TOKEN, probe_http, "x", NULL},
    {0}};
static const struct sfu_counter probe_counters[] = {{"one", "x"}, {"two", "x"}, {0}};

static const struct sfu_plugin probe = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "probe",
    .version = "1",
    .keys = probe_keys,
    .methods = probe_methods,
    .notifications = probe_notifications,
    .routes = probe_routes,
    .counters = probe_counters,
    .tick_ms = 100,
    .init = probe_init,
    .fini = probe_fini,
    .event = probe_event,
    .tick = probe_tick,
};
static const struct sfu_plugin *const plugins[] = {&probe, NULL};

static struct world *make(const struct sfu_plugin *const *list)
{
    struct world *w = calloc(1, sizeof *w);
    world_init(w, NULL, list);
    return w;
}

static void end(struct world *w)
{
    world_fini(w);
    free(w);
}

/* ---- descriptors ---- */

static const struct sfu_param bad_table[] = {{.name = "a", .type = SFU_PARAM_ENUM}, {0}};
static const struct sfu_method foreign[] = {{.name = "other.x", .fn = probe_later, .doc = "x"},
                                            {0}};
static const struct sfu_method empty[] = {{.name = "probe.x", .doc = "x"}, {0}};
static const struct sfu_method bad_params[] = {
    {.name = "probe.x", .fn = probe_later, .doc = "x", .params = bad_table}, {0}};
static const struct sfu_method twice[] = {{.name = "probe.x", .fn = probe_later, .doc = "x"},
                                          {.name = "probe.x", .fn = probe_later, .doc = "x"},
                                          {0}};
static const struct sfu_http_route bad_route[] = {
    {"GET", "no/slash", SFU_PERMIT_SESSION, probe_http, "x", NULL}, {0}};

#define CHANGE(name, statement)                                                                    \
    static void name(struct sfu_plugin *p)                                                         \
    {                                                                                              \
        statement;                                                                                 \
    }
CHANGE(newer_abi, p->abi++)
CHANGE(smaller, p->size -= 8)
CHANGE(nameless, p->name = NULL)
CHANGE(capital, p->name = "Probe")
CHANGE(dotted, p->name = "probe.x")
CHANGE(versionless, p->version = NULL)
CHANGE(foreign_method, p->methods = foreign)
CHANGE(empty_method, p->methods = empty)
CHANGE(bad_method, p->methods = bad_params)
CHANGE(bad_keys, p->keys = bad_table)
CHANGE(wrong_route, p->routes = bad_route)
CHANGE(same_method_twice, p->methods = twice)
CHANGE(name_of_the_core, (p->name = "session", p->methods = NULL))

static void what_is_not_taken(void **state)
{
    static const struct {
        void (*change)(struct sfu_plugin *p);
        int err;
    } rows[] = {
        {newer_abi, -EPROTO},        {smaller, -EPROTO},        {nameless, -EPROTO},
        {capital, -EPROTO},          {dotted, -EPROTO},         {versionless, -EPROTO},
        {bad_method, -EPROTO},       {foreign_method, -EPROTO}, {empty_method, -EPROTO},
        {bad_keys, -EPROTO},         {wrong_route, -EPROTO},    {same_method_twice, -EEXIST},
        {name_of_the_core, -EEXIST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct sfu_plugin changed = probe;
        const struct sfu_plugin *const list[] = {&changed, NULL};
        rows[i].change(&changed);
        int err = world_try_init(&w, NULL, list);
        if (err != rows[i].err) {
            print_error("row %zu: %d\n", i, err);
        }
        assert_int_equal(err, rows[i].err);
    }
    struct world w;
    const struct sfu_plugin *const two[] = {&probe, &probe, NULL};
    assert_int_equal(world_try_init(&w, NULL, two), -EEXIST);
}

static void configuration(void **state)
{
    static const struct {
        const char *json;
        int err;
    } rows[] = {
        {"{\"n\":\"5\"}", 0}, /* files know texts only */
        {"{\"n\":5}", 0},
        {"{\"n\":\"50\"}", -EINVAL},
        {"{\"n\":\"x\"}", -EINVAL},
        {"{\"fail\":\"true\"}", -EIO},
        {"{\"fail\":\"maybe\"}", -EINVAL},
        {"{\"other\":1}", -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = make(NULL);
        json_t *conf = json_loads(rows[i].json, 0, NULL);
        assert_int_equal(sfu_control_plugin_add(w->c, &probe, conf), rows[i].err);
        json_decref(conf);
        end(w);
    }
}

static void files_that_are_no_plugins(void **state)
{
    struct world *w = make(NULL);
    static const char *const missing[] = {"none", NULL};
    (void)state;
    assert_int_equal(sfu_control_plugin_load(w->c, "/nonexistent.so", NULL), -EPROTO);
    assert_int_equal(sfu_control_plugin_load(w->c, "libjansson.so.4", NULL),
                     -EPROTO); /* no symbol */
    assert_int_equal(sfu_control_plugin_load_dir(w->c, "/nonexistent", NULL, NULL), -ENOENT);
    assert_int_equal(sfu_control_plugin_load_dir(w->c, "/nonexistent", missing, NULL), -EPROTO);
    end(w);
}

/* ---- the host table ---- */

static void count_it(void *arg)
{
    ++*(unsigned *)arg;
}

static void time_and_counters(void **state)
{
    struct world *w = make(plugins);
    struct probe *p = the_probe;
    const struct sfu_host *host = p->host;
    uint64_t first, second;
    (void)state;
    world_turn(w);
    world_wait(w, 1000000);
    assert_in_range(p->ticks, 9, 10);
    assert_int_equal(host->timer_set(host, 50000, count_it, &p->timers, &first), 0);
    assert_int_equal(host->timer_set(host, 60000, count_it, &p->timers, &second), 0);
    host->timer_cancel(host, second);
    world_wait(w, 40000);
    assert_int_equal(p->timers, 0);
    world_wait(w, 100000);
    assert_int_equal(p->timers, 1);
    host->timer_cancel(host, first); /* stale: changes nothing */
    assert_int_equal(host->post(host, count_it, &p->posts), 0);
    assert_int_equal(p->posts, 0);
    world_turn(w);
    assert_int_equal(p->posts, 1);
    assert_int_equal(host->job(host, count_it, NULL, &p->posts), -ENOSYS);
    host->count(host, 1, 5);
    host->count(host, 99, 5);
    host->log(host, SFU_LOG_INFO, "hello", " n=%d", 5);
    assert_int_equal(host->now_us(host), w->clock.now_us);
    end(w);
}

static void collect(void *arg, const char *plugin, const char *name, const char *doc,
                    uint64_t value)
{
    assert_string_equal(plugin, "probe");
    assert_non_null(doc);
    *(uint64_t *)arg += strcmp(name, "two") == 0 ? value : 0;
}

static void counters_are_listed(void **state)
{
    struct world *w = make(plugins);
    uint64_t sum = 0;
    (void)state;
    the_probe->host->count(the_probe->host, 1, 7);
    sfu_control_plugin_counters(w->c, collect, &sum);
    assert_int_equal(sum, 7);
    end(w);
}

static void work(void *arg)
{
    ((struct probe *)arg)->worked++;
}

static void done(void *arg)
{
    ((struct probe *)arg)->jobs_done++;
}

static void jobs_run_elsewhere(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sfu_control_conf conf;
    (void)state;
    world_conf(w, &conf);
    conf.helper_threads = 2;
    world_init(w, &conf, plugins);
    struct probe *p = the_probe;
    assert_int_equal(p->host->job(p->host, work, done, p), 0);
    while (p->jobs_done == 0) { /* a real thread: no deadline but that of the test program */
        world_turn(w);
        usleep(100);
    }
    assert_int_equal(p->worked, 1);
    end(w);
}

static void answers_may_come_later(void **state)
{
    struct world *w = make(plugins);
    struct probe *p = the_probe;
    struct sfu_error error = {.code = SFU_ERR_QUOTA};
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    assert_null(world_call(w, ann, "probe.later", NULL));
    json_t *result = json_pack("{s:i}", "x", 1);
    assert_int_equal(p->host->reply(p->host, p->later, result), 0);
    assert_int_equal(p->host->reply(p->host, p->later, result), -ENOENT);
    json_decref(result);
    assert_int_equal(world_inbox(w, ann), 1);
    world_forget(w, ann);
    assert_null(world_call(w, ann, "probe.later", NULL));
    assert_int_equal((p->host->fail)(p->host, p->later, &error), 0);
    assert_string_equal(world_error(json_array_get(world_lane(w, ann)->inbox, 0)), "quota");
    /* the lane that asked is gone: the answer goes nowhere */
    assert_null(world_call(w, ann, "probe.later", NULL));
    world_close(w, ann);
    assert_int_equal(p->host->reply(p->host, p->later, NULL), 0);
    uint64_t bob = world_session(w, "demo/bob/", NULL);
    assert_null(world_call(w, bob, "probe.later", NULL));
    json_decref(world_call(w, bob, "session.close", NULL));
    assert_int_equal(p->host->reply(p->host, p->later, NULL), -ENOENT);
    end(w);
}

static void calls_in_flight_are_bounded(void **state)
{
    struct world *w = make(plugins);
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    for (int i = 0; i < 32; i++) {
        assert_null(world_call(w, ann, "probe.later", NULL));
    }
    json_t *reply = world_call(w, ann, "probe.later", NULL);
    assert_string_equal(world_error(reply), "rate_limited");
    json_decref(reply);
    end(w);
}

static void errors_of_methods(void **state)
{
    struct world *w = make(plugins);
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    json_t *reply = world_call(w, ann, "probe.error", NULL);
    assert_string_equal(world_error(reply), "not_found");
    assert_string_equal(world_field(reply), "thing");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(reply, "error"), "message")),
        "no thing 7");
    json_decref(reply);
    reply = world_call(w, ann, "probe.error", json_pack("{s:b}", "errno", 1));
    assert_string_equal(world_error(reply), "unavailable");
    json_decref(reply);
    end(w);
}

static void a_method_may_end_its_own_session(void **state)
{
    struct world *w = make(plugins);
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    assert_null(world_call(w, ann, "probe.end", NULL));
    json_t *closed = world_take(w, ann, "session.closed");
    assert_string_equal(json_string_value(json_object_get(closed, "reason")), "room_closed");
    json_decref(closed);
    assert_true(world_lane(w, ann)->closed);
    end(w);
}

static void a_hook_may_not(void **state)
{
    struct world *w = make(plugins);
    (void)state;
    the_probe->end_in_hook = true;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    json_decref(world_call(w, ann, "probe.join", NULL));
    assert_int_equal(the_probe->hook_result, -EBUSY);
    assert_false(world_lane(w, ann)->closed);
    end(w);
}

static void notifications(void **state)
{
    struct world *w = make(plugins);
    const struct sfu_host *host = the_probe->host;
    json_t *params = json_pack("{s:i}", "x", 1);
    json_t *opened;
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", &opened);
    json_decref(world_call(w, ann, "probe.join", NULL));
    assert_int_equal(host->notify(host, 12345, "probe.said", params), -ENOENT);
    assert_int_equal(host->notify(host, 12345, "participant.joined", params),
                     -EINVAL); /* not its own */
    assert_int_equal(host->notify_room(host, 12345, 0, "probe.said", params), -ENOENT);
    assert_int_equal(the_probe->events[SFU_EVENT_SESSION_OPENED], 1);
    assert_int_equal(the_probe->events[SFU_EVENT_ROOM_OPENED], 1);
    assert_int_equal(the_probe->events[SFU_EVENT_PARTICIPANT_JOINED], 1);
    json_decref(world_call(w, ann, "session.close", NULL));
    assert_int_equal(the_probe->events[SFU_EVENT_PARTICIPANT_LEFT], 1);
    assert_int_equal(the_probe->events[SFU_EVENT_SESSION_CLOSED], 1);
    assert_int_equal(the_probe->events[SFU_EVENT_ROOM_CLOSED], 1);
    json_decref(params);
    json_decref(opened);
    end(w);
}

/* ---- HTTP ---- */

static void http(struct world *w, uint64_t id, const char *method, const char *path,
                 const char *authorization, const char *body)
{
    char *copy = body ? strdup(body) : NULL;
    assert_int_equal(w->in.http(w->in.arg, id,
                                &(struct sfu_lane_request){.method = method,
                                                           .path = path,
                                                           .authorization = authorization,
                                                           .body = copy,
                                                           .len = body ? strlen(body) : 0}),
                     0);
    world_turn(w);
}

static void routes(void **state)
{
    static const struct {
        const char *method, *path, *authorization, *body;
        unsigned status;
        const char *answer; /* NULL: a problem */
    } rows[] = {
        {"GET", "/v1/probe/x", NULL, NULL, 200, "/v1/probe/x nobody "},
        {"GET", "/v1/probe/x", "Bearer demo/ann/A", NULL, 200, "/v1/probe/x nobody "},
        {"GET", "/v1/probe", NULL, NULL, 404, NULL},
        {"GET", "/v1/other", NULL, NULL, 404, NULL},
        {"POST", "/v1/probe", NULL, "b", 401, NULL},
        {"POST", "/v1/probe", "Basic x", "b", 401, NULL},
        {"POST", "/v1/probe", "Bearer nonsense", "b", 401, NULL},
        {"POST", "/v1/probe", "Bearer demo/ann/mcr", "b", 403, NULL},
        {"POST", "/v1/probe", "Bearer demo/ann/A", "b", 200, "/v1/probe ann b"},
        {"PUT", "/v1/probe", "Bearer demo/ann/", "b", 200, "/v1/probe ann b"},
        {"PUT", "/v1/probe", "Bearer demo/bad/", "b", 401, NULL}, /* revoked */
    };
    struct world *w = make(plugins);
    (void)state;
    snprintf(w->revoked[w->revoked_count++], 65, "demo/bad/");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        http(w, i + 1, rows[i].method, rows[i].path, rows[i].authorization, rows[i].body);
        const struct world_http *h = &w->http[i];
        assert_int_equal(w->http_count, i + 1);
        assert_int_equal(h->id, i + 1);
        assert_int_equal(h->status, rows[i].status);
        if (rows[i].answer) {
            assert_string_equal(h->body, rows[i].answer);
        } else {
            assert_string_equal(h->type, "application/problem+json");
        }
    }
    assert_true(sfu_control_has_route(w->c, "GET", "/v1/probe/a/b"));
    assert_false(sfu_control_has_route(w->c, "DELETE", "/v1/probe/a"));
    end(w);
}

static void headers_of_answers(void **state)
{
    static const struct {
        struct sfu_http_header header;
        int err;
    } rows[] = {
        {{"Location", "/x"}, 0},          {{"Link", "<stun:a>; rel=\"ice-server\""}, 0},
        {{"Location", ""}, -EINVAL},      {{"Location", "/x\r\nSet-Cookie: a=b"}, -EINVAL},
        {{"Location", "/x\n"}, -EINVAL},  {{"ETag", "\"\xc3\xa4\""}, -EINVAL},
        {{"Set-Cookie", "a=b"}, -EINVAL}, {{"Content-Length", "9"}, -EINVAL},
        {{"location", "/x"}, -EINVAL},
    };
    struct world *w = make(plugins);
    struct probe *p = the_probe;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sfu_http_header list[] = {{"ETag", "\"1\""}, rows[i].header, {0}};
        const struct sfu_http_answer a = {.status = 201, .headers = list};
        http(w, i + 1, "GET", "/v1/probe/later", NULL, NULL);
        assert_int_equal(p->host->http_answer(p->host, p->http, &a), rows[i].err);
        if (rows[i].err != 0) { /* nothing was sent: it can be answered still */
            assert_int_equal(p->host->http_problem(p->host, p->http,
                                                   &(struct sfu_error){.code = SFU_ERR_RATE_LIMITED,
                                                                       .retry_after_ms = 1500}),
                             0);
        }
        world_turn(w);
        const struct world_http *h = &w->http[w->http_count - 1];
        assert_int_equal(h->status, rows[i].err ? 429 : 201);
        assert_string_equal(h->headers, rows[i].err ? "Retry-After: 2\r\n"
                                        : i == 0    ? "ETag: \"1\"\r\nLocation: /x\r\n"
                                                    : h->headers);
    }
    end(w);
}

/* What edge would refuse for good, and so hold up everybody's answers, is refused at once. */
static void answers_that_are_none(void **state)
{
    static const struct {
        unsigned status;
        const char *type, *body;
        int err;
    } rows[] = {
        {200, "text/plain", "x", 0},
        {200, NULL, "", 0},
        {599, "text/plain", "", 0},
        {204, NULL, "", 0},
        {204, "text/plain", "x", -EINVAL},
        {304, "text/plain", "x", -EINVAL},
        {0, "text/plain", "x", -EINVAL},
        {100, "text/plain", "", -EINVAL},
        {600, "text/plain", "x", -EINVAL},
        {200, "text/plain\r\nSet-Cookie: a=b", "x", -EINVAL},
        {200, "text/\xc3\xa4", "x", -EINVAL},
        {200, "text/plain; x=567890123456789012345678901234567890123456789012345678901234", "x",
         -EINVAL},
    };
    struct world *w = make(plugins);
    struct probe *p = the_probe;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        http(w, i + 1, "GET", "/v1/probe/later", NULL, NULL);
        assert_int_equal(p->host->http_reply(p->host, p->http, rows[i].status, rows[i].type,
                                             rows[i].body, strlen(rows[i].body)),
                         rows[i].err);
        if (rows[i].err != 0) {
            assert_int_equal(p->host->http_reply(p->host, p->http, 200, "a/b", "", 0), 0);
        }
        world_turn(w);
        assert_int_equal(w->http[w->http_count - 1].status, rows[i].err ? 200 : rows[i].status);
    }
    end(w);
}

static void more_requests_than_can_wait(void **state)
{
    enum { MANY = 1100 };
    struct world *w = make(plugins);
    (void)state;
    for (uint64_t i = 1; i <= MANY && w->http_count == 0; i++) {
        http(w, i, "GET", "/v1/probe/later", NULL, NULL);
    }
    assert_int_equal(w->http_count, 1);
    assert_int_equal(w->http[0].status, 503);
    assert_string_equal(w->http[0].type, "application/problem+json");
    assert_string_equal(w->http[0].headers, "Retry-After: 5\r\n");
    assert_non_null(strstr(w->http[0].body, "\"unavailable\""));
    end(w);
}

static void late_http_answers(void **state)
{
    struct world *w = make(plugins);
    struct probe *p = the_probe;
    (void)state;
    http(w, 7, "GET", "/v1/probe/later", NULL, NULL);
    assert_int_equal(w->http_count, 0);
    w->edge_full = true;
    assert_int_equal(p->host->http_reply(p->host, p->http, 201, "text/plain", "late", 4), 0);
    world_wait(w, 10000);
    assert_int_equal(w->http_count, 0);
    w->edge_full = false;
    world_wait(w, 10000);
    assert_int_equal(w->http[0].status, 201);
    http(w, 8, "GET", "/v1/probe/later", NULL, NULL);
    world_wait(w, 31000000);
    assert_int_equal(w->http[1].status, sfu_err_info(SFU_ERR_TIMEOUT)->http);
    assert_int_equal(p->host->http_reply(p->host, p->http, 200, "text/plain", "", 0), -ENOENT);
    http(w, 9, "GET", "/v1/probe/later", NULL, NULL); /* open at the end: not leaked */
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_taken),
        cmocka_unit_test(configuration),
        cmocka_unit_test(files_that_are_no_plugins),
        cmocka_unit_test(time_and_counters),
        cmocka_unit_test(counters_are_listed),
        cmocka_unit_test(jobs_run_elsewhere),
        cmocka_unit_test(answers_may_come_later),
        cmocka_unit_test(calls_in_flight_are_bounded),
        cmocka_unit_test(errors_of_methods),
        cmocka_unit_test(a_method_may_end_its_own_session),
        cmocka_unit_test(a_hook_may_not),
        cmocka_unit_test(notifications),
        cmocka_unit_test(routes),
        cmocka_unit_test(headers_of_answers),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(more_requests_than_can_wait),
        cmocka_unit_test(late_http_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
