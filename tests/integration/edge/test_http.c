/* tests/integration/edge/test_http.c - the HTTP door: files, health, tokens, and requests meant to
 * confuse. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "fixture.h"
#include "sfu/err.h"
#include "sfu/limits.h"

static struct fixture f;
static struct response r;

static int setup(void **state)
{
    (void)state;
    fixture_start(&f, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static const struct {
    const char *path;
    int status;
    const char *type, *body, *cache;
} files[] = {
    {"/", 200, "text/html; charset=utf-8", "<!doctype html><title>demo</title>\n", "no-cache"},
    {"/index.html", 200, "text/html; charset=utf-8", NULL, "no-cache"},
    {"/?room=demo&x=..%2f", 200, "text/html; charset=utf-8", NULL, "no-cache"},
    {"/sub/", 200, "text/html; charset=utf-8", "sub\n", "no-cache"},
    {"/assets/plain.css", 200, "text/css; charset=utf-8", "body{}\n", "no-cache"},
    {"/assets/app-DiwrgTda.js", 200, "text/javascript; charset=utf-8", "console.log('app')\n",
     "public, max-age=31536000, immutable"},
    {"/sdk/assets/plain.css", 200, "text/css; charset=utf-8", NULL, NULL},
    {"/sub", 404, NULL, NULL, NULL},
    {"/nothing", 404, NULL, NULL, NULL},
    {"/.hidden", 404, NULL, NULL, NULL},
    {"/link.txt", 404, NULL, NULL, NULL},
    {"/assets/app-DiwrgTda.js.gz", 404, NULL, NULL, NULL},
};

static void files_come_with_type_tag_and_cache_rule(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    for (size_t i = 0; i < SFU_ARRAY_LEN(files); i++) {
        client_request(c, "GET", files[i].path, NULL, NULL, &r);
        if (r.status != files[i].status) {
            fail_msg("%s: %d instead of %d", files[i].path, r.status, files[i].status);
        }
        assert_string_equal(response_header(&r, "X-Content-Type-Options"), "nosniff");
        assert_true(response_header(&r, "Content-Security-Policy")[0] != '\0');
        if (files[i].type) {
            assert_string_equal(response_header(&r, "Content-Type"), files[i].type);
        } else {
            assert_string_equal(response_header(&r, "Content-Type"), "application/problem+json");
            assert_non_null(strstr(r.body, "\"code\":\"not_found\""));
        }
        if (files[i].body) {
            assert_string_equal(r.body, files[i].body);
        }
        if (files[i].cache) {
            assert_string_equal(response_header(&r, "Cache-Control"), files[i].cache);
        }
    }
    client_close(c); /* all of it over one connection */
}

static void a_known_tag_is_not_sent_again(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "GET", "/assets/app-DiwrgTda.js", NULL, NULL, &r);
    char tag[64];
    char header[256];
    snprintf(tag, sizeof tag, "%s", response_header(&r, "ETag"));
    assert_true(strlen(tag) > 10);
    static const char *const forms[] = {"If-None-Match: %s\r\n", "If-None-Match: W/%s\r\n",
                                        "If-None-Match: \"x\", %s\r\n"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(forms); i++) {
        char value[128];
        const char *percent = strstr(forms[i], "%s");
        snprintf(value, sizeof value, "%.*s", (int)(percent - forms[i]), forms[i]);
        snprintf(header, sizeof header, "%s%s\r\n", value, tag);
        client_request(c, "GET", "/assets/app-DiwrgTda.js", header, NULL, &r);
        assert_int_equal(r.status, 304);
        assert_string_equal(response_header(&r, "ETag"), tag);
        assert_string_equal(response_header(&r, "Content-Length"), "");
    }
    client_request(c, "GET", "/assets/app-DiwrgTda.js", "If-None-Match: \"x\"\r\n", NULL, &r);
    assert_int_equal(r.status, 200);
    static const struct {
        const char *accept;
        bool gzip;
    } codings[] = {{"gzip, deflate, br", true},
                   {"deflate, gzip;q=0.5", true},
                   {"gzip;q=0", false},
                   {"gzip;q=0.0", false},
                   {"identity", false},
                   {"xgzip", false},
                   {"GZIP", true},
                   {"gzip;q=0.001", true}};
    for (size_t i = 0; i < SFU_ARRAY_LEN(codings); i++) {
        snprintf(header, sizeof header, "Accept-Encoding: %s\r\n", codings[i].accept);
        client_request(c, "GET", "/assets/app-DiwrgTda.js", header, NULL, &r);
        assert_string_equal(response_header(&r, "Vary"), "Accept-Encoding");
        assert_string_equal(r.body, codings[i].gzip ? "not really gzip\n" : "console.log('app')\n");
        assert_int_equal(strcmp(response_header(&r, "ETag"), tag) == 0, !codings[i].gzip);
    }
    client_close(c);
}

