#include "signaling/auth.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "signaling/claims.h"
#include "signaling/directory/name.h"
#include "signaling/json.h"
#include "signaling/jws.h"

/* Immutable once it is published; freed by the last reader. */
struct snapshot {
    unsigned refs; /* under lock */
    size_t count;
    struct sig_dir_key keys[];
};

struct sig_auth {
    char audience[128];
    int64_t leeway_us;
    pthread_mutex_t lock;
    struct snapshot *current;
};

int sig_auth_create(const char *audience, uint32_t leeway_s, struct sig_auth **ret_auth)
{
    if (leeway_s > SIG_AUTH_LEEWAY_MAX_S) {
        return -EINVAL;
    }
    struct sig_auth *auth = calloc(1, sizeof *auth);
    if (!auth) {
        return -ENOMEM;
    }
    const char *aud = audience && audience[0] ? audience : "stoa";
    int err = sfu_str_copy(auth->audience, sizeof auth->audience, aud, strlen(aud));
    if (err) {
        free(auth);
        return -EINVAL;
    }
    auth->leeway_us = (int64_t)leeway_s * 1000000;
    pthread_mutex_init(&auth->lock, NULL);
    json_object_seed(0); /* before threads: its first use would race */
    *ret_auth = auth;
    return 0;
}

static void drop(struct sig_auth *auth, struct snapshot *s)
{
    pthread_mutex_lock(&auth->lock);
    bool last = s && --s->refs == 0;
    pthread_mutex_unlock(&auth->lock);
    if (last) {
        explicit_bzero(s, sizeof *s + s->count * sizeof s->keys[0]);
        free(s);
    }
}

static struct snapshot *hold(struct sig_auth *auth)
{
    pthread_mutex_lock(&auth->lock);
    struct snapshot *s = auth->current;
    if (s) {
        s->refs++;
    }
    pthread_mutex_unlock(&auth->lock);
    return s;
}

void sig_auth_destroy(struct sig_auth *auth)
{
    if (!auth) {
        return;
    }
    drop(auth, auth->current);
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

void sig_auth_set_keys(void *arg, const struct sig_dir_key *keys, size_t count)
{
    struct sig_auth *auth = arg;
    struct snapshot *s = malloc(sizeof *s + count * sizeof s->keys[0]);
    if (!s) {
        sfu_stat_inc(SFU_M_FAULT_MEMORY);
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH, "no memory for the keys: the old ones stay");
        return;
    }
    s->refs = 1;
    s->count = count;
    if (count > 0) {
        memcpy(s->keys, keys, count * sizeof s->keys[0]);
    }
    pthread_mutex_lock(&auth->lock);
    struct snapshot *old = auth->current;
    auth->current = s;
    pthread_mutex_unlock(&auth->lock);
    drop(auth, old);
}

/* disabled_us only keeps a key out of new snapshots, but a snapshot may hold one that a test or
 * tool put there. */
static const struct sig_dir_key *find_key(const struct snapshot *s, const char *kid)
{
    for (size_t i = 0; s && i < s->count; i++) {
        if (s->keys[i].disabled_us == 0 && strcmp(s->keys[i].kid, kid) == 0) {
            return &s->keys[i];
        }
    }
    return NULL;
}

bool sig_auth_dev_key(struct sig_auth *auth, struct sig_dir_key *ret_key)
{
    struct snapshot *s = hold(auth);
    bool found = false;
    for (size_t i = 0; s && i < s->count && !found; i++) {
        if (s->keys[i].development) {
            *ret_key = s->keys[i];
            found = true;
        }
    }
    drop(auth, s);
    return found;
}

bool sig_auth_has_real_key(struct sig_auth *auth)
{
    struct snapshot *s = hold(auth);
    bool found = false;
    for (size_t i = 0; s && i < s->count; i++) {
        found = found || (!s->keys[i].development && s->keys[i].disabled_us == 0);
    }
    drop(auth, s);
    return found;
}

