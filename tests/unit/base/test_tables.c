/* tests/unit/base/test_tables.c - the four tables are consistent, and docs/tables.md shows them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "sfu/base/str.h"
#include "sfu/err.h"
#include "sfu/limits.h"
#include "sfu/metrics.h"
#include "sfu/versions.h"

static void test_errors(void **state)
{
    (void)state;
    for (unsigned i = SFU_ERR_NONE + 1; i < SFU_ERR_COUNT; i++) {
        const struct sfu_err_info *e = sfu_err_info((enum sfu_err)i);
        assert_in_range(e->http, 400, 599);
        /* RFC 6455, 7.4: ours, or codes that a server may send */
        assert_true(e->ws_close == 0 || (e->ws_close >= 4000 && e->ws_close < 5000) ||
                    (e->ws_close >= 1002 && e->ws_close <= 1013 && e->ws_close != 1004 &&
                     e->ws_close != 1005 && e->ws_close != 1006));
        /* JSON-RPC 2.0, 5.1: its own numbers, or the range it leaves to servers */
        assert_true((e->rpc >= -32099 && e->rpc <= -32000) || e->rpc == -32700 ||
                    (e->rpc >= -32603 && e->rpc <= -32600));
        assert_int_equal(sfu_err_find(e->code), i);
        for (unsigned j = SFU_ERR_NONE + 1; j < i; j++) {
            const struct sfu_err_info *other = sfu_err_info((enum sfu_err)j);
            assert_string_not_equal(e->code, other->code);
            assert_int_not_equal(e->rpc, other->rpc);
            assert_true(e->ws_close == 0 || e->ws_close != other->ws_close);
        }
    }
    assert_ptr_equal(sfu_err_info(SFU_ERR_NONE), sfu_err_info(SFU_ERR_INTERNAL));
    assert_ptr_equal(sfu_err_info((enum sfu_err)9999), sfu_err_info(SFU_ERR_INTERNAL));
    assert_int_equal(sfu_err_find("nope"), SFU_ERR_NONE);
}

/* Numbers that clients have been told must not move. */
static void test_errors_are_append_only(void **state)
{
    static const struct {
        enum sfu_err code;
        unsigned value;
        int rpc;
    } rows[] = {
        {SFU_ERR_PARSE_ERROR, 1, -32700},      {SFU_ERR_INVALID_REQUEST, 2, -32600},
        {SFU_ERR_METHOD_NOT_FOUND, 3, -32601}, {SFU_ERR_INVALID_PARAM, 4, -32602},
        {SFU_ERR_INTERNAL, 5, -32603},         {SFU_ERR_UNAUTHENTICATED, 6, -32001},
        {SFU_ERR_RATE_LIMITED, 10, -32005},    {SFU_ERR_DRAINING, 14, -32009},
        {SFU_ERR_KICKED, 19, -32014},          {SFU_ERR_IDLE, 34, -32029},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(rows[i].code, rows[i].value);
        assert_int_equal(sfu_err_info(rows[i].code)->rpc, rows[i].rpc);
    }
}

static void test_error_instance(void **state)
{
    struct sfu_error e;
    char longer[400];
    (void)state;
    assert_false(sfu_error_set(&e, SFU_ERR_INVALID_PARAM, "room", NULL));
    assert_string_equal(e.field, "room");
    assert_string_equal(sfu_error_text(&e), sfu_err_info(SFU_ERR_INVALID_PARAM)->text);
    sfu_error_set(&e, SFU_ERR_QUOTA, NULL, "at most %d", 5);
    assert_string_equal(sfu_error_text(&e), "at most 5");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    sfu_error_set(&e, SFU_ERR_QUOTA, longer, "%s", longer);
    assert_int_equal(strlen(e.field), sizeof e.field - 1);
    assert_int_equal(strlen(e.detail), sizeof e.detail - 1);
    assert_int_equal(sfu_err_from_errno(-ENOENT), SFU_ERR_NOT_FOUND);
    assert_int_equal(sfu_err_from_errno(-ENOBUFS), SFU_ERR_UNAVAILABLE);
    assert_int_equal(sfu_err_from_errno(-EXDEV), SFU_ERR_INTERNAL);
    assert_int_equal(sfu_err_from_errno(0), SFU_ERR_NONE);
}