static void a_page_is_locked_down(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "GET", "/", NULL, NULL, &r);
    const char *csp = response_header(&r, "Content-Security-Policy");
    assert_non_null(strstr(csp, "script-src 'self';"));
    assert_non_null(strstr(csp, "frame-ancestors 'none'"));
    assert_null(strstr(csp, "unsafe-eval"));
    assert_string_equal(response_header(&r, "X-Frame-Options"), "DENY");
    assert_string_equal(response_header(&r, "Referrer-Policy"), "no-referrer");
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "");
    client_request(c, "GET", "/sdk/index.html", NULL, NULL, &r);
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "*");
    client_close(c);
}

static const char *const escapes[] = {
    "/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%252e%252e/etc/passwd",
    "/assets/../../etc/passwd",
    "/..\\..\\etc\\passwd",
    "/....//....//etc/passwd",
    "/sub/..;/..;/etc/passwd",
    "/etc/passwd%00.html",
    "/index.html%00",
    "//etc/passwd",
    "/./etc/passwd",
    "/%c0%ae%c0%ae/etc/passwd",
    "/\xff",
    "/%",
    "/%4",
    "/%zz",
    "/a%0d%0aSet-Cookie:%20x=1",
    "/link.txt",
};

static void no_path_leads_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(escapes); i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_sendf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", escapes[i]);
        if (client_response(c, &r, false)) {
            if (r.status != 400 && r.status != 403 && r.status != 404) {
                fail_msg("%s: %d %s", escapes[i], r.status, r.body);
            }
            assert_null(strstr(r.body, "root:"));
            assert_string_equal(response_header(&r, "Set-Cookie"), "");
        }
        client_close(c);
    }
}

#define GET "GET /livez HTTP/1.1\r\n"
#define POST "POST /v1/echo/x HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"
#define NEXT "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: 1\r\n\r\n"

