/* tests/unit/base/test_rand.c - ids are well-formed and grow; numbers stay below their bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* The 26 characters back to 16 bytes, independently of the encoder: as one number, bit by bit. */
static void decode(const char *id, uint8_t uuid[16])
{
    memset(uuid, 0, 16);
    for (size_t bit = 0; bit < 128; bit++) {
        size_t at = bit + 2; /* 26 * 5 = 130 */
        unsigned digit = (unsigned)(strchr(alphabet, id[at / 5]) - alphabet);
        if (digit >> (4 - at % 5) & 1) {
            uuid[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        }
    }
}

static void test_ids_are_uuid_version_7(void **state)
{
    char id[SFU_ID_SIZE];
    uint8_t uuid[16];
    const int64_t wall_us = INT64_C(1700000000123456);
    (void)state;
    sfu_id_make("rm", wall_us, id);
    assert_int_equal(strlen(id), 2 + 1 + 26);
    assert_memory_equal(id, "rm_", 3);
    decode(id + 3, uuid);
    uint64_t ms = 0;
    for (unsigned i = 0; i < 6; i++) {
        ms = ms << 8 | uuid[i];
    }
    assert_true(ms == (uint64_t)wall_us / 1000);
    assert_int_equal(uuid[6] >> 4, 7);
    assert_int_equal(uuid[8] >> 6, 2);
}

static void test_ids_grow(void **state)
{
    char last[SFU_ID_SIZE], id[SFU_ID_SIZE];
    int64_t wall_us = INT64_C(1800000000000000);
    (void)state;
    sfu_id_make("ps", wall_us, last);
    for (int i = 0; i < 20000; i++) {
        if (i % 1000 == 999) {
            wall_us += i % 2000 == 999 ? 5000 : -60000000; /* forwards, and back by a minute */
        }
        sfu_id_make("ps", wall_us, id);
        if (strcmp(last, id) >= 0 || !sfu_id_valid("ps", id, strlen(id))) {
            fail_msg("%s after %s", id, last);
        }
        memcpy(last, id, sizeof last);
    }
}

static void *one_id(void *arg)
{
    sfu_id_make("tr", 1, arg);
    return NULL;
}

static void test_threads_do_not_share_ids(void **state)
{
    char a[SFU_ID_SIZE], b[SFU_ID_SIZE];
    pthread_t threads[2];
    (void)state;
    assert_int_equal(pthread_create(&threads[0], NULL, one_id, a), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, one_id, b), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_string_not_equal(a, b);
}

static void test_id_valid(void **state)
{
    static const struct {
        const char *prefix, *id;
        bool valid;
    } rows[] = {
        {"rm", "rm_01hzy3v7q5k8m2n4p6r8t0w2x4", true},
        {"tr", "rm_01hzy3v7q5k8m2n4p6r8t0w2x4", false},
        {"rm", "rm_01hzy3v7q5k8m2n4p6r8t0w2x", false},
        {"rm", "rm_01hzy3v7q5k8m2n4p6r8t0w2x44", false},
        {"rm", "rm-01hzy3v7q5k8m2n4p6r8t0w2x4", false},
        {"rm", "rm_01HZY3v7q5k8m2n4p6r8t0w2x4", false},
        {"rm", "rm_01hzy3v7q5k8m2n4p6r8t0w2xu", false}, /* no u in this alphabet */
        {"rm", "rm_81hzy3v7q5k8m2n4p6r8t0w2x4", false}, /* more than 128 bits */
        {"rm", "", false},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (sfu_id_valid(rows[i].prefix, rows[i].id, strlen(rows[i].id)) != rows[i].valid) {
            fail_msg("%s", rows[i].id);
        }
    }
    assert_false(sfu_id_valid("rm", "rm_01hzy3v7q5k8m2n4p6r8t0w2x\0", 29));
}

static void test_below_stays_below(void **state)
{
    static const uint32_t bounds[] = {1, 2, 3, 7, 100, UINT32_C(0x80000001), UINT32_MAX};
    unsigned counts[3] = {0};
    (void)state;
    assert_int_equal(sfu_rand_below(0), 0);
    for (size_t i = 0; i < SFU_ARRAY_LEN(bounds); i++) {
        for (unsigned n = 0; n < 200; n++) {
            assert_true(sfu_rand_below(bounds[i]) < bounds[i]);
        }
    }
    for (unsigned n = 0; n < 30000; n++) {
        counts[sfu_rand_below(3)]++;
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_in_range(counts[i], 9000, 11000); /* 12 standard deviations */
    }
}

static void test_bytes_differ(void **state)
{
    uint8_t a[200], b[200], zero[200] = {0};
    (void)state;
    for (size_t len = 16; len <= sizeof a; len += 46) { /* through the buffer, and past it */
        sfu_rand_bytes(a, len);
        sfu_rand_bytes(b, len);
        assert_memory_not_equal(a, b, len);
        assert_memory_not_equal(a, zero, len);
    }
}

static void test_secrets(void **state)
{
    char a[SFU_SECRET_SIZE(16)], b[SFU_SECRET_SIZE(16)];
    uint8_t raw[16];
    (void)state;
    sfu_secret_make(16, a);
    sfu_secret_make(16, b);
    assert_int_equal(strlen(a), 22);
    assert_string_not_equal(a, b);
    assert_int_equal(sfu_str_unbase64url(a, 22, raw, sizeof raw), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_uuid_version_7),
        cmocka_unit_test(test_ids_grow),
        cmocka_unit_test(test_threads_do_not_share_ids),
        cmocka_unit_test(test_id_valid),
        cmocka_unit_test(test_below_stays_below),
        cmocka_unit_test(test_bytes_differ),
        cmocka_unit_test(test_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
