/* Parameter tables: each type, each way to be wrong, and the path that names it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/method_params.h"

static const char *const words[] = {"red", "green", NULL};
static const struct sfu_param inner[] = {
    {.name = "mid", .type = SFU_PARAM_STRING, .required = true, .min = 1, .max = 3},
    {.name = "on", .type = SFU_PARAM_BOOL},
    {0}};
static const struct sfu_param scalar[] = {{.name = "", .type = SFU_PARAM_INT, .min = 0, .max = 9},
                                          {0}};
static const struct sfu_param table[] = {
    {.name = "text", .type = SFU_PARAM_STRING, .min = 2, .max = 4},
    {.name = "free", .type = SFU_PARAM_STRING},
    {.name = "n", .type = SFU_PARAM_INT, .min = -5, .max = 5},
    {.name = "any", .type = SFU_PARAM_INT},
    {.name = "real", .type = SFU_PARAM_NUMBER, .max = 1},
    {.name = "flag", .type = SFU_PARAM_BOOL},
    {.name = "word", .type = SFU_PARAM_ENUM, .choices = words},
    {.name = "object", .type = SFU_PARAM_OBJECT, .fields = inner},
    {.name = "rows", .type = SFU_PARAM_ARRAY, .max = 2, .fields = inner},
    {.name = "numbers", .type = SFU_PARAM_ARRAY, .fields = scalar},
    {.name = "json", .type = SFU_PARAM_JSON, .max = 12},
    {0}};
static const struct sfu_param strict[] = {{.name = "must", .type = SFU_PARAM_INT, .required = true},
                                          {0}};

static const struct {
    const char *json;
    const char *field; /* "": right */
} rows[] = {
    {"{}", ""},
    {"{\"text\":\"ab\"}", ""},
    {"{\"text\":\"abcd\"}", ""},
    {"{\"text\":\"a\"}", "text"},
    {"{\"text\":\"abcde\"}", "text"},
    {"{\"text\":\"\xc3\xa4\xc3\xa4\xc3\xa4\"}", "text"}, /* bytes, not characters */
    {"{\"text\":1}", "text"},
    {"{\"text\":null}", "text"},
    {"{\"free\":\"\"}", ""},
    {"{\"n\":-5}", ""},
    {"{\"n\":6}", "n"},
    {"{\"n\":1.0}", "n"},
    {"{\"n\":\"1\"}", "n"},
    {"{\"any\":-9223372036854775808}", ""},
    {"{\"real\":0.5}", ""},
    {"{\"real\":1}", ""},
    {"{\"real\":1.5}", "real"},
    {"{\"real\":\"1\"}", "real"},
    {"{\"flag\":true}", ""},
    {"{\"flag\":0}", "flag"},
    {"{\"word\":\"red\"}", ""},
    {"{\"word\":\"blue\"}", "word"},
    {"{\"word\":7}", "word"},
    {"{\"object\":{\"mid\":\"0\"}}", ""},
    {"{\"object\":{}}", "object.mid"},
    {"{\"object\":[]}", "object"},
    {"{\"object\":{\"mid\":\"0\",\"x\":1}}", "object.x"},
    {"{\"rows\":[]}", ""},
    {"{\"rows\":[{\"mid\":\"0\"},{\"mid\":\"1\",\"on\":false}]}", ""},
    {"{\"rows\":[{\"mid\":\"0\"},{\"mid\":5}]}", "rows[1].mid"},
    {"{\"rows\":[{\"mid\":\"0\"},7]}", "rows[1]"},
    {"{\"rows\":[{\"mid\":\"0\"},{\"mid\":\"0\"},{\"mid\":\"0\"}]}", "rows"},
    {"{\"rows\":{}}", "rows"},
    {"{\"numbers\":[1,2,3]}", ""},
    {"{\"numbers\":[1,10]}", "numbers[1]"},
    {"{\"json\":{\"a\":[{}]}}", ""},
    {"{\"json\":{\"a\":\"123456\"}}", "json"},
    {"{\"json\":[]}", "json"},
    {"{\"unknown\":1}", "unknown"},
    {"{\"identity\":\"somebody else\"}", "identity"},
};

static void every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_error error = {0};
        json_t *object = json_loads(rows[i].json, 0, NULL);
        assert_non_null(object);
        int err = sfu_params_check(table, object, &error);
        if (strcmp(error.field, rows[i].field) != 0) {
            print_error("%s: field '%s'\n", rows[i].json, error.field);
        }
        assert_string_equal(error.field, rows[i].field);
        assert_int_equal(err, rows[i].field[0] ? -EINVAL : 0);
        assert_int_equal(error.code, rows[i].field[0] ? SFU_ERR_INVALID_PARAM : SFU_ERR_NONE);
        json_decref(object);
    }
}

static void without_parameters(void **state)
{
    struct sfu_error error = {0};
    json_t *one = json_pack("{s:i}", "x", 1);
    (void)state;
    assert_int_equal(sfu_params_check(NULL, NULL, &error), 0);
    assert_int_equal(sfu_params_check(NULL, one, &error), -EINVAL);
    assert_int_equal(sfu_params_check(table, NULL, &error), 0);
    assert_int_equal(sfu_params_check(strict, NULL, &error), -EINVAL);
    assert_string_equal(error.field, "must");
    json_decref(one);
}

static void long_names_do_not_overflow(void **state)
{
    struct sfu_error error = {0};
    char name[500];
    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    json_t *object = json_pack("{s:{s:s, s:i}}", "object", "mid", "0", name, 1);
    assert_int_equal(sfu_params_check(table, object, &error), -EINVAL);
    assert_int_equal(error.code, SFU_ERR_INVALID_PARAM);
    json_decref(object);
}

static void bad_tables(void **state)
{
    static const struct sfu_param twice[] = {
        {.name = "a", .type = SFU_PARAM_INT}, {.name = "a", .type = SFU_PARAM_BOOL}, {0}};
    static const struct sfu_param no_choices[] = {{.name = "a", .type = SFU_PARAM_ENUM}, {0}};
    static const struct sfu_param no_fields[] = {{.name = "a", .type = SFU_PARAM_ARRAY}, {0}};
    static const struct sfu_param no_type[] = {{.name = "a", .type = (enum sfu_param_type)77}, {0}};
    static const struct sfu_param range[] = {
        {.name = "a", .type = SFU_PARAM_INT, .min = 5, .max = 4}, {0}};
    static const struct sfu_param no_name[] = {{.type = SFU_PARAM_INT}, {0}};
    static const struct sfu_param *const bad[] = {twice,   no_choices, no_fields,
                                                  no_type, range,      no_name};
    const char *row;
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        assert_false(sfu_params_table_ok(bad[i], &row));
    }
    assert_true(sfu_params_table_ok(table, &row));
    assert_true(sfu_params_table_ok(NULL, &row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(without_parameters),
        cmocka_unit_test(long_names_do_not_overflow),
        cmocka_unit_test(bad_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
