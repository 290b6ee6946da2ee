/*
 * tests/fuzz/fuzz_http_path.c - request paths against the checker and the route patterns, then as
 * Host and Origin values, If-Match and queries.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/broadcast/broadcast.h"
#include "sfu/limits.h"
#include "signaling/origin.h"
#include "signaling/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void try_path(const char *text, size_t len)
{
    bool ok = sig_path_check(text, len) == 0;
    if (ok) {
        require(text[0] == '/' && len <= SFU_MAX_HTTP_URL_BYTES);
        require(!memmem(text, len, "/../", 4) && !memmem(text, len, "//", 2));
        require(!memchr(text, '\0', len) && !memchr(text, '\\', len));
        require(len < 3 || memcmp(text + len - 3, "/..", 3) != 0);
    }
    static const char *const patterns[] = {"/", "/*", "/v1/rooms/{}/poster.jpg", "/v1/echo/*"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(patterns); i++) {
        bool match = sig_path_match(patterns[i], text);
        if (i == 1 && ok) {
            require(match == (len > 1));
        }
    }
    if (sig_pattern_check(text) == 0) {
        (void)sig_path_match(text, "/v1/echo/x");
    }
}

static void try_host(const char *text, size_t len)
{
    struct sig_host host;
    struct sig_host own = {.name = "localhost", .port = 8080};
    if (sig_host_parse(text, len, &host) == 0) {
        require(host.name[0] != '\0' && strlen(host.name) <= len + 64);
        (void)sig_host_is_loopback(&host);
        /* a host is its own origin */
        char origin[600] = "http://";
        if (len < 512) {
            memcpy(origin + 7, text, len);
            require(sig_origin_is_own(origin, len + 7, &host, false));
        }
    }
    if (sig_origin_is_own(text, len, &own, false)) {
        require(strncasecmp(text, "http://localhost:8080", 21) == 0 && len == 21);
    }
}

/* What a plugin reads of a request: If-Match, a query, and Link values that it writes. */
static void try_door(const char *text, size_t len)
{
    char value[32], link[PLG_BC_LINK_SIZE];
    enum plg_bc_match match = plg_bc_match(text, "\"tag\"");
    require(match != PLG_BC_MATCH_THIS || strstr(text, "\"tag\""));
    require(match != PLG_BC_MATCH_ABSENT || strspn(text, " \t") == strlen(text));
    if (plg_bc_query_get(text, "track", value, sizeof value) == 0) {
        require(value[0] && strstr(text, "track=") && strlen(value) < sizeof value);
    }
    if (plg_bc_link_make(text, len, text, text, link)) {
        require(link[0] == '<' && !strpbrk(link, "\r\n") && strstr(link, "rel=\"ice-server\""));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    try_path(text, size);
    try_host(text, size);
    try_door(text, size);
    free(text);
    return 0;
}
