#include "signaling/path.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/limits.h"

static const struct {
    unsigned method;
    const char *name;
} methods[] = {
    {SIG_GET, "GET"},     {SIG_HEAD, "HEAD"},     {SIG_POST, "POST"},       {SIG_PUT, "PUT"},
    {SIG_PATCH, "PATCH"}, {SIG_DELETE, "DELETE"}, {SIG_OPTIONS, "OPTIONS"},
};

unsigned sig_method_find(const char *name, size_t len)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(methods); i++) {
        if (sfu_str_eq(name, len, methods[i].name)) {
            return methods[i].method;
        }
    }
    return 0;
}

const char *sig_method_name(unsigned method)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(methods); i++) {
        if (methods[i].method == method) {
            return methods[i].name;
        }
    }
    return "";
}

void sig_method_list(unsigned wanted, char ret_text[SIG_ALLOW_SIZE])
{
    struct sfu_str s;
    sfu_str_init_fixed(&s, ret_text, SIG_ALLOW_SIZE);
    ret_text[0] = '\0';
    for (size_t i = 0; i < SFU_ARRAY_LEN(methods); i++) {
        if (wanted & methods[i].method) {
            sfu_str_puts(&s, s.len > 0 ? ", " : "");
            sfu_str_puts(&s, methods[i].name);
        }
    }
}

static bool segment_ok(const char *segment, size_t len, bool last)
{
    if (len == 0) {
        return last;
    }
    return !sfu_str_eq(segment, len, ".") && !sfu_str_eq(segment, len, "..");
}

static bool characters_ok(const char *path, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)path[i];
        if (c < 0x20 || c == 0x7f || c == '\\') {
            return false;
        }
    }
    return sfu_str_utf8_valid(path, len);
}

int sig_path_check(const char *path, size_t len)
{
    if (len > SFU_MAX_HTTP_URL_BYTES) {
        return -EMSGSIZE;
    }
    if (len == 0 || path[0] != '/' || !characters_ok(path, len)) {
        return -EBADMSG;
    }
    for (size_t start = 1; start <= len;) {
        const char *slash = memchr(path + start, '/', len - start);
        size_t end = slash ? (size_t)(slash - path) : len;
        if (!segment_ok(path + start, end - start, !slash)) {
            return -EBADMSG;
        }
        start = end + 1;
    }
    return 0;
}

int sig_pattern_check(const char *pattern)
{
    size_t len = strlen(pattern);
    if (len > 1 && strcmp(pattern + len - 2, "/*") == 0) {
        len -= 2;
    }
    /* braces and stars have no other meaning */
    if (memchr(pattern, '*', len) || (len > 0 && sig_path_check(pattern, len) != 0)) {
        return -EINVAL;
    }
    return pattern[0] == '/' ? 0 : -EINVAL;
}

bool sig_path_match(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        size_t want = strcspn(pattern, "/");
        size_t have = strcspn(path, "/");
        if (pattern[0] == '*' && pattern[1] == '\0') {
            return path[0] != '\0';
        }
        bool any = sfu_str_eq(pattern, want, "{}") && have > 0;
        if (!any && (want != have || memcmp(pattern, path, want) != 0)) {
            return false;
        }
        pattern += want;
        path += have;
    }
    return *pattern == '\0' && *path == '\0';
}
