/* The window of a session: dense numbers, two bounds, and what a resume can still get. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/base/bucket.h"
#include "sfu/core/session_out.h"
#include "tests/support/alloc_fail.h"

static int push_note(struct sfu_session_out *out, const char *method, const char *body)
{
    struct sfu_note *note = sfu_note_create(method, body, strlen(body));
    int err = sfu_session_out_push(out, note);
    sfu_note_unref(note);
    return err;
}

static void push(struct sfu_session_out *out, const char *body)
{
    assert_int_equal(push_note(out, "a.b", body), 0);
}

static void assert_text(const struct sfu_session_out *out, uint64_t seq, const char *expected)
{
    size_t len;
    char *text = sfu_note_text(sfu_session_out_get(out, seq), seq, &len);
    assert_string_equal(text, expected);
    assert_int_equal(strlen(text), len);
    free(text);
}

static void numbers_are_dense_and_in_the_text(void **state)
{
    struct sfu_session_out out;
    (void)state;
    sfu_session_out_init(&out, 4, 1000);
    push(&out, "{}");
    assert_int_equal(push_note(&out, "x.y", "{\"k\":1}"), 0);
    assert_int_equal(out.seq, 2);
    assert_text(&out, 1, "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":{\"seq\":1}}");
    assert_text(&out, 2, "{\"jsonrpc\":\"2.0\",\"method\":\"x.y\",\"params\":{\"k\":1,\"seq\":2}}");
    assert_null(sfu_session_out_get(&out, 0));
    assert_null(sfu_session_out_get(&out, 3));
    sfu_session_out_fini(&out);
}

/* The ring grows and turns: each number still names its own note. */
static void a_window_is_a_ring(void **state)
{
    struct sfu_session_out out;
    char body[32];
    (void)state;
    sfu_session_out_init(&out, 20, 100000);
    for (uint64_t n = 1; n <= 100; n++) {
        snprintf(body, sizeof body, "{\"n\":%d}", (int)n);
        push(&out, body);
        assert_int_equal(out.count, n < 20 ? n : 20);
        for (uint64_t seq = out.seq - out.count + 1; seq <= out.seq; seq++) {
            snprintf(body, sizeof body, "{\"n\":%d}", (int)seq);
            assert_string_equal(sfu_session_out_get(&out, seq)->body, body);
        }
    }
    sfu_session_out_fini(&out);
}

static void a_note_is_shared(void **state)
{
    struct sfu_session_out a, b;
    struct sfu_note *note = sfu_note_create("a.b", "{}", 2);
    (void)state;
    sfu_session_out_init(&a, 4, 1000);
    sfu_session_out_init(&b, 4, 1000);
    assert_int_equal(sfu_session_out_push(&a, note), 0);
    assert_int_equal(sfu_session_out_push(&b, note), 0);
    assert_int_equal(note->refs, 3);
    sfu_session_out_fini(&a);
    assert_int_equal(note->refs, 2);
    sfu_note_unref(note);
    assert_ptr_equal(sfu_session_out_get(&b, 1), note);
    sfu_session_out_fini(&b);
}

static void the_oldest_go_first(void **state)
{
    static const struct {
        uint32_t max_count;
        size_t max_bytes;
        int pushes;
        uint64_t lost; /* expected */
    } rows[] = {
        {4, 100000, 4, 0}, {4, 100000, 5, 1}, {4, 100000, 50, 46},
        {100, 1, 3, 2}, /* one larger than the window stays as long as it is the newest */
        {100, 7, 5, 2}, /* 2 bytes each: three fit */
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_session_out out;
        sfu_session_out_init(&out, rows[i].max_count, rows[i].max_bytes);
        for (int k = 0; k < rows[i].pushes; k++) {
            push(&out, "{}");
        }
        assert_int_equal(out.seq - out.count, rows[i].lost);
        assert_null(sfu_session_out_get(&out, rows[i].lost));
        assert_non_null(sfu_session_out_get(&out, rows[i].lost + 1));
        sfu_session_out_fini(&out);
    }
}

