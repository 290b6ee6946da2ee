#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/impair/command.h"

static const struct {
    const char *line;
    int rc;
    double up_bps, down_bps, down_loss;
} rows[] = {
    {"down rate_kbps=600 queue_bytes=30000", 0, 0, 600000, 0},
    {"both rate_kbps=64", 0, 64000, 64000, 0}, /* the rest stays */
    {" up  rate_kbps=0.5\r\n", 0, 500, 64000, 0},
    {"down loss_percent=2 delay_ms=50 jitter_ms=5 burst_percent=1 burst_pkts=4", 0, 500, 64000,
     0.02},
    {"stat", 0, 500, 64000, 0.02},
    {"", -EBADMSG, 0, 0, 0},
    {"down", -EBADMSG, 0, 0, 0},
    {"sideways rate_kbps=1", -EBADMSG, 0, 0, 0},
    {"stat now", -EBADMSG, 0, 0, 0},
    {"down rate_kbps", -EBADMSG, 0, 0, 0},
    {"down rate_kbps=", -EBADMSG, 0, 0, 0},
    {"down rate_kbps=1x", -EBADMSG, 0, 0, 0},
    {"down rate_kbps=-1", -EBADMSG, 0, 0, 0},
    {"down rate_kbps=nan", -EBADMSG, 0, 0, 0},
    {"down rate=1", -EBADMSG, 0, 0, 0},
    {"down loss_percent=101", -EBADMSG, 0, 0, 0},
    {"down burst_pkts=0", -EBADMSG, 0, 0, 0},
    {"down rate_kbps=7 loss_percent=x", -EBADMSG, 0, 0, 0}, /* nothing of it */
    {"down a_word_that_is_longer_than_any_key_of_the_table_could_be=1", -EBADMSG, 0, 0, 0},
};

static void lines(void **state)
{
    struct impair_settings ways[IMPAIR_WAYS], before[IMPAIR_WAYS];
    enum impair_verb verb;
    (void)state;
    impair_settings_init(&ways[IMPAIR_UP]);
    impair_settings_init(&ways[IMPAIR_DOWN]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(before, ways, sizeof ways);
        if (impair_command_read(rows[i].line, ways, &verb) != rows[i].rc) {
            fail_msg("row %zu: '%s'", i, rows[i].line);
        }
        if (rows[i].rc < 0) {
            assert_memory_equal(before, ways, sizeof ways);
            continue;
        }
        assert_int_equal(verb, strcmp(rows[i].line, "stat") ? IMPAIR_VERB_SET : IMPAIR_VERB_STAT);
        assert_true(ways[IMPAIR_UP].rate_bps == rows[i].up_bps);
        assert_true(ways[IMPAIR_DOWN].rate_bps == rows[i].down_bps);
        assert_true(ways[IMPAIR_DOWN].loss == rows[i].down_loss);
    }
    assert_true(ways[IMPAIR_DOWN].queue_bytes == 30000);
    assert_true(ways[IMPAIR_DOWN].delay_us == 50000 && ways[IMPAIR_DOWN].jitter_us == 5000);
    assert_true(ways[IMPAIR_DOWN].burst == 0.01 && ways[IMPAIR_DOWN].burst_pkts == 4);
    assert_true(ways[IMPAIR_UP].delay_us == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
