/*
 * sfu/include/sfu/err.h - every error a client can see: one table, append-only.
 *
 * A code means the same on each door: JSON-RPC, HTTP problem document, WebSocket close.  The table
 * is const; any thread.  docs/reference-errors.md is printed from it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_str;

/*
 * X(ID, code, JSON-RPC number, HTTP status, WebSocket close code, retryable, text)
 * WebSocket 0: this error never closes the socket by itself.  4000..4999 are ours (RFC
 * 6455, 7.4.2).
 */
/* clang-format off */
#define SFU_ERRORS(X)                                                                              \
    X(PARSE_ERROR, "parse_error", -32700, 400, 1007, false, "not valid JSON")                      \
    X(INVALID_REQUEST, "invalid_request", -32600, 400, 1002, false, "not a request of this protocol") \
    X(METHOD_NOT_FOUND, "method_not_found", -32601, 404, 0, false, "no such method")               \
    X(INVALID_PARAM, "invalid_param", -32602, 400, 0, false, "a parameter is missing or wrong: see field") \
    X(INTERNAL, "internal", -32603, 500, 1011, true, "the server failed; the log says why")        \
    X(UNAUTHENTICATED, "unauthenticated", -32001, 401, 4001, false, "no valid token")              \
    X(FORBIDDEN, "forbidden", -32002, 403, 4003, false, "the token does not grant this")           \
    X(NOT_FOUND, "not_found", -32003, 404, 4004, false, "no such object, or none you may see")     \
    X(CONFLICT, "conflict", -32004, 409, 0, false, "the object is not in the state this needs")    \
    X(RATE_LIMITED, "rate_limited", -32005, 429, 4029, true, "too fast: wait retry_after_ms")      \
    X(TOO_LARGE, "too_large", -32006, 413, 1009, false, "larger than the limit named in field")    \
    X(QUOTA, "quota", -32007, 403, 4007, false, "a limit on the number of objects is reached")     \
    X(UNAVAILABLE, "unavailable", -32008, 503, 1013, true, "cannot be served now")                 \
    X(DRAINING, "draining", -32009, 503, 1012, true, "the server is going away: connect again")    \
    X(UNSUPPORTED, "unsupported", -32010, 422, 4010, false, "understood but not supported")        \
    X(TIMEOUT, "timeout", -32011, 408, 4008, true, "took too long")                                \
    X(GONE, "gone", -32012, 410, 4012, false, "existed, and is no more")                           \
    X(REPLACED, "replaced", -32013, 409, 4013, false, "another session of this identity took over") \
    X(KICKED, "kicked", -32014, 403, 4014, false, "removed from the room by a moderator")          \
    X(ROOM_CLOSED, "room_closed", -32015, 410, 4015, false, "the room was closed")                 \
    X(LOCKED, "locked", -32016, 423, 4016, false, "the room is locked")                            \
    X(NOT_JOINED, "not_joined", -32017, 409, 0, false, "join a room first")                        \
    X(ALREADY_JOINED, "already_joined", -32018, 409, 0, false, "this session is in a room already") \
    X(INVALID_SDP, "invalid_sdp", -32019, 422, 0, false, "the session description cannot be used: see field") \
    X(TOKEN_EXPIRED, "token_expired", -32020, 401, 4020, false, "the token's time is over")        \
    X(SLOW_CONSUMER, "slow_consumer", -32021, 503, 4021, true, "the connection could not take its messages") \
    X(RESUME_FAILED, "resume_failed", -32022, 410, 4022, false, "the session cannot be resumed: join again") \
    X(METHOD_NOT_ALLOWED, "method_not_allowed", -32023, 405, 0, false, "not with this HTTP method") \
    X(UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", -32024, 415, 0, false, "not with this content type") \
    X(HEADERS_TOO_LARGE, "headers_too_large", -32025, 431, 0, false, "the HTTP headers are too large") \
    X(ORIGIN, "origin", -32026, 403, 4026, false, "not from this web origin")                      \
    X(PRECONDITION, "precondition", -32027, 412, 0, false, "the object has changed since")         \
    X(VERSION, "version", -32028, 426, 4028, false, "this version of the protocol is not spoken here") \
    X(IDLE, "idle", -32029, 408, 4009, true, "silent for too long")                                \
    X(PRECONDITION_REQUIRED, "precondition_required", -32030, 428, 0, false, "say which version of the object is meant: If-Match")
/* clang-format on */

enum sfu_err {
    SFU_ERR_NONE,
#define SFU_ERR_ROW(id, ...) SFU_ERR_##id,
    SFU_ERRORS(SFU_ERR_ROW)
#undef SFU_ERR_ROW
        SFU_ERR_COUNT
};

struct sfu_err_info {
    const char *code;
    const char *text;
    int rpc;
    uint16_t http;
    uint16_t ws_close;
    bool retryable;
};

/* One error on its way to a client.  field names the parameter or limit; both may be empty. */
struct sfu_error {
    enum sfu_err code;
    uint32_t retry_after_ms; /* 0: not said */
    char field[64];
    char
        detail[160]; /* instead of the table's text; shown to strangers: no secrets, no addresses */
};

/* Of SFU_ERR_NONE and numbers outside the table: the row of INTERNAL. */
const struct sfu_err_info *sfu_err_info(enum sfu_err code);
/* By code name ("not_found"); SFU_ERR_NONE when there is none. */
enum sfu_err sfu_err_find(const char *code);
/* What an internal negative errno looks like from outside: -ENOBUFS is UNAVAILABLE, -ENOENT
 * NOT_FOUND …. */
enum sfu_err sfu_err_from_errno(int err);

/* Fills *ret_error (cuts what does not fit) and returns false, so that a check can end with it. */
bool sfu_error_set(struct sfu_error *ret_error, enum sfu_err code, const char *field,
                   const char *detail_fmt, ...)
    SFU_PRINTF(4, 5); /* field, detail_fmt: NULL allowed */
/* The problem document (RFC 9457) of it: "status","title","code","retryable" and what else there is.
 */
void sfu_error_put_problem(struct sfu_str *out, const struct sfu_error *error);
/* detail when there is one, else the table's text. */
const char *sfu_error_text(const struct sfu_error *error);

void sfu_err_print_markdown(struct sfu_str *out);
