#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/track.h"
#include "signaling/internal.h"
#include "signaling/json.h"

enum { BODY_MAX_BYTES = 4096, TTL_S = 6 * 3600 };

/*
 * The demo's way in: a token for whoever sits at this machine.  A page from elsewhere must not get
 * one, not even after its name was pointed at 127.0.0.1: hence Host by loopback name, Origin of our
 * own, and a content type that no form can send.
 */
static enum sfu_err check_door(const struct sig_conn *c, const struct sig_request *r)
{
    if (!c->edge->development) {
        return SFU_ERR_NOT_FOUND;
    }
    if (!c->loopback || r->forwarded || !r->has_host || !sig_host_is_loopback(&r->host)) {
        return SFU_ERR_FORBIDDEN;
    }
    if (!sig_origin_is_own(r->origin, strlen(r->origin), &r->host, c->edge->tls)) {
        return SFU_ERR_ORIGIN;
    }
    size_t type_len = strcspn(r->content_type, "; ");
    if (!sfu_str_ieq(r->content_type, type_len, "application/json")) {
        return SFU_ERR_UNSUPPORTED_MEDIA_TYPE;
    }
    return r->body_len > BODY_MAX_BYTES ? SFU_ERR_TOO_LARGE : SFU_ERR_NONE;
}

/* A member that is missing gives NULL; one of another type is an error. */
static bool text_member(const json_t *body, const char *name, const char **ret_text,
                        struct sfu_error *ret_error)
{
    const json_t *value = json_object_get(body, name);
    size_t len = 0;
    *ret_text = sig_json_string(body, name, &len);
    return !value || *ret_text
               ? true
               : sfu_error_set(ret_error, SFU_ERR_INVALID_PARAM, name, "not a string");
}

static bool read_body(const json_t *body, struct sig_token *ret_token, struct sfu_error *ret_error)
{
    struct sig_token t = {.publish = (1U << SFU_SOURCE_COUNT) - 1U,
                          .subscribe = true,
                          .data = true,
                          .admin = json_is_true(json_object_get(body, "admin")),
                          .ttl_s = TTL_S};
    if (!text_member(body, "room", &t.room, ret_error) ||
        !text_member(body, "identity", &t.identity, ret_error) ||
        !text_member(body, "name", &t.name, ret_error)) {
        return false;
    }
    if (!t.room || !t.identity) {
        return sfu_error_set(ret_error, SFU_ERR_INVALID_PARAM, t.room ? "identity" : "room",
                             "missing");
    }
    *ret_token = t;
    return true;
}

static bool mint(struct sig_edge *e, const json_t *body, char **ret_text,
                 struct sfu_error *ret_error)
{
    struct sig_token token;
    struct sig_dir_key key;
    if (!read_body(body, &token, ret_error)) {
        return false;
    }
    if (!sig_auth_dev_key(e->auth, &key)) {
        return sfu_error_set(ret_error, SFU_ERR_NOT_FOUND, NULL, NULL);
    }
    int err = sig_token_mint(&key, &token, sfu_clock_wall_us(e->clock), ret_text);
    explicit_bzero(&key, sizeof key);
    if (err == -EINVAL) {
        return sfu_error_set(ret_error, SFU_ERR_INVALID_PARAM, NULL,
                             "room, identity and name are 1..128 bytes without control characters");
    }
    return err ? sfu_error_set(ret_error, SFU_ERR_INTERNAL, NULL, NULL) : true;
}

static void answer_token(struct sig_conn *c, const char *token)
{
    struct sfu_str s;
    sfu_str_init_grow(&s, 2 * SFU_MAX_TOKEN_BYTES);
    sfu_str_puts(&s, "{\"token\":\"");
    sfu_str_puts(&s, token); /* base64url and dots */
    sfu_str_puts(&s, "\"}\n");
    size_t len = s.len;
    char *text = sfu_str_take(&s);
    sig_respond(
        c, &(struct sig_answer){
               .status = 200, .type = "application/json", .owned = text, .len = text ? len : 0});
    sfu_str_fini(&s);
}

void sig_dev_token(struct sig_conn *c, struct sig_request *r)
{
    enum sfu_err refused = check_door(c, r);
    if (refused != SFU_ERR_NONE) {
        sig_respond_code(c, refused, false);
        return;
    }
    struct sfu_error error = {.code = SFU_ERR_PARSE_ERROR};
    json_t *body = NULL;
    char *token = NULL;
    bool ok = sig_json_object(r->body ? r->body : "", r->body_len, &body) == 0 &&
              mint(c->edge, body, &token, &error);
    json_decref(body);
    if (!ok) {
        sig_respond_error(c, &error, NULL, false);
        return;
    }
    answer_token(c, token);
    free(token);
}
