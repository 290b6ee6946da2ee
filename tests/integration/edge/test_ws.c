/* tests/integration/edge/test_ws.c - the WebSocket door: handshakes, frames, floods, slow readers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"
#include "fixture.h"
#include "sfu/err.h"
#include "sfu/limits.h"

static struct fixture f;
static struct frame frame;
static struct response response;

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

static struct client *open_lane(void)
{
    struct client *c = client_open("127.0.0.1", f.port);
    assert_true(ws_open(c, NULL));
    return c;
}

static void expect_echo(struct client *c, const char *text)
{
    assert_true(ws_recv(c, &frame));
    assert_int_equal(frame.opcode, WS_TEXT);
    assert_true(frame.fin);
    assert_string_equal(frame.data, text);
}

static void wait_closed(unsigned n)
{
    struct timespec nap = {.tv_nsec = 2000000};
    for (int i = 0; i < CLIENT_WAIT_MS / 2 && atomic_load(&f.closed) < n; i++) {
        nanosleep(&nap, NULL);
    }
    assert_int_equal(atomic_load(&f.closed), n);
}

static void a_text_comes_back_on_both_families(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct client *c = client_open(addresses[i], f.port);
        assert_true(ws_open(c, NULL));
        ws_text(c, "{\"jsonrpc\":\"2.0\"}");
        expect_echo(c, "{\"jsonrpc\":\"2.0\"}");
        ws_text(c, "");
        expect_echo(c, "");
        ws_text(c, "gr\xc3\xbc\xc3\x9f");
        expect_echo(c, "gr\xc3\xbc\xc3\x9f");
        ws_send(c, WS_CLOSE, true, "\x03\xe8", 2);
        assert_int_equal(ws_close_code(c), 1000);
        wait_closed((unsigned)i + 1);
        client_close(c);
    }
    assert_int_equal(atomic_load(&f.opened), 2);
}

#define HEADER(name, value) name ": " value "\r\n"
#define KEY HEADER("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
#define UPGRADE HEADER("Upgrade", "websocket") HEADER("Connection", "Upgrade")
#define VERSION HEADER("Sec-WebSocket-Version", "13")
#define PROTOCOL HEADER("Sec-WebSocket-Protocol", "stoa.v1")
#define HOST HEADER("Host", "localhost:8080")

static const struct {
    const char *what, *request;
    int status; /* 0: closed without an answer */
} handshakes[] = {
    {"good", "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL, 101},
    {"one of several sub-protocols",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION HEADER("Sec-WebSocket-Protocol",
                                                                "chat, stoa.v1"),
     101},
    {"own origin",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin",
                                                                         "http://localhost:8080"),
     101},
    {"configured origin",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin",
                                                                         "https://app.example"),
     101},
    {"foreign origin",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin",
                                                                         "https://evil.example"),
     403},
    {"own name, other port",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin",
                                                                         "http://localhost:8081"),
     403},
    {"own name, other scheme",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin",
                                                                         "https://localhost:8080"),
     403},
    {"opaque origin",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Origin", "null"), 403},
    {"two origins",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER(
         "Origin", "http://localhost:8080") HEADER("Origin", "https://evil.example"),
     400},
    {"no sub-protocol", "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION, 426},
    {"another sub-protocol",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION HEADER("Sec-WebSocket-Protocol",
                                                                "stoa.v2"),
     426},
    {"the name of the HTTP handler",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION HEADER("Sec-WebSocket-Protocol",
                                                                "stoa-http"),
     426},
    {"the HTTP handler first",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION HEADER("Sec-WebSocket-Protocol",
                                                                "stoa-http, stoa.v1"),
     0},
    {"old version",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY PROTOCOL HEADER("Sec-WebSocket-Version", "8"),
     426},
    {"no version", "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY PROTOCOL, 426},
    {"no key", "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE VERSION PROTOCOL, 400},
    {"short key",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE VERSION PROTOCOL HEADER("Sec-WebSocket-Key", "eA=="),
     400},
    {"no host", "GET /v1/rtc HTTP/1.1\r\n" UPGRADE KEY VERSION PROTOCOL, 400},
    {"elsewhere", "GET /v1/other HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL, 404},
    {"a file", "GET /index.html HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL, 404},
    {"by POST",
     "POST /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Content-Length", "0"),
     405},
    {"with a body",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Content-Length", "5"),
     405},
    {"with a coded body",
     "GET /v1/rtc HTTP/1.1\r\n" HOST UPGRADE KEY VERSION PROTOCOL HEADER("Transfer-Encoding",
                                                                         "chunked"),
     400},
    {"no Connection header",
     "GET /v1/rtc HTTP/1.1\r\n" HOST HEADER("Upgrade", "websocket") KEY VERSION PROTOCOL, 0},
    {"HTTP/2 without TLS",
     "GET / HTTP/1.1\r\n" HOST HEADER("Upgrade", "h2c") HEADER(
         "Connection", "Upgrade, HTTP2-Settings") HEADER("HTTP2-Settings", "AAMAAABkAAQAAP__"),
     0},
    {"not an upgrade", "GET /v1/rtc HTTP/1.1\r\n" HOST, 426},
};

static void handshakes_are_taken_or_refused_each_with_its_answer(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://app.example"};
    struct sig_edge_conf conf = {.development = true, .origins = origins, .origin_count = 1};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    unsigned good = 0;
    for (size_t i = 0; i < SFU_ARRAY_LEN(handshakes); i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_sendf(c, "%s\r\n", handshakes[i].request);
        int status = client_response(c, &response, false) ? response.status : 0;
        if (status != handshakes[i].status) {
            fail_msg("%s: %d instead of %d", handshakes[i].what, status, handshakes[i].status);
        }
        if (status >= 400) {
            assert_string_equal(response_header(&response, "Content-Type"),
                                "application/problem+json");
        }
        good += status == 101;
        client_close(c);
    }
    assert_int_equal(atomic_load(&f.opened), good);
}

static void an_unknown_upgrade_ends_the_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct client *c = client_open("127.0.0.1", f.port);
        client_sendf(c,
                     "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: foo\r\n"
                     "Connection: Upgrade\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        bool answered = client_response(c, &response, false);
        assert_true(!answered || response.status == 403);
        assert_false(client_response(c, &response, false));
        client_close(c);
    }
}

static void fragments_are_joined_up_to_the_limit(void **state)
{
    (void)state;
    struct client *c = open_lane();
    char expected[65] = "";
    for (int i = 0; i < 64; i++) {
        ws_send(c, i == 0 ? WS_TEXT : WS_CONT, i == 63, "x", 1);
        expected[i] = 'x';
        if (i == 30) {
            ws_send(c, WS_PING, true, "\xff\x00", 2); /* allowed in between, and no text */
        }
        if (i == 31) {
            ws_send(c, WS_PONG, true, "\xff", 1);
        }
    }
    assert_true(ws_recv(c, &frame));
    assert_int_equal(frame.opcode, WS_PONG);
    assert_int_equal(frame.len, 2);
    expect_echo(c, expected);
    for (int i = 0; i < 65; i++) {
        ws_send(c, i == 0 ? WS_TEXT : WS_CONT, i == 64, "x", 1);
    }
    assert_int_equal(ws_close_code(c), 1009);
    wait_closed(1);
    client_close(c);
}

static void empty_fragments_count_too(void **state)
{
    (void)state;
    struct client *c = open_lane();
    for (int i = 0; i < 200; i++) {
        ws_send(c, i == 0 ? WS_TEXT : WS_CONT, false, "", 0);
    }
    assert_int_equal(ws_close_code(c), 1009);
    client_close(c);
}

static char *make_text(size_t len)
{
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    return text;
}

static const struct {
    const char *what;
    bool accepted;
    size_t bytes;
    int code; /* 0: comes back */
} sizes[] = {
    {"a stranger's largest", false, 65536, 0},
    {"a stranger's larger", false, 65537, 1009},
    {"the largest", true, 524288, 0},
    {"one more", true, 524289, 1009},
};

static void messages_have_a_largest_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(sizes); i++) {
        struct client *c = open_lane();
        if (sizes[i].accepted) {
            ws_text(c, "accept");
            ws_text(c, "ready");
            expect_echo(c, "ready");
        }
        char *text = make_text(sizes[i].bytes);
        ws_text(c, text);
        if (sizes[i].code) {
            int code = ws_close_code(c);
            /* what was still on its way may turn the end into a reset, with the frame lost */
            assert_true(code == sizes[i].code || code == 0);
        } else {
            expect_echo(c, text);
        }
        free(text);
        client_close(c);
    }
}

static void a_size_is_refused_before_its_bytes_come(void **state)
{
    (void)state;
    struct client *c = open_lane();
    static const uint8_t huge[] = {0x81, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 1,    2,    3,    4,    'x'};
    client_send(c, huge, sizeof huge);
    char *text = make_text(8192); /* lws reports a frame when it has read a buffer of it */
    client_send(c, text, 8192);
    free(text);
    assert_int_equal(ws_close_code(c), 1009);
    client_close(c);
}

static const struct {
    const char *what;
    uint8_t bytes[32];
    size_t len;
    int code; /* -1: any, or no close frame at all */
} frames[] = {
    {"invalid UTF-8", {0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28}, 8, 1007},
    {"cut UTF-8", {0x81, 0x81, 0, 0, 0, 0, 0xc3}, 7, 1007},
    {"surrogate", {0x81, 0x83, 0, 0, 0, 0, 0xed, 0xa0, 0x80}, 9, 1007},
    {"NUL in text", {0x81, 0x83, 0, 0, 0, 0, 'a', 0, 'b'}, 9, 1007},
    {"binary", {0x82, 0x81, 0, 0, 0, 0, 'x'}, 7, 1003},
    {"reserved bit", {0xc1, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},
    {"reserved opcode", {0x83, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},
    {"reserved control opcode", {0x8b, 0x80, 0, 0, 0, 0}, 6, 1002},
    {"continuation of nothing", {0x80, 0x81, 0, 0, 0, 0, 'x'}, 7, 1002},
    {"fragmented ping", {0x09, 0x80, 0, 0, 0, 0}, 6, 1002},
    {"long ping", {0x89, 0xfe, 0, 126, 0, 0, 0, 0}, 8, -1},
    {"negative length", {0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 14, -1},
    {"text inside a text", {0x01, 0x81, 0, 0, 0, 0, 'x', 0x81, 0x81, 0, 0, 0, 0, 'y'}, 14, 1002},
};

static void wrong_frames_end_the_lane(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(frames); i++) {
        struct client *c = open_lane();
        client_send(c, frames[i].bytes, frames[i].len);
        int code = ws_close_code(c);
        if (frames[i].code >= 0 && code != frames[i].code) {
            fail_msg("%s: %d instead of %d", frames[i].what, code, frames[i].code);
        }
        client_close(c);
    }
    wait_closed(SFU_ARRAY_LEN(frames));
    assert_int_equal(atomic_load(&f.opened), SFU_ARRAY_LEN(frames));
}

static void control_closes_behind_what_it_sent(void **state)
{
    (void)state;
    struct client *c = open_lane();
    ws_text(c, "flood 20 50000");
    ws_text(c, "close 4014 kicked");
    for (int i = 0; i < 20; i++) {
        assert_true(ws_recv(c, &frame));
        assert_int_equal(frame.opcode, WS_TEXT);
        assert_int_equal(frame.len, 50000);
    }
    assert_true(ws_recv(c, &frame));
    assert_int_equal(frame.opcode, WS_CLOSE);
    assert_int_equal(frame.data[0] << 8 | frame.data[1], 4014);
    assert_string_equal(frame.data + 2, "kicked");
    ws_send(c, WS_CLOSE, true, frame.data, 2);
    assert_true(client_wait_close(c, CLIENT_WAIT_MS));
    wait_closed(1);
    client_close(c);
}

static void a_closed_lane_does_not_wait_for_an_unwilling_client(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .times = {.close_ms = 100}};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = open_lane();
    ws_text(c, "close 4001 bye");
    assert_int_equal(ws_close_code(c), 4001);
    assert_true(client_wait_close(c, CLIENT_WAIT_MS)); /* without our answer */
    client_close(c);
}

static void a_slow_reader_loses_its_own_lane_only(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {
        .development = true,
        .limits = fixture_limits(SFU_LIMIT_WS_SEND_QUEUE_BYTES, 1 << 20),
        .times = {.close_ms = 200},
    };
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *slow = open_lane();
    struct client *healthy = open_lane();
    for (int i = 0; i < 100; i++) {
        char text[32];
        ws_text(slow, "flood 8 60000"); /* 48 MB altogether: more than the kernel takes */
        snprintf(text, sizeof text, "still here %d", i);
        ws_text(healthy, text);
        expect_echo(healthy, text);
    }
    wait_closed(1);
    ws_text(healthy, "and after");
    expect_echo(healthy, "and after");
    client_close(slow);
    client_close(healthy);
}

static void a_silent_lane_is_asked_and_then_closed(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true, .times = {.ping_ms = 60, .idle_ms = 2000}};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c = open_lane();
    struct client *alive = open_lane();
    int pings = 0;
    int code = 0;
    while (code == 0 && ws_recv(c, &frame)) {
        pings += frame.opcode == WS_PING;
        code = frame.opcode == WS_CLOSE ? frame.data[0] << 8 | frame.data[1] : 0;
        if (ws_recv(alive, &frame) && frame.opcode == WS_PING) {
            ws_send(alive, WS_PONG, true, frame.data, frame.len);
        }
    }
    assert_true(pings >= 2);
    assert_int_equal(code, sfu_err_info(SFU_ERR_IDLE)->ws_close);
    ws_text(alive, "here");
    do {
        assert_true(ws_recv(alive, &frame));
    } while (frame.opcode == WS_PING);
    assert_string_equal(frame.data, "here");
    client_close(c);
    client_close(alive);
}

static void a_full_control_costs_the_lane_that_meets_it(void **state)
{
    (void)state;
    struct client *c = open_lane();
    ws_text(c, "full");
    ws_text(c, "x");
    assert_int_equal(ws_close_code(c), sfu_err_info(SFU_ERR_UNAVAILABLE)->ws_close);
    client_close(c);
}

static void a_control_that_was_full_hears_of_every_end(void **state)
{
    (void)state;
    struct client *c[8];
    for (size_t i = 0; i < 8; i++) {
        c[i] = open_lane();
    }
    ws_text(c[0], "full");
    for (size_t i = 0; i < 8; i++) {
        ws_send(c[i], WS_CLOSE, true, "\x03\xe8", 2);
        assert_int_equal(ws_close_code(c[i]), 1000);
        client_close(c[i]);
    }
    assert_int_equal(atomic_load(&f.closed), 0);
    atomic_store(&f.full, false);
    wait_closed(8);
}

static void a_flood_of_messages_is_cut_off(void **state)
{
    (void)state;
    struct client *c = open_lane();
    for (int i = 0; i < 3000; i++) {
        ws_text(c, "x");
    }
    int code = ws_close_code(c);
    assert_true(code == sfu_err_info(SFU_ERR_RATE_LIMITED)->ws_close || code == 0);
    wait_closed(1);
    client_close(c);
}

static void strangers_of_one_network_are_bounded_and_accepted_lanes_are_none(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {
        .development = true,
        .cap_loopback = true,
        .limits = fixture_limits(SFU_LIMIT_NETWORK_UNAUTHENTICATED, 4),
    };
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c[5];
    for (int i = 0; i < 4; i++) {
        c[i] = open_lane();
        ws_text(c[i], "hello");
        expect_echo(c[i], "hello");
    }
    c[4] = client_open("127.0.0.1", f.port);
    assert_true(client_response(c[4], &response, false));
    assert_int_equal(response.status, 429);
    client_close(c[4]);
    c[4] = client_open("::1", f.port); /* another network */
    assert_true(ws_open(c[4], NULL));
    ws_text(c[0], "accept");
    ws_text(c[0], "done");
    expect_echo(c[0], "done");
    struct client *next = open_lane();
    client_close(next);
    for (int i = 0; i < 5; i++) {
        client_close(c[i]);
    }
    wait_closed(6);
    next = open_lane();
    client_close(next);
}

static void connections_are_bounded(void **state)
{
    (void)state;
    struct sig_edge_conf conf = {.development = true,
                                 .limits = fixture_limits(SFU_LIMIT_CONNECTIONS, 3)};
    fixture_stop(&f);
    fixture_start(&f, &conf);
    struct client *c[4];
    for (int i = 0; i < 3; i++) {
        c[i] = open_lane();
    }
    c[3] = client_open("127.0.0.1", f.port);
    assert_true(client_response(c[3], &response, false));
    assert_int_equal(response.status, 503);
    for (int i = 0; i < 4; i++) {
        client_close(c[i]);
    }
}

static void draining_keeps_lanes_and_takes_no_new_ones(void **state)
{
    (void)state;
    struct client *c = open_lane();
    sig_edge_drain(f.edge);
    struct client *late = client_open("127.0.0.1", f.port);
    assert_false(ws_open(late, NULL));
    client_close(late);
    late = client_open("127.0.0.1", f.port);
    client_request(late, "GET", "/readyz", NULL, NULL, &response);
    assert_int_equal(response.status, 503);
    assert_string_equal(response.body, "draining\n");
    client_request(late, "GET", "/livez", NULL, NULL, &response);
    assert_int_equal(response.status, 200);
    client_close(late);
    ws_text(c, "still");
    expect_echo(c, "still");
    client_close(c);
}

static void stopping_tells_the_lanes(void **state)
{
    (void)state;
    struct client *c = open_lane();
    ws_text(c, "x");
    expect_echo(c, "x");
    unsigned told = atomic_load(&f.closed);
    sig_edge_stop(f.edge, 50);
    assert_int_equal(ws_close_code(c), sfu_err_info(SFU_ERR_DRAINING)->ws_close);
    assert_int_equal(atomic_load(&f.closed), told);
    client_close(c);
}

static void mail_for_a_lane_that_is_gone_changes_nothing(void **state)
{
    (void)state;
    struct client *c = open_lane();
    ws_text(c, "x");
    expect_echo(c, "x");
    uint64_t lane = atomic_load(&f.last_lane);
    client_close(c);
    wait_closed(1);
    char *text = make_text(10);
    assert_int_equal(f.ops.lane_send(f.ops.arg, lane, text, 10, 0), 0);
    assert_int_equal(f.ops.lane_close(f.ops.arg, lane, 4000, "x"), 0);
    assert_int_equal(f.ops.lane_accept(f.ops.arg, lane), 0);
    assert_int_equal(f.ops.lane_close(f.ops.arg, lane, 4000, "a\r\nb"), -EINVAL);
    c = open_lane();
    ws_text(c, "y");
    expect_echo(c, "y"); /* now control knows it: the 101 leaves a little before */
    assert_int_not_equal(atomic_load(&f.last_lane), lane);
    client_close(c);
}

static void tell(uint64_t lane, const char *word, uint16_t patience_ms)
{
    char *text = strdup(word);
    assert_non_null(text);
    assert_int_equal(f.ops.lane_send(f.ops.arg, lane, text, strlen(word), patience_ms), 0);
}

static void what_may_wait_keeps_its_place(void **state)
{
    (void)state;
    struct client *c = open_lane();
    ws_text(c, "x");
    expect_echo(c, "x");
    uint64_t lane = atomic_load(&f.last_lane);
    static const struct {
        const char *word;
        uint16_t patience_ms;
    } rows[] = {{"first", 250}, {"second", 20}, {"answer", 0}, {"third", 1}, {"4", 100}};
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
            tell(lane, rows[i].word, rows[i].patience_ms);
        }
        f.ops.lane_told(f.ops.arg);
        for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
            expect_echo(c, rows[i].word);
        }
    }
    tell(lane, "last words", 250);
    assert_int_equal(f.ops.lane_close(f.ops.arg, lane, 4000, "end"), 0);
    expect_echo(c, "last words");
    assert_int_equal(ws_close_code(c), 4000);
    client_close(c);
}

