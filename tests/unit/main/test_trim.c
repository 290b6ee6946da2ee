/* When memory is given back: after peers stopped coming and going, or once a minute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/main/trim.h"

static void a_quiet_time_after_the_last_change(void **state)
{
    static const struct {
        int second;
        uint64_t changes;
        bool due;
    } rows[] = {
        {0, 0, false},  {10, 0, false}, {11, 3, false}, {12, 4, false},
        {15, 4, false}, {16, 4, false}, {17, 4, true},  {18, 4, false},
        {60, 4, false}, {61, 3, false}, {66, 3, true},  {67, 3, false},
    };
    struct trim t = {0};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        assert_int_equal(trim_due(&t, rows[i].changes, rows[i].second * INT64_C(1000000)),
                         rows[i].due);
    }
}

static void once_a_minute_when_it_is_never_quiet(void **state)
{
    struct trim t = {0};
    unsigned due = 0;
    (void)state;
    for (int second = 1; second <= 200; second++) {
        due += trim_due(&t, (uint64_t)second, second * INT64_C(1000000));
    }
    assert_int_equal(due, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quiet_time_after_the_last_change),
        cmocka_unit_test(once_a_minute_when_it_is_never_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