static void what_a_resume_can_have(void **state)
{
    struct sfu_session_out out;
    (void)state;
    sfu_session_out_init(&out, 4, 100000);
    assert_true(sfu_session_out_has(&out, 0));
    assert_false(sfu_session_out_has(&out, 1)); /* never sent */
    for (int k = 0; k < 6; k++) {
        push(&out, "{}");
    }
    static const struct {
        uint64_t seq;
        bool has;
    } rows[] = {{0, false}, {1, false}, {2, true},          {5, true},
                {6, true},  {7, false}, {UINT64_MAX, false}};
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(sfu_session_out_has(&out, rows[i].seq), rows[i].has);
    }
    sfu_session_out_ack(&out, 4);
    assert_int_equal(out.seq - out.count, 4);
    assert_false(sfu_session_out_has(&out, 3));
    assert_true(sfu_session_out_has(&out, 4));
    sfu_session_out_ack(&out, 6);
    assert_int_equal(out.count, 0);
    assert_int_equal(out.bytes, 0);
    sfu_session_out_fini(&out);
}

static int keep(struct sfu_session_out *out, const char *method, const char *body)
{
    struct sfu_note *note = sfu_note_create(method, body, strlen(body));
    int err = sfu_session_out_keep(out, note);
    sfu_note_unref(note);
    return err;
}

static void the_newest_ephemeral_is_kept(void **state)
{
    struct sfu_session_out out;
    (void)state;
    sfu_session_out_init(&out, 4, 1000);
    static const char *const methods[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(methods); i++) {
        assert_int_equal(keep(&out, methods[i], "{\"old\":1}"), 0);
        assert_int_equal(keep(&out, methods[i], "{\"newer\":1}"), 0);
        assert_string_equal(out.latest[i]->body, "{\"newer\":1}");
    }
    assert_int_equal(keep(&out, "e", "{}"), -ENOBUFS);
    assert_int_equal(out.seq, 0);
    sfu_session_out_fini(&out);
}

static void a_gap_is_noticed(void **state)
{
    struct sfu_session_out out;
    struct sfu_note *note = sfu_note_create("a.b", "{}", 2);
    (void)state;
    sfu_session_out_init(&out, 100, 100000);
    for (unsigned round = 0; round < 2; round++) {
        while (out.count < out.cap || out.cap == 0) {
            push(&out, "{}");
        }
        alloc_fail_arm(1, ALLOC_FAIL_OWN); /* the ring cannot grow; no note could be made */
        int err = sfu_session_out_push(&out, round == 0 ? note : NULL);
        alloc_fail_disarm();
        assert_int_equal(err, -ENOMEM);
        assert_false(sfu_session_out_has(&out, out.seq - 1)); /* it misses the last one */
        assert_true(sfu_session_out_has(&out, out.seq));
        assert_int_equal(out.bytes, 0);
    }
    sfu_note_unref(note);
    sfu_session_out_fini(&out);
}

static void bucket(void **state)
{
    struct sfu_bucket b = {0};
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 1000000), 0);
    }
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 1000000), 100);
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 1050000), 50);
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 1100000), 0);
    assert_int_not_equal(sfu_bucket_take_call(&b, 10, 5, 1, 1100001), 0);
    for (int i = 0; i < 5; i++) { /* full again, not fuller */
        assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 9000000), 0);
    }
    assert_int_not_equal(sfu_bucket_take_call(&b, 10, 5, 1, 9000000), 0);
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 3, 9300000), 0);
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 3, 9300000), 300);
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 100, 20000000), 0); /* all there is */
    assert_int_equal(sfu_bucket_take_call(&b, 10, 5, 1, 20000000), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_dense_and_in_the_text),
        cmocka_unit_test(a_window_is_a_ring),
        cmocka_unit_test(a_note_is_shared),
        cmocka_unit_test(the_oldest_go_first),
        cmocka_unit_test(what_a_resume_can_have),
        cmocka_unit_test(the_newest_ephemeral_is_kept),
        cmocka_unit_test(a_gap_is_noticed),
        cmocka_unit_test(bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
