/* JSON-RPC envelopes: what is taken, what is refused and why. */
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
#include "sfu/core/rpc.h"
#include "tests/support/alloc_fail.h"

struct row {
    const char *text;
    enum sfu_err code; /* NONE: taken */
    const char *field;
    const char *id; /* as it comes back */
};

#define D16 "[[[[[[[[[[[[[[[["
#define E16 "]]]]]]]]]]]]]]]]"

static const struct row rows[] = {
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", SFU_ERR_NONE, "", "1"},
    {"{\"jsonrpc\":\"2.0\",\"id\":-9,\"method\":\"a\",\"params\":{}}", SFU_ERR_NONE, "", "-9"},
    {"{\"jsonrpc\":\"2.0\",\"id\":\"q\\\"\",\"method\":\"a\"}", SFU_ERR_NONE, "", "\"q\\\"\""},
    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", SFU_ERR_NONE, "", "null"},
    {"", SFU_ERR_PARSE_ERROR, "", "null"},
    {"{", SFU_ERR_PARSE_ERROR, "", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"a\"}", SFU_ERR_PARSE_ERROR, "", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"} x", SFU_ERR_PARSE_ERROR, "", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", SFU_ERR_PARSE_ERROR, "", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}", SFU_ERR_PARSE_ERROR, "", "null"},
    {D16 "[" E16 "]", SFU_ERR_PARSE_ERROR, "json_depth", "null"},
    {D16 E16, SFU_ERR_INVALID_REQUEST, "", "null"},
    {"\"" D16 D16 "\"", SFU_ERR_INVALID_REQUEST, "",
     "null"}, /* brackets in a string are not nesting */
    {"[]", SFU_ERR_INVALID_REQUEST, "", "null"},
    {"7", SFU_ERR_INVALID_REQUEST, "", "null"},
    {"{\"id\":3,\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "jsonrpc", "3"},
    {"{\"jsonrpc\":\"1.0\",\"id\":3,\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "jsonrpc", "3"},
    {"{\"jsonrpc\":2.0,\"id\":3,\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "jsonrpc", "3"},
    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "id", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "id", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", SFU_ERR_INVALID_REQUEST, "id", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":"
     "\"12345678901234567890123456789012345678901234567890123456789012345\","
     "\"method\":\"a\"}",
     SFU_ERR_INVALID_REQUEST, "id", "null"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4}", SFU_ERR_INVALID_REQUEST, "method", "4"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":5}", SFU_ERR_INVALID_REQUEST, "method", "4"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"a\",\"params\":[]}", SFU_ERR_INVALID_PARAM,
     "params", "4"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"a\",\"params\":null}", SFU_ERR_INVALID_PARAM,
     "params", "4"},
    {"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"a\",\"session\":\"x\"}", SFU_ERR_INVALID_REQUEST,
     "session", "4"},
};

static void envelopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_rpc_request request;
        struct sfu_error error = {0};
        size_t len = strlen(rows[i].text);
        char *copy = malloc(len + 1); /* exact: a read behind it is seen */
        memcpy(copy, rows[i].text, len + 1);
        int err = sfu_rpc_parse(copy, len, &request, &error);
        if (error.code != rows[i].code) {
            print_error("row %zu: %s\n", i, rows[i].text);
        }
        assert_int_equal(error.code, rows[i].code);
        assert_int_equal(err, rows[i].code ? -EBADMSG : 0);
        assert_string_equal(error.field, rows[i].field);
        assert_string_equal(request.id, rows[i].id);
        if (err == 0) {
            assert_string_equal(request.method, "a");
            assert_int_equal(request.wants_reply, strcmp(request.id, "null") != 0);
        } else {
            assert_null(request.root);
        }
        sfu_rpc_release(&request);
        free(copy);
    }
}

static void too_large_is_not_parsed(void **state)
{
    struct sfu_rpc_request request;
    struct sfu_error error = {0};
    size_t len = SFU_RPC_TEXT_MAX + 1;
    char *text = malloc(len);
    (void)state;
    memset(text, ' ', len);
    assert_int_equal(sfu_rpc_parse(text, len, &request, &error), -EBADMSG);
    assert_int_equal(error.code, SFU_ERR_TOO_LARGE);
    free(text);
}

/* "[1,1,…]" of so many ones. */
static int parse_list(size_t values, struct sfu_error *error)
{
    struct sfu_rpc_request request;
    size_t len = 2 * values + 1;
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++) {
        text[i] = i % 2 ? '1' : ',';
    }
    text[0] = '[';
    text[len - 1] = ']';
    int err = sfu_rpc_parse(text, len, &request, error);
    assert_null(request.root);
    free(text);
    return err;
}

static void too_many_values_are_not_parsed(void **state)
{
    struct sfu_error error = {0};
    (void)state;
    assert_int_equal(parse_list(SFU_RPC_VALUES_MAX, &error), -EBADMSG);
    assert_int_equal(error.code, SFU_ERR_PARSE_ERROR);
    assert_string_equal(error.field, "json_values");
    assert_int_equal(parse_list(SFU_RPC_VALUES_MAX - 1, &error), -EBADMSG);
    assert_int_equal(error.code, SFU_ERR_INVALID_REQUEST); /* a list, and read as one */
}

static void answers(void **state)
{
    struct sfu_error error = {0};
    size_t len;
    (void)state;
    char *text = sfu_rpc_result("7", NULL, &len);
    assert_string_equal(text, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
    assert_int_equal(strlen(text), len);
    free(text);
    sfu_error_set(&error, SFU_ERR_INVALID_PARAM, "a\"b", "no \"%s\"", "x");
    text = sfu_rpc_error("\"i\"", &error, &len);
    assert_string_equal(
        text, "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"error\":{\"code\":-32602,\"message\":"
              "\"no \\\"x\\\"\",\"data\":{\"code\":\"invalid_param\",\"field\":\"a\\\"b\"}}}");
    free(text);
    error = (struct sfu_error){.code = SFU_ERR_RATE_LIMITED, .retry_after_ms = 40};
    text = sfu_rpc_error("1", &error, &len);
    assert_non_null(strstr(text, "\"retry_after_ms\":40}"));
    free(text);
}

static int parse_and_answer(void *arg)
{
    struct sfu_rpc_request request;
    struct sfu_error error = {0};
    const char *text = arg;
    size_t len;
    int err = sfu_rpc_parse(text, strlen(text), &request, &error);
    if (err != 0) {
        return err;
    }
    char *answer = sfu_rpc_result(request.id, request.params, &len);
    sfu_rpc_release(&request);
    free(answer);
    return answer ? 0 : -ENOMEM;
}

static void allocations_fail(void **state)
{
    static char text[] =
        "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"a\",\"params\":{\"k\":[1,2]}}";
    (void)state;
    alloc_fail_run(parse_and_answer, text, ALLOC_FAIL_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),
        cmocka_unit_test(too_large_is_not_parsed),
        cmocka_unit_test(too_many_values_are_not_parsed),
        cmocka_unit_test(answers),
        cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
