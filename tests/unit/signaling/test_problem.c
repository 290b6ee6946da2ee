/* tests/unit/signaling/test_problem.c - each row of the error table as a problem document. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "signaling/json.h"
#include "signaling/problem.h"

static void each_error_has_its_document(void **state)
{
    (void)state;
    for (int code = SFU_ERR_NONE + 1; code < SFU_ERR_COUNT; code++) {
        struct sfu_error error;
        sfu_error_set(&error, (enum sfu_err)code, "tracks[0].mid", "say \"%s\"\n", "why");
        error.retry_after_ms = 1500;
        char text[1024];
        struct sfu_str s;
        sfu_str_init_fixed(&s, text, sizeof text);
        sig_problem_write(&s, &error);
        assert_true(sfu_str_ok(&s));
        json_t *root = NULL;
        assert_int_equal(sig_json_object(text, s.len, &root), 0);
        const struct sfu_err_info *info = sfu_err_info(error.code);
        size_t len = 0;
        assert_int_equal(json_integer_value(json_object_get(root, "status")), info->http);
        assert_string_equal(sig_json_string(root, "title", &len), info->text);
        assert_string_equal(sig_json_string(root, "code", &len), info->code);
        assert_string_equal(sig_json_string(root, "field", &len), "tracks[0].mid");
        assert_string_equal(sig_json_string(root, "detail", &len), "say \"why\"\n");
        assert_int_equal(json_integer_value(json_object_get(root, "retry_after_ms")), 1500);
        assert_int_equal(json_is_true(json_object_get(root, "retryable")), info->retryable);
        json_decref(root);
    }
}

static const struct {
    const char *text;
    bool ok;
} texts[] = {
    {"{}", true},
    {" {\"a\":[1,{\"b\":null}]} ", true},
    {"{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[\"}", true},
    {"{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\"}", true},
    {"[]", false},
    {"", false},
    {"{", false},
    {"{}x", false},
    {"{}{}", false},
    {"{\"a\":1,\"a\":1}", false},
    {"{\"a\":{\"b\":1,\"b\":2}}", false},
    {"{\"a\":\"\\u0000\"}", false},
    {"{\"a\":\"\xff\"}", false},
    {"{\"a\":\"\\ud800\"}", false},
    {"{\"a\":NaN}", false},
    {"{\"a\":1e999}", false},
    {"{'a':1}", false},
    {"{\"a\":1,}", false},
};

static void json_from_outside_is_read_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(texts); i++) {
        json_t *root = NULL;
        int err = sig_json_object(texts[i].text, strlen(texts[i].text), &root);
        if ((err == 0) != texts[i].ok) {
            fail_msg("%s: %d", texts[i].text, err);
        }
        json_decref(root);
    }
    /* nesting: 16 is the limit, the object counts */
    char deep[64] = "{\"a\":";
    for (int depth = 15; depth <= 16; depth++) {
        size_t n = 5;
        memset(deep + n, '[', (size_t)depth);
        n += (size_t)depth;
        memset(deep + n, ']', (size_t)depth);
        n += (size_t)depth;
        deep[n++] = '}';
        json_t *root = NULL;
        assert_int_equal(sig_json_object(deep, n, &root) == 0, depth == 15);
        json_decref(root);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_its_document),
        cmocka_unit_test(json_from_outside_is_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
