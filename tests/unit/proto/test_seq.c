#include "sfu/proto/seq.h"
#include "tests/unit/proto/hex.h"

static void compares_modulo_2_16(void **state)
{
    (void)state;
    static const struct {
        uint16_t a, b;
        int diff;
        bool newer;
    } rows[] = {
        {0, 0, 0, false},          {1, 0, 1, true},          {0, 1, -1, false},
        {0, 65535, 1, true},       {65535, 0, -1, false},    {32767, 0, 32767, true},
        {0, 32767, -32767, false}, {32768, 0, -32768, true}, /* half a turn: the larger number */
        {0, 32768, -32768, false}, {100, 65500, 136, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sfu_seq_diff(rows[i].a, rows[i].b), rows[i].diff);
        assert_int_equal(sfu_seq_newer(rows[i].a, rows[i].b), rows[i].newer);
    }
}

static void compares_modulo_2_32(void **state)
{
    (void)state;
    static const struct {
        uint32_t a, b;
        int32_t diff;
        bool newer;
    } rows[] = {
        {5, 5, 0, false},
        {0, UINT32_MAX, 1, true},
        {UINT32_MAX, 0, -1, false},
        {0x7fffffff, 0, 0x7fffffff, true},
        {0x80000000, 0, INT32_MIN, true},
        {0, 0x80000000, INT32_MIN, false},
        {90000, UINT32_MAX - 89999, 180000, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sfu_ts_diff(rows[i].a, rows[i].b), rows[i].diff);
        assert_int_equal(sfu_ts_newer(rows[i].a, rows[i].b), rows[i].newer);
    }
}

static void of_two_different_numbers_exactly_one_is_newer(void **state)
{
    (void)state;
    for (unsigned d = 1; d < 65536; d++) {
        uint16_t a = 40000;
        uint16_t b = (uint16_t)(a + d);
        assert_int_equal(sfu_seq_newer(a, b) + sfu_seq_newer(b, a), 1);
    }
}

static void unwraps_sequence_numbers(void **state)
{
    (void)state;
    static const struct {
        uint16_t seq;
        int64_t value;
    } rows[] = {
        {65530, 65530}, {65535, 65535}, {2, 65538},      {65534, 65534}, /* late, from before the
                                                                            wrap */
        {3, 65539},     {30003, 95539}, {60003, 125539}, {4, 131076},    {60003, 125539},
    };
    struct sfu_seq_unwrap u = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t highest = u.highest;
        assert_true(sfu_seq_peek(&u, rows[i].seq) == rows[i].value);
        assert_true(u.highest == highest);
        assert_true(sfu_seq_unwrap(&u, rows[i].seq) == rows[i].value);
    }
}

static void numbers_before_the_first_are_negative(void **state)
{
    (void)state;
    struct sfu_seq_unwrap u = {0};
    assert_true(sfu_seq_unwrap(&u, 0) == 0);
    assert_true(sfu_seq_unwrap(&u, 65535) == -1);
    assert_true(sfu_seq_unwrap(&u, 1) == 1);
}

static void unwraps_timestamps(void **state)
{
    (void)state;
    struct sfu_ts_unwrap u = {0};
    assert_true(sfu_ts_unwrap(&u, 0xfffffff0) == 0xfffffff0);
    assert_true(sfu_ts_unwrap(&u, 0x10) == 0x100000010);
    assert_true(sfu_ts_unwrap(&u, 0xfffffff8) == 0xfffffff8);
    assert_true(sfu_ts_peek(&u, 0x20) == 0x100000020);
    int64_t value = u.highest;
    for (int i = 0; i < 10; i++) { /* five turns */
        value += 0x7fffffff;
        assert_true(sfu_ts_unwrap(&u, (uint32_t)value) == value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_modulo_2_16),
        cmocka_unit_test(compares_modulo_2_32),
        cmocka_unit_test(of_two_different_numbers_exactly_one_is_newer),
        cmocka_unit_test(unwraps_sequence_numbers),
        cmocka_unit_test(numbers_before_the_first_are_negative),
        cmocka_unit_test(unwraps_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
