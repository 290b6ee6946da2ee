/* What an answer to stoa-load's POST and DELETE says, and when it is whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/bench/load/http.h"

static void answers(void **state)
{
    static const struct {
        const char *text;
        int err;
        unsigned status;
        const char *location, *body;
    } rows[] = {
        {"HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nLocation: /whep/a.b\r\n"
         "Content-Length: 5\r\n\r\nv=0\r\n",
         0, 201, "/whep/a.b", "v=0\r\n"},
        {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", 0, 200, "", ""},
        {"HTTP/1.0 200\r\n\r\n", 0, 200, "", ""},
        {"HTTP/1.1 404 Not Found\r\nLOCATION:\t/x\r\nCONTENT-LENGTH: 2\r\n\r\n{}", 0, 404, "/x",
         "{}"},
        {"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nLocation: /y", -EBADMSG, 0, "", ""},
        {"HTTP/1.1 201 Created\r\nContent-Length: 11\r\n\r\nLocation: y", 0, 201, "",
         "Location: y"},
        {"", -EAGAIN, 0, "", ""},
        {"HTTP/1.1 201 Cre", -EAGAIN, 0, "", ""},
        {"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nv=0", -EAGAIN, 0, "", ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", -EBADMSG, 0, "", ""},
        {"HTTP/1.1 100 Continue\r\n\r\n", -EBADMSG, 0, "", ""},
        {"HTTP/2 200\r\n\r\n", -EBADMSG, 0, "", ""},
        {"SSH-2.0-x\r\n\r\n", -EBADMSG, 0, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct load_http_answer a;
        assert_int_equal(load_http_read(rows[i].text, strlen(rows[i].text), &a), rows[i].err);
        if (rows[i].err == 0) {
            assert_int_equal(a.status, rows[i].status);
            assert_string_equal(a.location, rows[i].location);
            assert_string_equal(a.body, rows[i].body);
        }
    }
}

/* A NUL ends nothing. */
static void bytes_that_are_no_text(void **state)
{
    struct load_http_answer a;
    (void)state;
    assert_int_equal(load_http_read("HTTP/1.1 2\0", 12, &a), -EBADMSG);
}

/* A place that is longer than any of Stoa's is cut, not overrun. */
static void a_long_location(void **state)
{
    char text[1024] = "HTTP/1.1 201 Created\r\nLocation: /";
    struct load_http_answer a;
    (void)state;
    size_t at = strlen(text);
    memset(text + at, 'x', 600);
    memcpy(text + at + 600, "\r\n\r\n", 5);
    assert_int_equal(load_http_read(text, strlen(text), &a), 0);
    assert_int_equal(strlen(a.location), sizeof a.location - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(a_long_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