/* In all it is twice what a lane may hold for a reader that does not read. */
static void who_reads_is_not_slow_while_it_waits(void **state)
{
    (void)state;
    enum { TURNS = 16, TEXTS = 128, BYTES = 4096, WAITING = 64 };
    char text[BYTES + 1];
    struct client *c = open_lane();
    ws_text(c, "x");
    expect_echo(c, "x");
    uint64_t lane = atomic_load(&f.last_lane);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned i = 0; i < TEXTS; i++) {
            tell(lane, text, 60000);
        }
        f.ops.lane_told(f.ops.arg);
        for (unsigned i = turn == 0 ? WAITING : 0; i < TEXTS; i++) {
            expect_echo(c, text);
        }
    }
    tell(lane, "end", 0);
    for (unsigned i = 0; i < WAITING; i++) {
        expect_echo(c, text);
    }
    expect_echo(c, "end");
    client_close(c);
}

/* Told and gone: nothing of it is looked at afterwards (AddressSanitizer). */
static void who_goes_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        struct client *c = open_lane();
        ws_text(c, "x");
        expect_echo(c, "x");
        uint64_t lane = atomic_load(&f.last_lane);
        tell(lane, "one", 250);
        tell(lane, "two", 20);
        f.ops.lane_told(f.ops.arg);
        client_close(c);
    }
    wait_closed(20);
}

