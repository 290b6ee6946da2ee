/* docs/reference.md is what the tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/str.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
extern const struct sfu_plugin stoa_plugin_echo;
extern const struct sfu_plugin stoa_plugin_broadcast;
/* the order of plugins.load */
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, &stoa_plugin_echo,
                                                   &stoa_plugin_broadcast, NULL};
static const char path[] = STOA_SOURCE_DIR "/docs/reference.md";

static void print(struct sfu_str *out)
{
    struct world *w = calloc(1, sizeof *w);
    world_init(w, NULL, plugins);
    sfu_control_print_reference(w->c, out);
    world_fini(w);
    free(w);
}

static void the_page_is_up_to_date(void **state)
{
    struct sfu_str want;
    (void)state;
    sfu_str_init_grow(&want, 1 << 20);
    print(&want);
    assert_true(sfu_str_ok(&want));
    if (getenv("STOA_REFERENCE_WRITE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fputs(sfu_str_cstr(&want), f);
        fclose(f);
    }
    char *got = calloc(1, want.len + 2);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t len = fread(got, 1, want.len + 1, f);
    fclose(f);
    bool same = len == want.len && memcmp(got, want.buf, len) == 0;
    free(got);
    sfu_str_fini(&want);
    if (!same) {
        fail_msg("docs/reference.md is not what the tables say: run this test with "
                 "STOA_REFERENCE_WRITE=1 and look at the difference");
    }
}

static void everything_is_in_it(void **state)
{
    struct sfu_str out;
    (void)state;
    sfu_str_init_grow(&out, 1 << 20);
    print(&out);
    static const char *const lines[] = {
        "### `session.open`",
        "### `conference.offer`",
        "| `tracks[].mid` | string 1…32 bytes | yes |",
        "Needs: publish, subscribe or data, a participant. Large: not over a data channel.",
        "### `speakers.changed` (no seq)",
        "## Plugin echo",
        "| `stoa_plugin_echo_started_total` |",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (!strstr(out.buf, lines[i])) {
            fail_msg("not in the reference: %s", lines[i]);
        }
    }
    sfu_str_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(everything_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
