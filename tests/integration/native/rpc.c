#include "tests/integration/native/rpc.h"

#include <glib.h>
#include <stdlib.h>

#include "tests/integration/native/ws.h"

struct call {
    nat_rpc_fn fn;
    void *arg;
};

struct nat_rpc {
    struct nat_ws *ws;
    const struct nat_rpc_ops *ops;
    void *arg;
    GHashTable *calls; /* id -> struct call */
    int next_id;
};

static void on_opened(void *arg)
{
    struct nat_rpc *rpc = arg;
    rpc->ops->opened(rpc->arg);
}

static void on_closed(void *arg, uint16_t code, const char *reason)
{
    struct nat_rpc *rpc = arg;
    rpc->ops->closed(rpc->arg, code, reason);
}

static void on_answer(struct nat_rpc *rpc, const json_t *message)
{
    gpointer id = GINT_TO_POINTER((int)json_integer_value(json_object_get(message, "id")));
    struct call *call = g_hash_table_lookup(rpc->calls, id);
    if (!call) {
        return;
    }
    g_hash_table_steal(rpc->calls, id);
    if (call->fn) {
        call->fn(call->arg, json_object_get(message, "result"), json_object_get(message, "error"));
    }
    g_free(call);
}

static void on_text(void *arg, const char *text)
{
    struct nat_rpc *rpc = arg;
    json_t *message = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *method = json_string_value(json_object_get(message, "method"));
    if (!json_is_object(message)) {
        rpc->ops->closed(rpc->arg, 1003, "not JSON");
    } else if (method) {
        rpc->ops->notified(rpc->arg, method, json_object_get(message, "params"));
    } else {
        on_answer(rpc, message);
    }
    json_decref(message);
}

static const struct nat_ws_ops ws_ops = {on_opened, on_text, on_closed};

struct nat_rpc *nat_rpc_connect(const char *host, uint16_t port, const struct nat_rpc_ops *ops,
                                void *arg)
{
    struct nat_rpc *rpc = g_new0(struct nat_rpc, 1);
    rpc->ops = ops;
    rpc->arg = arg;
    rpc->calls = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    rpc->ws = nat_ws_connect(host, port, "/v1/rtc", "stoa.v1", &ws_ops, rpc);
    return rpc;
}

void nat_rpc_call(struct nat_rpc *rpc, const char *method, json_t *params, nat_rpc_fn fn, void *arg)
{
    int id = ++rpc->next_id;
    json_t *message = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", id, "method",
                                method, "params", params);
    char *text = json_dumps(message, JSON_COMPACT);
    struct call *call = g_new0(struct call, 1);
    *call = (struct call){fn, arg};
    g_hash_table_insert(rpc->calls, GINT_TO_POINTER(id), call);
    nat_ws_send(rpc->ws, text);
    free(text);
    json_decref(message);
}

void nat_rpc_destroy(struct nat_rpc *rpc)
{
    if (!rpc) {
        return;
    }
    nat_ws_destroy(rpc->ws);
    g_hash_table_destroy(rpc->calls);
    g_free(rpc);
}