static const struct {
    const char *what, *request;
    int status;  /* 0: closed without an answer */
    bool closed; /* nothing of what follows is read as a request */
} odd[] = {
    {"length and coding",
     POST HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 400, true},
    {"coding alone", POST HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 400, true},
    {"odd coding", POST HOST "Transfer-Encoding: xchunked\r\n\r\n" NEXT, 400, true},
    {"coding on GET", GET HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT, 400, true},
    {"hidden coding", GET HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" NEXT, 400, true},
    {"hidden length", POST HOST "Content-Length : 5\r\n\r\nhello" NEXT, 400, true},
    {"two lengths", POST HOST "Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello" NEXT, 400,
     true},
    {"two equal lengths", POST HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" NEXT, 400,
     true},
    {"list of lengths", POST HOST "Content-Length: 5, 5\r\n\r\nhello" NEXT, 400, true},
    {"signed length", POST HOST "Content-Length: +5\r\n\r\nhello" NEXT, 400, true},
    {"negative length", POST HOST "Content-Length: -5\r\n\r\nhello" NEXT, 400, true},
    {"hex length", POST HOST "Content-Length: 0x5\r\n\r\nhello" NEXT, 400, true},
    {"huge length", POST HOST "Content-Length: 99999999999999999999\r\n\r\nhello" NEXT, 400, true},
    {"too large a body", POST HOST "Content-Length: 1048577\r\n\r\nhello" NEXT, 413, true},
    {"no length", POST HOST "\r\n" NEXT, 201, true},
    {"no host", GET "\r\n", 400, true},
    {"two hosts", GET HOST "Host: evil\r\n\r\n", 400, true},
    {"empty host", GET "Host:\r\n\r\n", 400, true},
    {"host with a path", GET "Host: localhost/x\r\n\r\n", 400, true},
    {"host with a user", GET "Host: a@localhost\r\n\r\n", 400, true},
    {"host with a bad port", GET "Host: localhost:99999\r\n\r\n", 400, true},
    {"HTTP/1.0 without host", "GET /livez HTTP/1.0\r\n\r\n" NEXT, 200, true},
    {"HTTP/2.0", "GET /livez HTTP/2.0\r\n" HOST "\r\n", 400, true},
    {"HTTP/1.2", "GET /livez HTTP/1.2\r\n" HOST "\r\n", 400, true},
    {"no version", "GET /livez\r\n" HOST "\r\n", 0, true},
    {"unknown method", "BREW /livez HTTP/1.1\r\n" HOST "\r\n", 0, true},
    /* lws reads methods in any case; what counts is that both ends see two requests */
    {"lower case method", "get /livez HTTP/1.1\r\n" HOST "\r\n" GET HOST "\r\n", 200, false},
    {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" HOST "\r\n", 0, true},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, true},
    {"TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0, true},
    {"absolute form", "GET http://localhost/livez HTTP/1.1\r\n" HOST "\r\n", -1, true},
    {"good", GET HOST "\r\n" GET HOST "\r\n", 200, false},
};

static void odd_requests_get_one_answer_at_most(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(odd); i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_send(c, odd[i].request, strlen(odd[i].request));
        bool may_wait = odd[i].status == 0 || odd[i].status == -1;
        if (may_wait) {
            client_sendf(c, "\r\n\r\n"); /* the parser may wait for the end of a head */
        }
        int status = client_response(c, &r, false) ? r.status : 0;
        if (odd[i].status == -1  ? status == 200
            : odd[i].status == 0 ? status >= 200 && status < 400
                                 : status != odd[i].status) {
            fail_msg("%s: %d instead of %d: %s", odd[i].what, status, odd[i].status, r.body);
        }
        bool more = status != 0 && client_response(c, &r, false);
        if (more == odd[i].closed) {
            fail_msg("%s: %s", odd[i].what, more ? "answered twice" : "closed");
        }
        client_close(c);
    }
}

static void a_flood_of_headers_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
        "Cookie: a=b\r\n", "a:\r\n", "Accept: */*\r\n"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(lines); i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_sendf(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n");
        for (int n = 0; n < 20000; n++) {
            client_send(c, lines[i], strlen(lines[i]));
        }
        client_sendf(c, "\r\n");
        assert_false(client_response(c, &r, false) && r.status == 200);
        client_close(c);
    }
    struct client *c = client_open("127.0.0.1", f.port);
    char path[3000];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    client_request(c, "GET", path, NULL, NULL, &r);
    assert_int_equal(r.status, 413);
    client_close(c);
}

static void methods_have_their_answers(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "HEAD", "/index.html", NULL, NULL, &r);
    assert_int_equal(r.status, 200);
    assert_string_equal(response_header(&r, "Content-Length"), "35");
    client_request(c, "HEAD", "/nothing", NULL, NULL, &r);
    assert_int_equal(r.status, 404);
    client_request(c, "DELETE", "/livez", NULL, NULL, &r);
    assert_int_equal(r.status, 405);
    assert_string_equal(response_header(&r, "Allow"), "GET, HEAD, OPTIONS");
    client_request(c, "PUT", "/index.html", NULL, "x", &r);
    assert_int_equal(r.status, 405);
    client_close(c);
    c = client_open("127.0.0.1", f.port);
    client_request(c, "GET", "/v1/dev/token", NULL, NULL, &r);
    assert_int_equal(r.status, 405);
    assert_string_equal(response_header(&r, "Allow"), "POST, OPTIONS");
    client_request(c, "OPTIONS", "/v1/echo/x", NULL, NULL, &r);
    assert_int_equal(r.status, 204);
    assert_string_equal(response_header(&r, "Allow"), "GET, POST, DELETE, OPTIONS");
    assert_string_equal(response_header(&r, "Access-Control-Allow-Methods"), "");
    client_request(c, "GET", "/v1/rtc", NULL, NULL, &r);
    assert_int_equal(r.status, 426);
    client_close(c);
}