static void many_idle_lanes_do_not_matter(void **state)
{
    (void)state;
    const char *full = getenv("STOA_TEST_IDLE_LANES");
    int count = full ? (int)strtol(full, NULL, 10) : 200;
    struct client **idle = calloc((size_t)count, sizeof *idle);
    for (int i = 0; i < count; i++) {
        idle[i] = open_lane();
    }
    struct client *c = open_lane();
    for (int i = 0; i < 50; i++) {
        ws_text(c, "ping");
        expect_echo(c, "ping");
    }
    for (int i = 0; i < count; i += 7) {
        ws_text(idle[i], "me too");
        expect_echo(idle[i], "me too");
    }
    for (int i = 0; i < count; i++) {
        client_close(idle[i]);
    }
    wait_closed((unsigned)count);
    client_close(c);
    free(idle);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
const struct CMUnitTest ws_tests[] = {
    T(a_text_comes_back_on_both_families),
    T(handshakes_are_taken_or_refused_each_with_its_answer),
    T(an_unknown_upgrade_ends_the_connection),
    T(fragments_are_joined_up_to_the_limit),
    T(empty_fragments_count_too),
    T(messages_have_a_largest_size),
    T(a_size_is_refused_before_its_bytes_come),
    T(wrong_frames_end_the_lane),
    T(control_closes_behind_what_it_sent),
    T(a_closed_lane_does_not_wait_for_an_unwilling_client),
    T(a_slow_reader_loses_its_own_lane_only),
    T(a_silent_lane_is_asked_and_then_closed),
    T(a_full_control_costs_the_lane_that_meets_it),
    T(a_control_that_was_full_hears_of_every_end),
    T(a_flood_of_messages_is_cut_off),
    T(strangers_of_one_network_are_bounded_and_accepted_lanes_are_none),
    T(connections_are_bounded),
    T(draining_keeps_lanes_and_takes_no_new_ones),
    T(stopping_tells_the_lanes),
    T(mail_for_a_lane_that_is_gone_changes_nothing),
    T(what_may_wait_keeps_its_place),
    T(who_reads_is_not_slow_while_it_waits),
    T(who_goes_while_it_waits_is_forgotten),
    T(many_idle_lanes_do_not_matter),
};
const size_t ws_test_count = SFU_ARRAY_LEN(ws_tests);
