/* Pure helpers: secrets, entity tags, queries, Link values. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "plugins/broadcast/broadcast.h"

enum { SECRET_BYTES = (PLG_BC_SECRET_SIZE - 1) / 2 };

int plg_bc_secret_make(char ret_secret[PLG_BC_SECRET_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[SECRET_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        return -EAGAIN;
    }
    for (size_t i = 0; i < sizeof bytes; i++) {
        ret_secret[2 * i] = digits[bytes[i] >> 4];
        ret_secret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_secret[2 * sizeof bytes] = '\0';
    return 0;
}

int plg_bc_etag_make(char ret_etag[PLG_BC_ETAG_SIZE])
{
    char secret[PLG_BC_SECRET_SIZE];
    int err = plg_bc_secret_make(secret);
    if (err == 0) {
        snprintf(ret_etag, PLG_BC_ETAG_SIZE, "\"%s\"", secret);
    }
    return err;
}

/* Both have the length of a secret; the time tells nothing. */
bool plg_bc_secret_equal(const char *a, const char *b)
{
    unsigned char differ = 0;
    for (size_t i = 0; i < PLG_BC_SECRET_SIZE - 1; i++) {
        differ |= (unsigned char)(a[i] ^ b[i]);
    }
    return differ == 0;
}

enum plg_bc_match plg_bc_match(const char *if_match, const char *etag)
{
    size_t len = strlen(etag);
    const char *at = if_match + strspn(if_match, " \t");
    if (!*at) {
        return PLG_BC_MATCH_ABSENT;
    }
    if (strcmp(at, "*") == 0 || strcmp(at, "\"*\"") == 0) {
        return PLG_BC_MATCH_ANY; /* RFC 9725 prints it in quotes, RFC 9110 without */
    }
    while (*at) {
        size_t part = strcspn(at, ",");
        size_t end = part;
        while (end > 0 && (at[end - 1] == ' ' || at[end - 1] == '\t')) {
            end--;
        }
        if (end == len && memcmp(at, etag, len) == 0) {
            return PLG_BC_MATCH_THIS;
        }
        at += part;
        at += strspn(at, ", \t");
    }
    return PLG_BC_MATCH_OTHER;
}

int plg_bc_query_get(const char *query, const char *name, char *ret_value, size_t size)
{
    size_t name_len = strlen(name);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > name_len && strncmp(query, name, name_len) == 0 && query[name_len] == '=') {
            size_t value_len = len - name_len - 1;
            if (value_len == 0 || value_len >= size) {
                return -EINVAL;
            }
            memcpy(ret_value, query + name_len + 1, value_len);
            ret_value[value_len] = '\0';
            return 0;
        }
        query += len;
        query += *query == '&';
    }
    return -ENOENT;
}

/* What stands inside quotes or angle brackets may not end them. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] <= 0x20 || text[i] > 0x7e || strchr("\"\\<>", text[i])) {
            return false;
        }
    }
    return len > 0;
}

bool plg_bc_link_make(const char *url, size_t len, const char *username, const char *credential,
                      char ret_link[PLG_BC_LINK_SIZE])
{
    static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:"};
    size_t scheme = 0;
    while (scheme < SFU_ARRAY_LEN(schemes) &&
           strncmp(url, schemes[scheme], strlen(schemes[scheme])) != 0) {
        scheme++;
    }
    if (scheme == SFU_ARRAY_LEN(schemes) || !is_plain(url, len)) {
        return false;
    }
    bool turn = scheme >= 2;
    if (turn && (!username || !credential || !is_plain(username, strlen(username)) ||
                 !is_plain(credential, strlen(credential)))) {
        return false;
    }
    int n = turn
                ? snprintf(ret_link, PLG_BC_LINK_SIZE,
                           "<%.*s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\"; "
                           "credential-type=\"password\"",
                           (int)len, url, username, credential)
                : snprintf(ret_link, PLG_BC_LINK_SIZE, "<%.*s>; rel=\"ice-server\"", (int)len, url);
    return n > 0 && n < PLG_BC_LINK_SIZE;
}