static void other_origins_read_only_what_is_configured(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://app.example"};
    struct sig_edge_conf conf = {.development = true, .origins = origins, .origin_count = 1};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "OPTIONS", "/v1/echo/x", "Origin: https://app.example\r\n", NULL, &r);
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "https://app.example");
    assert_string_equal(response_header(&r, "Access-Control-Allow-Methods"),
                        "GET, POST, DELETE, OPTIONS");
    client_request(c, "GET", "/v1/echo/x", "Origin: https://app.example\r\n", NULL, &r);
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "https://app.example");
    assert_string_equal(response_header(&r, "Vary"), "Origin");
    client_request(c, "GET", "/v1/echo/x", "Origin: https://evil.example\r\n", NULL, &r);
    assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"), "");
    client_close(c);
}

static void health_says_what_is_so(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    static const char *const paths[] = {"/livez", "/readyz", "/startupz"};
    for (size_t i = 0; i < 3; i++) {
        client_request(c, "GET", paths[i], NULL, NULL, &r);
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, "ok\n");
        assert_string_equal(response_header(&r, "Cache-Control"), "no-store");
    }
    client_request(c, "GET", "/healthz", NULL, NULL, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.body, "\"status\":\"ok\""));
    client_close(c);
}

static bool not_ready(void *arg, const char **ret_why)
{
    (void)arg;
    *ret_why = "worker 1 is silent";
    return false;
}

static void a_probe_that_fails_is_told(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .ready = not_ready};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "GET", "/livez", NULL, NULL, &r);
    assert_int_equal(r.status, 200);
    client_request(c, "GET", "/readyz", NULL, NULL, &r);
    assert_int_equal(r.status, 503);
    assert_string_equal(r.body, "worker 1 is silent\n");
    client_request(c, "GET", "/healthz", NULL, NULL, &r);
    assert_int_equal(r.status, 503);
    assert_non_null(strstr(r.body, "\"reason\":\"worker 1 is silent\""));
    client_close(c);
}

static void metrics_are_for_this_machine_or_the_token(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .metrics_token = "s3cret"};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    static const struct {
        const char *host, *extra;
        int status;
    } rows[] = {
        {"localhost", "", 200},
        {"127.0.0.1:8080", "", 200},
        {"localhost", "X-Forwarded-For: 1.2.3.4\r\n", 401},
        {"localhost", "Forwarded: for=1.2.3.4\r\n", 401},
        {"stoa.example", "", 401},
        {"stoa.example", "Authorization: Bearer wrong!\r\n", 401},
        {"stoa.example", "Authorization: Bearer s3cre\r\n", 401},
        {"stoa.example", "Authorization: Basic s3cret\r\n", 401},
        {"stoa.example", "Authorization: Bearer s3cret\r\n", 200},
    };
    struct client *c = client_open("127.0.0.1", f.port);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        client_sendf(c, "GET /metrics HTTP/1.1\r\nHost: %s\r\n%s\r\n", rows[i].host, rows[i].extra);
        assert_true(client_response(c, &r, false));
        if (r.status != rows[i].status) {
            fail_msg("row %zu: %d", i, r.status);
        }
        if (r.status == 200) {
            assert_non_null(strstr(r.body, "# TYPE stoa_http_responses_total counter"));
        }
    }
    client_close(c);
}

#define JSON "Content-Type: application/json\r\n"
#define GOOD "{\"room\":\"demo\",\"identity\":\"ann\",\"name\":\"Ann\"}"

