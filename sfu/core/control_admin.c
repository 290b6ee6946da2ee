#include "sfu/core/control_admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/method_params.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/core/rpc.h"

#define STREAMKEYS "/admin/v1/streamkeys"

/* A request that waits for the database. */
struct wait {
    struct sfu_control *c;
    uint64_t request;
};

static void refuse(struct sfu_control *c, uint64_t request, const struct sfu_error *error)
{
    const struct sfu_host *host = &c->core->host;
    (void)host->http_problem(host, request, error); /* -ENOENT: its client went */
}

static void refuse_errno(struct sfu_control *c, uint64_t request, int err, const char *field)
{
    struct sfu_error error = {0};
    enum sfu_err code = err == -ENOBUFS ? SFU_ERR_QUOTA : sfu_err_from_errno(err);
    sfu_error_set(&error, code, field, NULL);
    refuse(c, request, &error);
}

static void answer_json(struct sfu_control *c, uint64_t request, unsigned status, json_t *body)
{
    const struct sfu_host *host = &c->core->host;
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    if (!text) {
        refuse_errno(c, request, -ENOMEM, NULL);
        return;
    }
    (void)host->http_answer(host, request,
                            &(struct sfu_http_answer){.status = status,
                                                      .content_type = "application/json",
                                                      .body = text,
                                                      .len = strlen(text)});
    free(text);
}

static json_t *key_json(const struct sfu_streamkey *key)
{
    return json_pack("{s:s, s:s, s:s, s:I}", "id", key->id, "room", key->room, "name", key->name,
                     "created_us", (json_int_t)key->created_us);
}

static bool administers(const struct sfu_claims *who, const struct sfu_streamkey *key)
{
    return strcmp(who->tenant, key->tenant) == 0 &&
           (!who->room[0] || strcmp(who->room, key->room) == 0);
}

static struct wait *wait_new(struct sfu_control *c, uint64_t request)
{
    struct wait *w = malloc(sizeof *w);
    if (w) {
        *w = (struct wait){.c = c, .request = request};
    } else {
        refuse_errno(c, request, -ENOMEM, NULL);
    }
    return w;
}

/* ---- POST ---- */

static void on_created(void *arg, int err, const struct sfu_streamkey *key, const char *text)
{
    struct wait *w = arg;
    json_t *body = err ? NULL : key_json(key);
    if (err || !body || json_object_set_new(body, "key", json_string(text)) != 0) {
        refuse_errno(w->c, w->request, err ? err : -ENOMEM, "room");
        json_decref(body);
    } else {
        answer_json(w->c, w->request, 201, body);
    }
    free(w);
}

static const struct sfu_param create_fields[] = {
    {.name = "room",
     .type = SFU_PARAM_STRING,
     .required = true,
     .min = 1,
     .max = SFU_ROOM_NAME_BYTES},
    {.name = "name", .type = SFU_PARAM_STRING, .max = SFU_STREAMKEY_NAME_BYTES},
    {0}};

static void create_key(void *state, const struct sfu_http_request *request)
{
    struct sfu_control *c = state;
    struct sfu_error error = {0};
    json_t *body = sfu_rpc_json(request->body ? request->body : "", request->len, &error);
    if (body && !json_is_object(body)) {
        sfu_error_set(&error, SFU_ERR_INVALID_PARAM, NULL, "must be an object");
        json_decref(body);
        body = NULL;
    }
    if (!body || sfu_params_check(create_fields, body, &error) != 0) {
        json_decref(body);
        refuse(c, request->id, &error);
        return;
    }
    const char *room = json_string_value(json_object_get(body, "room"));
    const char *name = json_string_value(json_object_get(body, "name"));
    const struct sfu_claims *who = request->claims;
    int err = who->room[0] && strcmp(who->room, room) != 0 ? -EACCES
              : c->directory.streamkey_create              ? 0
                                                           : -ENOSYS;
    struct wait *w = err == 0 ? wait_new(c, request->id) : NULL;
    if (w) {
        err = c->directory.streamkey_create(c->directory.self, who->tenant, room, name ? name : "",
                                            on_created, w);
    }
    if (err != 0) {
        free(w);
        refuse_errno(c, request->id, err, "room");
    }
    json_decref(body);
}

/* ---- GET ---- */

static void list_keys(void *state, const struct sfu_http_request *request)
{
    struct sfu_control *c = state;
    struct sfu_streamkey key;
    json_t *rows = json_array();
    const struct sfu_directory_ops *d = &c->directory;
    for (size_t i = 0; rows && d->streamkey_at && d->streamkey_at(d->self, i, &key); i++) {
        if (administers(request->claims, &key) &&
            json_array_append_new(rows, key_json(&key)) != 0) {
            json_decref(rows);
            rows = NULL;
        }
    }
    json_t *body = rows ? json_pack("{s:o}", "streamkeys", rows) : NULL;
    if (body) {
        answer_json(c, request->id, 200, body);
    } else {
        refuse_errno(c, request->id, -ENOMEM, NULL);
    }
}

/* ---- DELETE ---- */

static void on_revoked(void *arg, int err, const struct sfu_streamkey *key, const char *text)
{
    struct wait *w = arg;
    const struct sfu_host *host = &w->c->core->host;
    (void)key;
    (void)text;
    if (err != 0) {
        refuse_errno(w->c, w->request, err, "id");
    } else {
        (void)host->http_answer(host, w->request, &(struct sfu_http_answer){.status = 204});
    }
    free(w);
}

static bool find_key(struct sfu_control *c, const char *id, struct sfu_streamkey *ret_key)
{
    const struct sfu_directory_ops *d = &c->directory;
    for (size_t i = 0; d->streamkey_at && d->streamkey_at(d->self, i, ret_key); i++) {
        if (strcmp(ret_key->id, id) == 0) {
            return true;
        }
    }
    return false;
}

static void revoke_key(void *state, const struct sfu_http_request *request)
{
    struct sfu_control *c = state;
    struct sfu_streamkey key;
    const char *id = request->path + strlen(STREAMKEYS "/");
    if (!find_key(c, id, &key) || !administers(request->claims, &key)) {
        refuse_errno(c, request->id, -ENOENT, "id");
        return;
    }
    struct wait *w = wait_new(c, request->id);
    int err =
        w ? c->directory.streamkey_revoke(c->directory.self, key.tenant, id, on_revoked, w) : 0;
    if (err != 0) {
        free(w);
        refuse_errno(c, request->id, err, "id");
    }
}

const struct sfu_http_route sfu_control_admin_routes[] = {
    {.method = "POST",
     .path = STREAMKEYS,
     .permit = SFU_PERMIT_ADMIN,
     .fn = create_key,
     .doc = "Makes a stream key: `{\"room\", \"name\"?}`; `key` of the answer is shown this once.",
     .accept = "application/json"},
    {.method = "GET",
     .path = STREAMKEYS,
     .permit = SFU_PERMIT_ADMIN,
     .fn = list_keys,
     .doc = "The stream keys in use."},
    {.method = "DELETE",
     .path = STREAMKEYS "/*",
     .permit = SFU_PERMIT_ADMIN,
     .fn = revoke_key,
     .doc = "Revokes one: what streams with it ends within seconds."},
    {0}};
