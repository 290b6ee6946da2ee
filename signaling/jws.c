#include "signaling/jws.h"

#include <errno.h>
#include <jose/b64.h>
#include <jose/cfg.h>
#include <jose/jws.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/limits.h"
#include "signaling/json.h"

enum { SIGNATURE_BYTES = 32 };

/* Strict base64url (no padding, no stray bits), then a strict JSON object. */
static int decode_object(const char *text, size_t len, json_t **ret_object)
{
    uint8_t buf[SFU_MAX_TOKEN_BYTES];
    int n = sfu_str_unbase64url(text, len, buf, sizeof buf);
    return n < 0 ? -EBADMSG : sig_json_object((const char *)buf, (size_t)n, ret_object);
}

static bool split(struct sig_jws *jws)
{
    const char *first = memchr(jws->text, '.', jws->len);
    if (!first) {
        return false;
    }
    jws->header_len = (size_t)(first - jws->text);
    jws->payload_off = jws->header_len + 1;
    const char *second = memchr(first + 1, '.', jws->len - jws->payload_off);
    if (!second) {
        return false;
    }
    jws->signed_len = (size_t)(second - jws->text);
    /* before libjose sees a byte of it: the payload is decoded for good once its signature holds */
    uint8_t payload[SFU_MAX_TOKEN_BYTES];
    size_t payload_len = jws->signed_len - jws->payload_off;
    if (sfu_str_unbase64url(first + 1, payload_len, payload, sizeof payload) < 0) {
        return false;
    }
    uint8_t signature[SIGNATURE_BYTES];
    size_t rest = jws->len - jws->signed_len - 1;
    /* a third dot is no base64url digit */
    return sfu_str_unbase64url(second + 1, rest, signature, sizeof signature) == SIGNATURE_BYTES;
}

static int check_header(const json_t *header, struct sig_jws *jws, const char **ret_why)
{
    size_t len = 0;
    const char *alg = sig_json_string(header, "alg", &len);
    if (!alg || strcmp(alg, "HS256") != 0) {
        *ret_why = "algorithm is not HS256";
        return alg ? -EACCES : -EBADMSG;
    }
    /* extensions that must be understood (RFC 7515, 4.1.11): we know none */
    if (json_object_get(header, "crit") || json_object_get(header, "b64")) {
        *ret_why = "critical header";
        return -EBADMSG;
    }
    const char *kid = sig_json_string(header, "kid", &len);
    if (!kid || len == 0 || sfu_str_copy(jws->kid, sizeof jws->kid, kid, len)) {
        *ret_why = "kid missing or too long";
        return -EBADMSG;
    }
    return 0;
}

int sig_jws_parse(const char *text, size_t len, struct sig_jws *ret_jws, const char **ret_why)
{
    struct sig_jws jws = {.text = text, .len = len};
    if (len == 0 || len > SFU_MAX_TOKEN_BYTES || !split(&jws)) {
        *ret_why = "not a compact JWS";
        return -EBADMSG;
    }
    json_t *header = NULL;
    int err = decode_object(text, jws.header_len, &header);
    if (err) {
        *ret_why = "header is not a JSON object";
        return err;
    }
    err = check_header(header, &jws, ret_why);
    json_decref(header);
    if (!err) {
        *ret_jws = jws;
    }
    return err;
}

static json_t *make_jwk(const struct sig_dir_key *key)
{
    return json_pack("{s:s, s:s, s:o}", "kty", "oct", "alg", "HS256", "k",
                     jose_b64_enc(key->secret, sizeof key->secret));
}

/* libjose would write its complaints about strangers' tokens to stderr. */
static void ignore_error(void *misc, const char *file, int line, uint64_t err, const char *fmt,
                         va_list ap)
{
    (void)misc;
    (void)file;
    (void)line;
    (void)err;
    (void)fmt;
    (void)ap;
}

static jose_cfg_t *quiet_cfg(void)
{
    jose_cfg_t *cfg = jose_cfg();
    if (cfg) {
        jose_cfg_set_err_func(cfg, ignore_error, NULL);
    }
    return cfg;
}

static int check_signature(const struct sig_jws *jws, const struct sig_dir_key *key)
{
    size_t payload_len = jws->signed_len - jws->payload_off;
    const char *signature = jws->text + jws->signed_len + 1;
    json_t *flat = json_pack("{s:s%, s:s%, s:s%}", "protected", jws->text, jws->header_len,
                             "payload", jws->text + jws->payload_off, payload_len, "signature",
                             signature, jws->len - jws->signed_len - 1);
    json_t *jwk = make_jwk(key);
    jose_cfg_t *cfg = quiet_cfg();
    int err = -ENOMEM;
    if (flat && jwk && cfg) {
        err = jose_jws_ver(cfg, flat, NULL, jwk, false) ? 0 : -EACCES;
    }
    if (cfg) {
        jose_cfg_decref(cfg);
    }
    json_decref(jwk);
    json_decref(flat);
    return err;
}

int sig_jws_verify(const struct sig_jws *jws, const struct sig_dir_key *key, json_t **ret_payload,
                   const char **ret_why)
{
    int err = check_signature(jws, key);
    if (err) {
        *ret_why = "signature";
        return err;
    }
    err = decode_object(jws->text + jws->payload_off, jws->signed_len - jws->payload_off,
                        ret_payload);
    if (err) {
        *ret_why = "payload is not a JSON object";
    }
    return err;
}

static char *join(const json_t *signed_part, const char *payload)
{
    size_t len = 0;
    const char *header = sig_json_string(signed_part, "protected", &len);
    const char *signature = sig_json_string(signed_part, "signature", &len);
    struct sfu_str s;
    sfu_str_init_grow(&s, SFU_MAX_TOKEN_BYTES + 1);
    if (header && signature) {
        sfu_str_puts(&s, header);
        sfu_str_putc(&s, '.');
        sfu_str_puts(&s, payload);
        sfu_str_putc(&s, '.');
        sfu_str_puts(&s, signature);
    }
    char *text = header && signature ? sfu_str_take(&s) : NULL;
    sfu_str_fini(&s);
    return text;
}

int sig_jws_sign(const struct sig_dir_key *key, const json_t *payload, char **ret_text)
{
    json_t *encoded = jose_b64_enc_dump(payload);
    json_t *jws = json_pack("{s:O*}", "payload", encoded);
    json_t *sig = json_pack("{s:{s:s, s:s, s:s}}", "protected", "alg", "HS256", "kid", key->kid,
                            "typ", "JWT");
    json_t *jwk = make_jwk(key);
    jose_cfg_t *cfg = quiet_cfg();
    char *text = NULL;
    if (encoded && jws && sig && jwk && cfg && jose_jws_sig(cfg, jws, sig, jwk)) {
        text = join(sig, json_string_value(encoded));
    }
    if (cfg) {
        jose_cfg_decref(cfg);
    }
    json_decref(jwk);
    json_decref(sig);
    json_decref(jws);
    json_decref(encoded);
    *ret_text = text ? text : *ret_text;
    return text ? 0 : -ENOMEM;
}
