#include "tests/bench/load/token.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/load/alloc.h"

enum { LIFE_S = 12 * 3600 };

static char *base64url(const void *data, size_t len)
{
    char *text = load_alloc(len / 3 * 4 + 8, 1);
    int n = EVP_EncodeBlock((unsigned char *)text, data, (int)len);
    while (n > 0 && text[n - 1] == '=') {
        text[--n] = '\0';
    }
    for (char *p = text; *p; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }
    return text;
}

static int unbase64url(const char *text, size_t len, uint8_t *out, size_t cap)
{
    char padded[128];
    size_t whole = (len + 3) / 4 * 4;
    if (len == 0 || whole >= sizeof padded || whole / 4 * 3 > cap || len % 4 == 1) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < whole; i++) {
        char c = i < len ? text[i] : '=';
        padded[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    int n = EVP_DecodeBlock(out, (const unsigned char *)padded, (int)whole);
    return n < 0 ? -EBADMSG : n - (int)(whole - len);
}

static int parse(const char *text, char separator, struct load_key *ret_key)
{
    struct load_key key = {0};
    const char *at = strchr(text, separator);
    if (!at || at == text || (size_t)(at - text) >= sizeof key.kid) {
        return -EBADMSG;
    }
    memcpy(key.kid, text, (size_t)(at - text));
    int n = unbase64url(at + 1, strcspn(at + 1, "\r\n"), key.secret, sizeof key.secret);
    if (n <= 0) {
        return -EBADMSG;
    }
    key.secret_len = (size_t)n;
    *ret_key = key;
    return 0;
}

int load_key_parse(const char *text, struct load_key *ret_key)
{
    return parse(text, ':', ret_key);
}

int load_key_read(const char *data_dir, struct load_key *ret_key)
{
    char *path = load_print("%s/dev.key", data_dir), line[256] = "";
    FILE *file = fopen(path, "re");
    int err = file ? 0 : -errno;
    free(path);
    if (!file) {
        return err;
    }
    if (!fgets(line, sizeof line, file)) {
        err = -EBADMSG;
    }
    (void)fclose(file);
    return err ? err : parse(line, ' ', ret_key);
}

static char *part_of(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    char *part = base64url(text, strlen(text));
    free(text);
    json_decref(object);
    return part;
}

char *load_token_make(const struct load_key *key, const char *room, const char *identity,
                      bool publish)
{
    json_int_t now = (json_int_t)time(NULL);
    json_t *grants = json_pack("{s:s, s:b, s:b, s:b}", "room", room, "publish", publish,
                               "subscribe", 1, "data", 0);
    char *head =
        part_of(json_pack("{s:s, s:s, s:s}", "alg", "HS256", "typ", "JWT", "kid", key->kid));
    char *body =
        part_of(json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "sub", identity, "name", identity,
                          "aud", "stoa", "iat", now, "exp", now + LIFE_S, "stoa", grants));
    char *signed_part = load_print("%s.%s", head, body);
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    HMAC(EVP_sha256(), key->secret, (int)key->secret_len, (const uint8_t *)signed_part,
         strlen(signed_part), mac, &len);
    char *signature = base64url(mac, len);
    char *token = load_print("%s.%s", signed_part, signature);
    free(head);
    free(body);
    free(signed_part);
    free(signature);
    return token;
}
