#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/err.h"
#include "signaling/internal.h"

/* Headers that are copied, each at most once: two of a kind read differently by two programs is how
 * requests are smuggled. */
static const struct {
    enum lws_token_indexes token;
    const char *name;
    size_t offset, size;
} texts[] = {
#define TEXT(token, name, member)                                                                  \
    {                                                                                              \
        token, name, offsetof(struct sig_request, member), sizeof((struct sig_request *)0)->member \
    }
    TEXT(WSI_TOKEN_ORIGIN, "origin", origin),
    TEXT(WSI_TOKEN_HTTP_AUTHORIZATION, "authorization", authorization),
    TEXT(WSI_TOKEN_HTTP_CONTENT_TYPE, "content-type", content_type),
    TEXT(WSI_TOKEN_HTTP_IF_NONE_MATCH, "if-none-match", if_none_match),
    TEXT(WSI_TOKEN_HTTP_IF_MATCH, "if-match", if_match),
#undef TEXT
};

static const struct {
    enum lws_token_indexes token;
    unsigned method;
} method_tokens[] = {
    {WSI_TOKEN_GET_URI, SIG_GET},         {WSI_TOKEN_HEAD_URI, SIG_HEAD},
    {WSI_TOKEN_POST_URI, SIG_POST},       {WSI_TOKEN_PUT_URI, SIG_PUT},
    {WSI_TOKEN_PATCH_URI, SIG_PATCH},     {WSI_TOKEN_DELETE_URI, SIG_DELETE},
    {WSI_TOKEN_OPTIONS_URI, SIG_OPTIONS},
};

static bool bad(struct sfu_error *ret_error, const char *field, const char *detail)
{
    return sfu_error_set(ret_error, SFU_ERR_INVALID_REQUEST, field, "%s", detail);
}

static bool is_repeated(struct lws *wsi, enum lws_token_indexes token)
{
    return lws_hdr_fragment_length(wsi, token, 1) > 0;
}

/* lws keeps header names it does not know with their colon: also known ones with a space before it,
 * which RFC 9112, 5.1 wants refused. */
static bool has_custom(struct lws *wsi, const char *name)
{
    return lws_hdr_custom_length(wsi, name, (int)strlen(name)) >= 0;
}

static bool read_framing(struct lws *wsi, struct sig_request *r, struct sfu_error *ret_error)
{
    static const char *const disguised[] = {
        "content-length :", "transfer-encoding :", "content-length\t:", "transfer-encoding\t:",
        "host :",           "content_length:",
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(disguised); i++) {
        if (has_custom(wsi, disguised[i])) {
            return bad(ret_error, NULL, "white space in a header's name");
        }
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return bad(ret_error, "transfer-encoding", "send a Content-Length instead");
    }
    char text[32];
    int n = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0) {
        r->unframed = (r->method & (SIG_POST | SIG_PUT | SIG_PATCH)) != 0;
        return true;
    }
    if (n <= 0 || is_repeated(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) ||
        sfu_str_u64(text, (size_t)n, 0, INT64_MAX, &r->content_length)) {
        return bad(ret_error, "content-length", "not one plain number");
    }
    return true;
}

static bool read_version(struct lws *wsi, bool *ret_http11, struct sfu_error *ret_error)
{
    char text[16];
    int n = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP);
    *ret_http11 = n > 0 && strcmp(text, "HTTP/1.1") == 0;
    if (!*ret_http11 && (n <= 0 || strcmp(text, "HTTP/1.0") != 0)) {
        return bad(ret_error, NULL, "speak HTTP/1.1");
    }
    return true;
}

static bool read_host(struct lws *wsi, struct sig_request *r, bool required,
                      struct sfu_error *ret_error)
{
    char text[300];
    int n = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HOST);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HOST) == 0) {
        return required ? bad(ret_error, "host", "missing") : true;
    }
    if (n <= 0 || is_repeated(wsi, WSI_TOKEN_HOST) || sig_host_parse(text, (size_t)n, &r->host)) {
        return bad(ret_error, "host", "not one name or address with an optional port");
    }
    r->has_host = true;
    return true;
}

static bool read_texts(struct lws *wsi, struct sig_request *r, struct sfu_error *ret_error)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(texts); i++) {
        char *to = (char *)r + texts[i].offset;
        bool list = texts[i].token == WSI_TOKEN_HTTP_IF_NONE_MATCH ||
                    texts[i].token == WSI_TOKEN_HTTP_IF_MATCH;
        if (is_repeated(wsi, texts[i].token) && !list) {
            return bad(ret_error, texts[i].name, "sent twice");
        }
        if (lws_hdr_copy(wsi, to, (int)texts[i].size, texts[i].token) < 0) {
            return sfu_error_set(ret_error, SFU_ERR_HEADERS_TOO_LARGE, texts[i].name, NULL);
        }
    }
    return true;
}

