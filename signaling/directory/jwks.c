#include "signaling/directory/jwks.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sfu/base/str.h"
#include "sfu/log.h"

enum { FILE_MAX_BYTES = 256 * 1024 };

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    char *text = malloc(FILE_MAX_BYTES);
    if (!text) {
        close(fd);
        return -ENOMEM;
    }
    int err = 0;
    size_t len = 0;
    while (!err && len < FILE_MAX_BYTES) {
        ssize_t n = read(fd, text + len, FILE_MAX_BYTES - len);
        if (n == 0) {
            break;
        }
        err = n < 0 ? -errno : 0;
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (!err && len == FILE_MAX_BYTES) {
        err = -EFBIG;
    }
    if (err) {
        free(text);
        return err;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

/* Absent, or exactly that. */
static bool is_or_absent(const json_t *jwk, const char *member, const char *value)
{
    const json_t *have = json_object_get(jwk, member);
    return !have || (json_is_string(have) && strcmp(json_string_value(have), value) == 0);
}

/* NULL, or what is wrong with it. */
static const char *read_key(const json_t *jwk, struct sig_dir_key *ret_key)
{
    const char *kty = json_string_value(json_object_get(jwk, "kty"));
    const char *kid = json_string_value(json_object_get(jwk, "kid"));
    const char *k = json_string_value(json_object_get(jwk, "k"));
    struct sig_dir_key key = {.created_us = 0};
    if (!kty || strcmp(kty, "oct") != 0 || !is_or_absent(jwk, "alg", "HS256") ||
        !is_or_absent(jwk, "use", "sig")) {
        return "not a key for HS256 signatures (kty oct)";
    }
    if (!kid || !kid[0] || strncmp(kid, "dev_", 4) == 0 ||
        sfu_str_copy(key.kid, sizeof key.kid, kid, strlen(kid))) {
        return "kid is not 1..39 bytes, or begins with dev_";
    }
    if (!k ||
        sfu_str_unbase64url(k, strlen(k), key.secret, sizeof key.secret) != SIG_DIR_SECRET_BYTES) {
        return "k is not 32 bytes in base64url";
    }
    if (sfu_str_copy(key.tenant, sizeof key.tenant, SIG_DIR_DEFAULT_TENANT,
                     strlen(SIG_DIR_DEFAULT_TENANT))) {
        return "tenant";
    }
    *ret_key = key;
    return NULL;
}

static bool is_known(const struct sig_dir_key *keys, size_t count, const char *kid)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].kid, kid) == 0) {
            return true;
        }
    }
    return false;
}

static int read_set(const char *path, const json_t *root, struct sig_dir_key *ret_keys, size_t cap,
                    size_t *ret_count)
{
    const json_t *list = json_object_get(root, "keys");
    size_t count = json_array_size(list);
    if (count == 0 || count > cap) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH, "no key set, or too many keys", "file=%s count=%zu",
                path, count);
        return count > cap ? -ENOBUFS : -EBADMSG;
    }
    for (size_t i = 0; i < count; i++) {
        const char *why = read_key(json_array_get(list, i), &ret_keys[i]);
        if (!why && is_known(ret_keys, i, ret_keys[i].kid)) {
            why = "kid is there twice";
        }
        if (why) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH, "key cannot be used", "file=%s key=%zu why=%s",
                    path, i + 1, why);
            return -EBADMSG;
        }
    }
    *ret_count = count;
    return 0;
}

int sig_dir_read_jwks(const char *path, struct sig_dir_key *ret_keys, size_t cap, size_t *ret_count)
{
    char *text = NULL;
    size_t len = 0;
    int err = read_file(path, &text, &len);
    if (err || !text) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH, "cannot read the keys", "file=%s err=%d", path, -err);
        return err;
    }
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    explicit_bzero(text, len);
    free(text);
    if (!root) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH, "not JSON", "file=%s line=%d why=%s", path,
                where.line, where.text);
        return -EBADMSG;
    }
    err = read_set(path, root, ret_keys, cap, ret_count);
    json_decref(root);
    return err;
}
