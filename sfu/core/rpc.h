/*
 * sfu/core/rpc.h - JSON-RPC 2.0 texts: requests in, results, errors and notifications out.
 *
 * Pure but for malloc; any thread.  Nothing of a client's JSON is ever written back except its id.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"
#include "sfu/err.h"

struct sfu_str;

enum {
    SFU_RPC_TEXT_MAX = 512 * 1024,
    SFU_RPC_DEPTH_MAX = 16,
    SFU_RPC_VALUES_MAX = 8192, /* 512 KiB of "{}," would cost the thread a tenth of a second */
    SFU_RPC_ID_BYTES = 64,     /* of a string id */
    SFU_RPC_ID_SIZE = 6 * SFU_RPC_ID_BYTES + 3, /* as JSON, every byte escaped, quotes, NUL */
    SFU_RPC_METHOD_BYTES = 64,
};

struct sfu_rpc_request {
    json_t *root; /* owned; the others point into it */
    const char *method;
    const json_t *params;     /* an object, or NULL when there is none */
    char id[SFU_RPC_ID_SIZE]; /* JSON: "7", "\"a\"", "null" */
    bool wants_reply;         /* false: a JSON-RPC notification, without id */
};

/* One bounded JSON value of any kind, duplicate members refused: a new reference; NULL with
 * *ret_error set. */
SFU_MUST_CHECK json_t *sfu_rpc_json(const char *text, size_t len, struct sfu_error *ret_error);

/* 0; -EBADMSG with *ret_error set and ret->id what could be read of it (else "null"); ret->root is
 * NULL then. */
SFU_MUST_CHECK int sfu_rpc_parse(const char *text, size_t len, struct sfu_rpc_request *ret,
                                 struct sfu_error *ret_error);
void sfu_rpc_release(struct sfu_rpc_request *request);

/* Compact JSON of any value, behind what is there; a failure sticks in out. */
void sfu_rpc_put_json(struct sfu_str *out, const json_t *value);

/* Heap texts for the caller (free()), NULL when out of memory.  result NULL means {}. */
char *sfu_rpc_result(const char *id, const json_t *result, size_t *ret_len);
char *sfu_rpc_error(const char *id, const struct sfu_error *error, size_t *ret_len);
/* body: the parameters as compact JSON, an object.  seq 0: an ephemeral one, without seq. */
char *sfu_rpc_notification(const char *method, const char *body, size_t body_len, uint64_t seq,
                           size_t *ret_len);