static const struct {
    const char *host, *headers, *body;
    int status;
    const char *code; /* part of the body */
} tokens[] = {
    {"localhost:8080", "Origin: http://localhost:8080\r\n" JSON, GOOD, 200, "\"token\":\"ey"},
    {"127.0.0.1:8080", "Origin: http://127.0.0.1:8080\r\n" JSON, GOOD, 200, "token"},
    {"[::1]:8080", "Origin: http://[::1]:8080\r\n" JSON, GOOD, 200, "token"},
    {"demo.localhost",
     "Origin: http://demo.localhost\r\nContent-Type: application/json; charset=utf-8\r\n", GOOD,
     200, "token"},
    /* another page, a rebound name, a program without Origin, a form */
    {"localhost:8080", "Origin: https://evil.example\r\n" JSON, GOOD, 403, "origin"},
    {"localhost:8080", "Origin: http://localhost:8081\r\n" JSON, GOOD, 403, "origin"},
    {"localhost:8080", "Origin: null\r\n" JSON, GOOD, 403, "origin"},
    {"localhost:8080", JSON, GOOD, 403, "origin"},
    {"evil.example:8080", "Origin: http://evil.example:8080\r\n" JSON, GOOD, 403, "forbidden"},
    {"localhost.evil.example", "Origin: http://localhost.evil.example\r\n" JSON, GOOD, 403,
     "forbidden"},
    {"127.0.0.1.evil.example", "Origin: http://127.0.0.1.evil.example\r\n" JSON, GOOD, 403,
     "forbidden"},
    {"localhost", "Origin: http://localhost\r\nX-Forwarded-For: 1.2.3.4\r\n" JSON, GOOD, 403,
     "forbidden"},
    {"localhost", "Origin: http://localhost\r\nContent-Type: text/plain\r\n", GOOD, 415,
     "media_type"},
    {"localhost", "Origin: http://localhost\r\n", GOOD, 415, "media_type"},
    /* bodies */
    {"localhost", "Origin: http://localhost\r\n" JSON, "", 400, "parse_error"},
    {"localhost", "Origin: http://localhost\r\n" JSON, "[]", 400, "parse_error"},
    {"localhost", "Origin: http://localhost\r\n" JSON,
     "{\"room\":\"a\",\"room\":\"b\",\"identity\":\"x\"}", 400, "parse_error"},
    {"localhost", "Origin: http://localhost\r\n" JSON, "{\"identity\":\"x\"}", 400,
     "\"field\":\"room\""},
    {"localhost", "Origin: http://localhost\r\n" JSON, "{\"room\":\"x\"}", 400,
     "\"field\":\"identity\""},
    {"localhost", "Origin: http://localhost\r\n" JSON, "{\"room\":7,\"identity\":\"x\"}", 400,
     "\"field\":\"room\""},
    {"localhost", "Origin: http://localhost\r\n" JSON, "{\"room\":\"\\u0001\",\"identity\":\"x\"}",
     400, "invalid_param"},
};

static void development_tokens_are_for_our_own_page_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(tokens); i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_sendf(c,
                     "POST /v1/dev/token HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n%s\r\n%s",
                     tokens[i].host, strlen(tokens[i].body), tokens[i].headers, tokens[i].body);
        assert_true(client_response(c, &r, false));
        if (r.status != tokens[i].status || !strstr(r.body, tokens[i].code)) {
            fail_msg("row %zu: %d %s", i, r.status, r.body);
        }
        assert_string_equal(response_header(&r, "Access-Control-Allow-Origin"),
                            r.status == 200 ? ""
                                            : response_header(&r, "Access-Control-Allow-Origin"));
        client_close(c);
    }
}

static void a_development_token_opens_the_room_it_names(void **state)
{
    (void)state;
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "POST", "/v1/dev/token", "Origin: http://localhost\r\n" JSON, GOOD, &r);
    assert_int_equal(r.status, 200);
    const char *token = strstr(r.body, "ey");
    struct sfu_claims claims;
    const char *why = "";
    assert_int_equal(sig_auth_verify(f.auth, token, strcspn(token, "\""),
                                     sfu_clock_wall_us(sfu_clock_real()), &claims, &why),
                     0);
    assert_string_equal(claims.room, "demo");
    assert_string_equal(claims.identity, "ann");
    assert_string_equal(claims.name, "Ann");
    assert_int_equal(claims.publish, 15);
    assert_true(claims.subscribe && claims.data && !claims.admin && !claims.record);
    client_close(c);
}

static void without_the_development_key_there_is_no_such_door(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = false};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "POST", "/v1/dev/token", "Origin: http://localhost\r\n" JSON, GOOD, &r);
    assert_int_equal(r.status, 404);
    client_close(c);
}