static int hash_id(const char *domain, const char *kid, const char *data, size_t len,
                   char ret_id[65])
{
    uint8_t digest[32];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, domain, strlen(domain) + 1) == 1 &&
              EVP_DigestUpdate(ctx, kid, strlen(kid) + 1) == 1 &&
              EVP_DigestUpdate(ctx, data, len) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    if (!ok) {
        return -ENOMEM;
    }
    struct sfu_str hex;
    sfu_str_init_fixed(&hex, ret_id, 65);
    sfu_str_hex(&hex, digest, sizeof digest);
    return 0;
}

/* A kick must hit every form of the token, so the id covers nothing that its holder could rewrite.
 */
static int token_id(const struct sig_jws *jws, const json_t *payload, char ret_id[65],
                    const char **ret_why)
{
    if (!json_object_get(payload, "jti")) {
        return hash_id("token", jws->kid, jws->text, jws->signed_len, ret_id);
    }
    size_t len = 0;
    const char *jti = sig_json_string(payload, "jti", &len);
    if (!jti || len == 0) {
        *ret_why = "jti is not a string";
        return -EBADMSG;
    }
    return hash_id("jti", jws->kid, jti, len, ret_id);
}

static int verify_with(struct sig_auth *auth, const struct sig_jws *jws,
                       const struct sig_dir_key *key, int64_t wall_us,
                       struct sfu_claims *ret_claims, const char **ret_why, bool *ret_signed)
{
    json_t *payload = NULL;
    int err = sig_jws_verify(jws, key, &payload, ret_why);
    *ret_signed = err == 0 || err == -EBADMSG;
    if (err) {
        return err;
    }
    struct sig_claims_rules rules = {.kid = key->kid,
                                     .audience = auth->audience,
                                     .wall_us = wall_us,
                                     .leeway_us = auth->leeway_us};
    struct sfu_claims claims;
    err = sig_claims_read(payload, &rules, &claims, ret_why);
    if (!err) {
        err = token_id(jws, payload, claims.token_id, ret_why);
    }
    if (!err) {
        err = sfu_str_copy(claims.tenant, sizeof claims.tenant, key->tenant, strlen(key->tenant));
    }
    json_decref(payload);
    if (!err) {
        *ret_claims = claims;
    }
    return err;
}

static void count_result(int err, const char *why, bool signature_ok)
{
    enum sfu_metric m = SFU_M_TOKEN_ACCEPTED;
    if (err == -EACCES) {
        m = !signature_ok                 ? SFU_M_TOKEN_SIGNATURE
            : strcmp(why, "expired") == 0 ? SFU_M_TOKEN_EXPIRED
                                          : SFU_M_TOKEN_CLAIMS;
    } else if (err) {
        m = signature_ok ? SFU_M_TOKEN_CLAIMS : SFU_M_TOKEN_MALFORMED;
    }
    sfu_stat_inc(m);
}

int sig_auth_verify(void *arg, const char *token, size_t len, int64_t wall_us,
                    struct sfu_claims *ret_claims, const char **ret_why)
{
    struct sig_auth *auth = arg;
    struct sig_jws jws;
    const char *why = "";
    bool signed_well = false;
    int err = sig_jws_parse(token, len, &jws, &why);
    if (!err) {
        struct snapshot *s = hold(auth);
        const struct sig_dir_key *key = find_key(s, jws.kid);
        if (key) {
            err = verify_with(auth, &jws, key, wall_us, ret_claims, &why, &signed_well);
        } else {
            why = "no such key";
            err = -EACCES;
        }
        drop(auth, s);
    }
    count_result(err, why, signed_well);
    if (err) {
        *ret_why = why;
    }
    return err;
}

static int display_name(const char *text, size_t len, char ret_name[SFU_NAME_BYTES + 1])
{
    return sig_dir_name(text, len, SFU_NAME_BYTES, ret_name);
}

struct sfu_auth_ops sig_auth_ops(struct sig_auth *auth)
{
    return (struct sfu_auth_ops){.verify = sig_auth_verify, .name = display_name, .arg = auth};
}