/* lws has no token of its own for it. */
static bool read_last_event_id(struct lws *wsi, struct sig_request *r, struct sfu_error *ret_error)
{
    static const char name[] = "last-event-id:";
    if (has_custom(wsi, name) && lws_hdr_custom_copy(wsi, r->last_event_id, sizeof r->last_event_id,
                                                     name, (int)sizeof name - 1) < 0) {
        return sfu_error_set(ret_error, SFU_ERR_HEADERS_TOO_LARGE, "last-event-id", NULL);
    }
    return true;
}

/* One element of Accept-Encoding, such as "gzip;q=0.5"; a weight of 0 means no (RFC 9110, 12.5.3).
 */
static bool is_gzip(const char *element, size_t len)
{
    size_t name_len = 0;
    while (name_len < len && element[name_len] != ';' && element[name_len] != ' ') {
        name_len++;
    }
    if (!sfu_str_ieq(element, name_len, "gzip")) {
        return false;
    }
    const char *weight = memmem(element, len, "q=", 2);
    size_t at = weight ? (size_t)(weight - element) + 2 : len;
    while (at < len && (element[at] == '0' || element[at] == '.')) {
        at++;
    }
    return !weight || at < len;
}

static bool accepts_gzip(struct lws *wsi)
{
    char text[256];
    if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_ACCEPT_ENCODING) <= 0) {
        return false;
    }
    for (const char *at = text; *at;) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ",");
        if (is_gzip(at, len)) {
            return true;
        }
        at += len;
    }
    return false;
}

static bool read_path(struct sig_request *r, const char *path, size_t len,
                      struct sfu_error *ret_error)
{
    if (sig_path_check(path, len) || sfu_str_copy(r->path, sizeof r->path, path, len)) {
        return len > SFU_MAX_HTTP_URL_BYTES
                   ? sfu_error_set(ret_error, SFU_ERR_TOO_LARGE, "path", NULL)
                   : bad(ret_error, "path", "not a path of this server");
    }
    r->path_len = len;
    return true;
}

/* Its parts, which lws has decoded, with "&" between them (lws itself puts commas there). */
static bool read_query(struct lws *wsi, struct sig_request *r, struct sfu_error *ret_error)
{
    size_t len = 0;
    for (int i = 0; lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        if (i > 0 && len + 1 < sizeof r->query) {
            r->query[len++] = '&';
        }
        int n = lws_hdr_copy_fragment(wsi, r->query + len, (int)(sizeof r->query - len),
                                      WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n < 0) {
            return sfu_error_set(ret_error, SFU_ERR_TOO_LARGE, "query", NULL);
        }
        len += (size_t)n;
    }
    if (strlen(r->query) != len || !sfu_str_utf8_valid(r->query, len)) {
        return bad(ret_error, "query", "not text");
    }
    return true;
}

bool sig_request_read(struct lws *wsi, const char *path, size_t len,
                      struct sig_request *ret_request, struct sfu_error *ret_error)
{
    struct sig_request *r = ret_request;
    for (size_t i = 0; i < SFU_ARRAY_LEN(method_tokens) && !r->method; i++) {
        if (lws_hdr_total_length(wsi, method_tokens[i].token) > 0) {
            r->method = method_tokens[i].method;
        }
    }
    if (!r->method) {
        return sfu_error_set(ret_error, SFU_ERR_METHOD_NOT_ALLOWED, NULL, NULL);
    }
    bool http11 = false;
    r->gzip = accepts_gzip(wsi);
    r->forwarded = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                   has_custom(wsi, "forwarded:") || has_custom(wsi, "x-forwarded-host:");
    return read_framing(wsi, r, ret_error) && read_version(wsi, &http11, ret_error) &&
           read_host(wsi, r, http11, ret_error) && read_texts(wsi, r, ret_error) &&
           read_last_event_id(wsi, r, ret_error) && read_path(r, path, len, ret_error) &&
           read_query(wsi, r, ret_error);
}

void sig_request_free(struct sig_request *r)
{
    if (r) {
        free(r->body);
        explicit_bzero(r->authorization, sizeof r->authorization);
        free(r);
    }
}