static void the_development_key_stays_on_this_machine(void **state)
{
    (void)state;
    static const char *const open[] = {"0.0.0.0", "::", "192.0.2.1", "10.0.0.1"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(open); i++) {
        struct sig_edge_conf conf = {.clock = sfu_clock_real(),
                                     .addresses = &open[i],
                                     .address_count = 1,
                                     .development = true,
                                     .auth = f.auth};
        struct sig_edge *edge = NULL;
        assert_int_equal(sig_edge_create(&conf, &edge), -EACCES);
        assert_null(edge);
    }
    static const char *const any[] = {"0.0.0.0", "::"};
    struct sig_edge_conf conf = {.clock = sfu_clock_real(), .addresses = any, .address_count = 2};
    struct sig_edge *edge = NULL;
    assert_int_equal(sig_edge_create(&conf, &edge), 0);
    char url[64];
    char expected[64];
    sig_edge_url(edge, url, sizeof url);
    snprintf(expected, sizeof expected, "http://localhost:%u/", sig_edge_port(edge));
    assert_string_equal(url, expected);
    sig_edge_destroy(edge);
}

static void other_addresses_need_a_real_key(void **state)
{
    (void)state;
    static const char *const any[] = {"0.0.0.0"};
    struct sig_edge_conf conf = {
        .clock = sfu_clock_real(), .addresses = any, .address_count = 1, .auth = f.auth};
    struct sig_edge *edge = NULL;
    sig_auth_set_keys(f.auth, NULL, 0);
    assert_int_equal(sig_edge_create(&conf, &edge), -EACCES);
    struct sig_dir_key key = {.kid = "key_real", .disabled_us = 1};
    sig_auth_set_keys(f.auth, &key, 1);
    assert_int_equal(sig_edge_create(&conf, &edge), -EACCES);
    key.disabled_us = 0;
    sig_auth_set_keys(f.auth, &key, 1);
    assert_int_equal(sig_edge_create(&conf, &edge), 0);
    sig_edge_destroy(edge);
}

static void wrong_settings_do_not_start(void **state)
{
    (void)state;
    static const char *const name[] = {"localhost"};
    static const char *const here[] = {"127.0.0.1"};
    const struct {
        struct sig_edge_conf conf;
        int err;
    } rows[] = {
        {{.addresses = name, .address_count = 1}, -EINVAL},
        {{.addresses = here, .address_count = 1, .port = f.port}, -EADDRINUSE},
        {{.web_root = "/nonexistent"}, -ENOENT},
        {{.tls_cert = "/nonexistent"}, -EINVAL},
        {{.tls_cert = "/nonexistent", .tls_key = "/nonexistent"}, -ENOENT},
        {{.tls_cert = "/etc/hostname", .tls_key = "/etc/hostname"}, -EINVAL},
        {{.development = true}, -EINVAL},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sig_edge_conf conf = rows[i].conf;
        struct sig_edge *edge = NULL;
        conf.clock = sfu_clock_real();
        int err = sig_edge_create(&conf, &edge);
        if (err != rows[i].err) {
            fail_msg("row %zu: %d", i, err);
        }
    }
}

