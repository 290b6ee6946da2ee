/*
 * tests/integration/native/rpc.h - JSON-RPC 2.0 over the WebSocket: calls, answers, notifications.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

struct nat_rpc;

struct nat_rpc_ops {
    void (*opened)(void *arg);
    void (*notified)(void *arg, const char *method, const json_t *params);
    void (*closed)(void *arg, uint16_t code, const char *reason);
};

/* result or error is set; both are borrowed. */
typedef void (*nat_rpc_fn)(void *arg, const json_t *result, const json_t *error);

struct nat_rpc *nat_rpc_connect(const char *host, uint16_t port, const struct nat_rpc_ops *ops,
                                void *arg);
/* Takes params. */
void nat_rpc_call(struct nat_rpc *rpc, const char *method, json_t *params, nat_rpc_fn fn,
                  void *arg);
void nat_rpc_destroy(struct nat_rpc *rpc); /* open calls are forgotten; NULL is allowed */