static bool is_name(const char *s)
{
    return *s != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(SFU_MAX_SDP_BYTES, 524288);
    assert_int_equal(sfu_limit_info(SFU_LIMIT_M_LINES)->value, SFU_MAX_M_LINES);
    for (unsigned i = 0; i < SFU_LIMIT_COUNT; i++) {
        const struct sfu_limit_info *l = sfu_limit_info((enum sfu_limit)i);
        assert_true(is_name(l->name));
        assert_true(l->lowest <= l->value && l->value <= l->highest);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(l->name, sfu_limit_info((enum sfu_limit)j)->name);
        }
    }
}

static void test_metrics(void **state)
{
    unsigned rows[SFU_MF_COUNT] = {0};
    (void)state;
    for (unsigned i = 0; i < SFU_M_COUNT; i++) {
        const struct sfu_metric_info *m = sfu_metric_info((enum sfu_metric)i);
        const struct sfu_metric_family_info *f = sfu_metric_family_info(m->family);
        rows[m->family]++;
        assert_int_equal(m->value != NULL, f->label != NULL);
        for (unsigned j = 0; m->value && j < i; j++) {
            const struct sfu_metric_info *other = sfu_metric_info((enum sfu_metric)j);
            assert_true(other->family != m->family || strcmp(other->value, m->value) != 0);
        }
    }
    for (unsigned i = 0; i < SFU_MF_COUNT; i++) {
        const struct sfu_metric_family_info *f = sfu_metric_family_info((enum sfu_metric_family)i);
        assert_true(rows[i] > 0 && (f->label || rows[i] == 1));
        assert_true(is_name(f->name) && strncmp(f->name, "stoa_", 5) == 0);
        const char *end = strstr(f->name, "_total");
        assert_int_equal(end && end[6] == '\0', f->type == SFU_METRIC_COUNTER);
    }
    for (unsigned i = SFU_ERR_NONE + 1; i < SFU_ERR_COUNT; i++) {
        assert_string_equal(sfu_metric_info(sfu_metric_of_err((enum sfu_err)i))->value,
                            sfu_err_info((enum sfu_err)i)->code);
    }
}

static void test_versions(void **state)
{
    (void)state;
    assert_int_equal(SFU_VERSION_PLUGIN_ABI_NUMBER,
                     sfu_version_info(SFU_VERSION_PLUGIN_ABI)->number);
    for (unsigned i = 0; i < SFU_VERSION_COUNT; i++) {
        const struct sfu_version_info *v = sfu_version_info((enum sfu_version)i);
        assert_true(v->oldest >= 1 && v->oldest <= v->number);
    }
    assert_true(strlen(sfu_version_string()) >= 5);
}

static void print_tables(struct sfu_str *out)
{
    sfu_str_puts(out,
                 "# Tables\n\n"
                 "Errors, limits, metrics and versions, as the program knows them. A test keeps "
                 "this page equal to the code.\n\n## Errors\n\n");
    sfu_err_print_markdown(out);
    sfu_str_puts(out, "\n## Limits\n\nWhere a range is given, `limits.NAME` of the configuration "
                      "sets the value.\n\n");
    sfu_limit_print_markdown(out);
    sfu_str_puts(out, "\n## Metrics\n\n");
    sfu_metric_print_markdown(out);
    sfu_str_puts(out, "\n## Versions\n\n");
    sfu_version_print_markdown(out);
}

/* STOA_TABLES_WRITE=1 in the environment writes the page first. */
static void test_page_is_the_code(void **state)
{
    static const char path[] = STOA_SOURCE_DIR "/docs/tables.md";
    struct sfu_str want;
    (void)state;
    sfu_str_init_grow(&want, 1 << 20);
    print_tables(&want);
    assert_true(sfu_str_ok(&want));
    if (getenv("STOA_TABLES_WRITE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(sfu_str_cstr(&want), f);
        fclose(f);
    }
    char *got = calloc(1, want.len + 2);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(got);
    size_t n = fread(got, 1, want.len + 1, f);
    fclose(f);
    if (n != want.len || memcmp(got, sfu_str_cstr(&want), n) != 0) {
        fail_msg("docs/tables.md is not what the code says: run this test with "
                 "STOA_TABLES_WRITE=1");
    }
    free(got);
    sfu_str_fini(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),           cmocka_unit_test(test_errors_are_append_only),
        cmocka_unit_test(test_error_instance),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_metrics),          cmocka_unit_test(test_versions),
        cmocka_unit_test(test_page_is_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