static void a_plugin_gets_its_requests_and_answers_them(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .times = {.reply_ms = 100}};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = client_open("127.0.0.1", f.port);
    client_request(c, "GET", "/v1/echo/a/b", "Authorization: Bearer abc\r\n", NULL, &r);
    assert_int_equal(r.status, 201);
    assert_string_equal(response_header(&r, "Content-Type"), "text/x-test");
    assert_string_equal(r.body, "GET /v1/echo/a/b [Bearer abc] 0:");
    client_request(c, "POST", "/v1/echo/p", NULL, "hello", &r);
    assert_string_equal(r.body, "POST /v1/echo/p [] 5:hello");
    client_request(c, "POST", "/v1/echo/p", NULL, "", &r);
    assert_string_equal(r.body, "POST /v1/echo/p [] 0:");
    client_request(c, "DELETE", "/v1/echo/p", NULL, NULL, &r);
    assert_int_equal(r.status, 201);
    client_request(c, "GET", "/v1/echo/never", NULL, NULL, &r);
    assert_int_equal(r.status, 503);
    client_request(c, "GET", "/v1/echo/full", NULL, NULL, &r);
    assert_int_equal(r.status, 503);
    client_request(c, "GET", "/v1/echo/again", NULL, NULL, &r);
    assert_int_equal(r.status, 201);
    client_request(c, "GET", "/v1/echo", NULL, NULL, &r);
    assert_int_equal(r.status, 404);
    client_close(c);
    char *body = malloc(300001);
    memset(body, 'b', 300000);
    body[300000] = '\0';
    c = client_open("127.0.0.1", f.port);
    client_request(c, "POST", "/v1/echo/large", NULL, body, &r);
    assert_int_equal(r.status, 201);
    assert_int_equal(r.body_len, 300000 + strlen("POST /v1/echo/large [] 300000:"));
    client_close(c);
    free(body);
    /* a client that does not wait for its answer */
    c = client_open("127.0.0.1", f.port);
    client_sendf(c, "GET /v1/echo/never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_close(c);
    assert_int_equal(f.ops.http_reply(f.ops.arg, 12345, &(struct sfu_lane_answer){.status = 200}),
                     0);
    assert_int_equal(f.ops.http_reply(f.ops.arg, 1, &(struct sfu_lane_answer){.status = 99}),
                     -EINVAL);
}

static void slow_requests_are_cut_off(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .times = {.header_ms = 1500, .body_ms = 200}};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *silent = client_open("127.0.0.1", f.port);
    struct client *idle = client_open("127.0.0.1", f.port);
    client_request(idle, "GET", "/livez", NULL, NULL, &r);
    struct client *half = client_open("127.0.0.1", f.port);
    client_sendf(half,
                 "POST /v1/echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    struct client *slow = client_open("127.0.0.1", f.port);
    client_sendf(slow, "GET /livez HTTP/1.1\r\nHost: localhost\r\n");
    /* one byte now and then does not move the deadline */
    bool closed = false;
    for (int i = 0; i < CLIENT_WAIT_MS / 30 && !closed; i++) {
        client_sendf(slow, "X");
        closed = client_wait_close(slow, 30);
    }
    assert_true(closed);
    assert_true(client_wait_close(silent, CLIENT_WAIT_MS));
    assert_true(client_wait_close(idle, CLIENT_WAIT_MS));
    assert_true(client_response(half, &r, false));
    assert_int_equal(r.status, 408);
    assert_true(client_wait_close(half, CLIENT_WAIT_MS));
    client_close(silent);
    client_close(slow);
    client_close(half);
    client_close(idle);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .times = {.write_ms = 200}};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = client_open("127.0.0.1", f.port);
    for (int i = 0; i < 20000; i++) {
        client_sendf(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if (i % 100 == 0 && client_wait_close(c, 0)) {
            break;
        }
    }
    struct client *other = client_open("127.0.0.1", f.port);
    client_request(other, "GET", "/livez", NULL, NULL, &r);
    assert_int_equal(r.status, 200);
    client_close(other);
    client_close(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
const struct CMUnitTest http_tests[] = {
    T(files_come_with_type_tag_and_cache_rule),
    T(a_known_tag_is_not_sent_again),
    T(a_page_is_locked_down),
    T(no_path_leads_out),
    T(odd_requests_get_one_answer_at_most),
    T(a_flood_of_headers_is_refused),
    T(methods_have_their_answers),
    T(other_origins_read_only_what_is_configured),
    T(health_says_what_is_so),
    T(a_probe_that_fails_is_told),
    T(metrics_are_for_this_machine_or_the_token),
    T(development_tokens_are_for_our_own_page_only),
    T(a_development_token_opens_the_room_it_names),
    T(without_the_development_key_there_is_no_such_door),
    T(the_development_key_stays_on_this_machine),
    T(other_addresses_need_a_real_key),
    T(wrong_settings_do_not_start),
    T(a_plugin_gets_its_requests_and_answers_them),
    T(slow_requests_are_cut_off),
    T(a_client_that_does_not_read_is_cut_off),
};
const size_t http_test_count = SFU_ARRAY_LEN(http_tests);
