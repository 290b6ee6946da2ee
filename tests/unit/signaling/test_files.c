/* tests/unit/signaling/test_files.c */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sfu/log.h"
#include "signaling/files.h"
#include "tests/support/alloc_fail.h"

static char root[64];

static const struct {
    const char *name, *text;
} on_disk[] = {
    {"index.html", "i"},       {"a.js", "a"},
    {"a.js.gz", "z"},          {"only.css.gz", "z"},
    {".env", "secret"},        {"d/index.html", "d"},
    {"d/x-Ab3dEf9Z.js", "x"},  {"d/longword-a.js", "x"},
    {"d/stoa-client.js", "x"}, {"d/logo.4f2a91bc.svg", "x"},
    {"d/empty.txt", ""},
};

static void make(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    sfu_log_set_all(SFU_LOG_OFF);
    snprintf(root, sizeof root, "/tmp/stoa_files_XXXXXX");
    assert_non_null(mkdtemp(root));
    char path[128];
    snprintf(path, sizeof path, "%s/d", root);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(on_disk); i++) {
        make(on_disk[i].name, on_disk[i].text);
    }
    snprintf(path, sizeof path, "%s/out", root);
    assert_int_equal(symlink("/etc", path), 0);
    snprintf(path, sizeof path, "%s/pipe", root);
    return mkfifo(path, 0600); /* opening it must not wait for a writer */
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    for (size_t i = 0; i < SFU_ARRAY_LEN(on_disk); i++) {
        snprintf(path, sizeof path, "%s/%s", root, on_disk[i].name);
        unlink(path);
    }
    static const char *const more[] = {"out", "pipe", "d", ""};
    for (size_t i = 0; i < SFU_ARRAY_LEN(more); i++) {
        snprintf(path, sizeof path, "%s/%s", root, more[i]);
        remove(path);
    }
    return 0;
}

static const struct {
    const char *path, *text, *type; /* text NULL: not found */
    bool gzip, immutable;
} rows[] = {
    {"/", "i", "text/html; charset=utf-8", false, false},
    {"/index.html", "i", "text/html; charset=utf-8", false, false},
    {"/a.js", "a", "text/javascript; charset=utf-8", true, false},
    {"/d/", "d", "text/html; charset=utf-8", false, false},
    {"/d/x-Ab3dEf9Z.js", "x", "text/javascript; charset=utf-8", false, true},
    {"/d/logo.4f2a91bc.svg", "x", "image/svg+xml", false, true},
    {"/d/longword-a.js", "x", "text/javascript; charset=utf-8", false, false},
    {"/d/stoa-client.js", "x", "text/javascript; charset=utf-8", false, false},
    {"/d/empty.txt", "", "text/plain; charset=utf-8", false, false},
    {"/d", NULL, NULL, false, false},
    {"/a.js.gz", NULL, NULL, false, false},
    {"/only.css", NULL, NULL, false, false},
    {"/.env", NULL, NULL, false, false},
    {"/out/passwd", NULL, NULL, false, false},
    {"/pipe", NULL, NULL, false, false},
    {"/A.js", NULL, NULL, false, false},
};

static void files_are_found_by_their_names_only(void **state)
{
    (void)state;
    struct sig_files *files = NULL;
    assert_int_equal(sig_files_create(&files), 0);
    assert_int_equal(sig_files_add(files, "/", root), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        const struct sig_file *f = sig_files_find(files, rows[i].path, strlen(rows[i].path));
        if (!f != !rows[i].text) {
            fail_msg("%s", rows[i].path);
        }
        if (f) {
            assert_string_equal(f->data, rows[i].text);
            assert_int_equal(f->len, strlen(rows[i].text));
            assert_string_equal(f->type, rows[i].type);
            assert_int_equal(f->gzip != NULL, rows[i].gzip);
            assert_int_equal(f->immutable, rows[i].immutable);
            assert_int_equal(strlen(f->etag), 18);
        }
    }
    char path[1024];
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '/';
    assert_null(sig_files_find(files, path, sizeof path));
    assert_null(sig_files_find(files, "", 0));
    /* the same name cannot be there twice */
    assert_int_equal(sig_files_add(files, "/", root), -EEXIST);
    assert_int_equal(sig_files_add(files, "/sdk/", root), 0);
    assert_non_null(sig_files_find(files, "/sdk/a.js", 9));
    assert_int_equal(sig_files_add(files, "/", "/nonexistent"), -ENOENT);
    assert_int_equal(sig_files_add(files, "/", "/etc/hostname"), -ENOENT);
    sig_files_destroy(files);
    sig_files_destroy(NULL);
}

static int read_folder(void *arg)
{
    (void)arg;
    struct sig_files *files = NULL;
    int err = sig_files_create(&files);
    if (!err) {
        err = sig_files_add(files, "/", root);
    }
    sig_files_destroy(files);
    return err;
}

static void no_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(read_folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_found_by_their_names_only, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory_is_an_error_and_no_leak, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
