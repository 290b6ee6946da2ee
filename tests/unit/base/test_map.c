/* tests/unit/base/test_map.c - both maps against a plain array, and the hash against CPython's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/hash.h"
#include "sfu/base/map.h"
#include "tests/support/alloc_fail.h"

enum { KEYS = 300, MAX = 200, STEPS = 20000 };

static uint64_t seed;

static uint32_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33);
}

/* One face for both maps, so that they pass the same test. */
struct face {
    const char *name;
    int (*put)(void *map, uint32_t key, uint64_t value);
    bool (*get)(void *map, uint32_t key, uint64_t *value);
    bool (*del)(void *map, uint32_t key);
    uint32_t (*count)(void *map);
    void *(*create)(uint32_t max);
    int (*grow)(void *map, uint32_t max);
    void (*destroy)(void *map);
    void (*iter)(void *map, struct sfu_map_iter *it);
    bool (*next)(void *map, struct sfu_map_iter *it, uint32_t *key);
};

static int u_put(void *map, uint32_t key, uint64_t value)
{
    return sfu_map_put_u64(map, key, value);
}
static bool u_get(void *map, uint32_t key, uint64_t *value)
{
    return sfu_map_get_u64(map, key, value);
}
static bool u_del(void *map, uint32_t key)
{
    return sfu_map_del(map, key);
}
static uint32_t u_count(void *map)
{
    return sfu_map_count(map);
}
static void *u_create(uint32_t max)
{
    struct sfu_map *map = NULL;
    assert_int_equal(sfu_map_create(max, &map), 0);
    return map;
}
static int u_grow(void *map, uint32_t max)
{
    return sfu_map_grow(map, max);
}
static void u_destroy(void *map)
{
    sfu_map_destroy(map);
}
static void u_iter(void *map, struct sfu_map_iter *it)
{
    sfu_map_iter_init(map, it);
}
static bool u_next(void *map, struct sfu_map_iter *it, uint32_t *key)
{
    uint64_t k;
    if (!sfu_map_next(map, it, &k, NULL)) {
        return false;
    }
    *key = (uint32_t)k;
    return true;
}

static int b_put(void *map, uint32_t key, uint64_t value)
{
    return sfu_bmap_put_u64(map, &key, sizeof key, value);
}
static bool b_get(void *map, uint32_t key, uint64_t *value)
{
    return sfu_bmap_get_u64(map, &key, sizeof key, value);
}
static bool b_del(void *map, uint32_t key)
{
    return sfu_bmap_del(map, &key, sizeof key);
}
static uint32_t b_count(void *map)
{
    return sfu_bmap_count(map);
}
static void *b_create(uint32_t max)
{
    struct sfu_bmap *map = NULL;
    assert_int_equal(sfu_bmap_create(max, 4, &map), 0);
    return map;
}
static int b_grow(void *map, uint32_t max)
{
    return sfu_bmap_grow(map, max);
}
static void b_destroy(void *map)
{
    sfu_bmap_destroy(map);
}
static void b_iter(void *map, struct sfu_map_iter *it)
{
    sfu_bmap_iter_init(map, it);
}
static bool b_next(void *map, struct sfu_map_iter *it, uint32_t *key)
{
    const void *k;
    size_t len;
    if (!sfu_bmap_next(map, it, &k, &len, NULL)) {
        return false;
    }
    assert_int_equal(len, sizeof *key);
    memcpy(key, k, sizeof *key);
    return true;
}

static const struct face faces[] = {
    {"map", u_put, u_get, u_del, u_count, u_create, u_grow, u_destroy, u_iter, u_next},
    {"bmap", b_put, b_get, b_del, b_count, b_create, b_grow, b_destroy, b_iter, b_next},
};

struct model {
    bool there[KEYS];
    uint64_t value[KEYS];
    uint32_t count, max;
};

static void check_all(const struct face *f, void *map, const struct model *m)
{
    bool seen[KEYS] = {false};
    struct sfu_map_iter it;
    uint32_t key;
    assert_int_equal(f->count(map), m->count);
    for (f->iter(map, &it); f->next(map, &it, &key);) {
        assert_in_range(key, 0, KEYS - 1);
        assert_false(seen[key]);
        seen[key] = true;
    }
    assert_memory_equal(seen, m->there, sizeof seen);
}

static void step(const struct face *f, void *map, struct model *m)
{
    uint32_t key = next_random() % KEYS;
    uint64_t value = next_random();
    uint64_t got = 0;
    assert_int_equal(f->get(map, key, &got), m->there[key]);
    if (m->there[key]) {
        assert_int_equal(got, m->value[key]);
    }
    if (next_random() % 5 < 3) {
        int want = m->there[key] ? -EEXIST : m->count == m->max ? -ENOBUFS : 0;
        assert_int_equal(f->put(map, key, value), want);
        if (want == 0) {
            m->there[key] = true;
            m->value[key] = value;
            m->count++;
        }
    } else {
        assert_int_equal(f->del(map, key), m->there[key]);
        m->count -= m->there[key];
        m->there[key] = false;
    }
}

static void test_like_an_array(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(faces); i++) {
        const struct face *f = &faces[i];
        struct model m = {.max = MAX};
        void *map = f->create(MAX);
        seed = i + 1;
        for (unsigned n = 0; n < STEPS; n++) {
            step(f, map, &m);
            if (n % 500 == 0) {
                check_all(f, map, &m);
            }
            if (n == STEPS / 2) {
                assert_int_equal(f->grow(map, MAX - 1), 0); /* smaller: nothing happens */
                assert_int_equal(f->grow(map, KEYS), 0);
                m.max = KEYS;
                check_all(f, map, &m);
            }
        }
        f->destroy(map);
    }
}

static void test_delete_while_iterating(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(faces); i++) {
        const struct face *f = &faces[i];
        for (unsigned round = 0; round < 50; round++) {
            void *map = f->create(KEYS);
            struct sfu_map_iter it;
            unsigned seen = 0;
            uint32_t key;
            for (uint32_t k = 0; k < KEYS; k++) {
                assert_int_equal(f->put(map, k, k), 0);
            }
            for (f->iter(map, &it); f->next(map, &it, &key); seen++) {
                assert_true(key % 3 == 0 || f->del(map, key));
            }
            assert_int_equal(seen, KEYS);
            assert_int_equal(f->count(map), KEYS / 3);
            f->destroy(map);
        }
    }
}

static void test_set_clear_and_pointers(void **state)
{
    struct sfu_map *map;
    struct sfu_bmap *bmap;
    int a, b;
    (void)state;
    assert_int_equal(sfu_map_create(1, &map), 0);
    assert_null(sfu_map_get(map, 5));
    assert_int_equal(sfu_map_set(map, 5, &a), 0);
    assert_int_equal(sfu_map_set(map, 5, &b), 0);
    assert_int_equal(sfu_map_set(map, 6, &b), -ENOBUFS);
    assert_ptr_equal(sfu_map_get(map, 5), &b);
    sfu_map_clear(map);
    assert_null(sfu_map_get(map, 5));
    assert_int_equal(sfu_map_put(map, 6, &a), 0);
    sfu_map_destroy(map);

    assert_int_equal(sfu_bmap_create(2, 3, &bmap), 0);
    assert_int_equal(sfu_bmap_set(bmap, "", 0, &a), 0); /* the empty key is a key */
    assert_int_equal(sfu_bmap_set(bmap, "abc", 3, &a), 0);
    assert_int_equal(sfu_bmap_set(bmap, "abc", 3, &b), 0);
    assert_int_equal(sfu_bmap_put(bmap, "abcd", 4, &b), -EMSGSIZE);
    assert_null(sfu_bmap_get(bmap, "abcd", 4));
    assert_false(sfu_bmap_del(bmap, "abcd", 4));
    assert_ptr_equal(sfu_bmap_get(bmap, "abc", 3), &b);
    assert_null(sfu_bmap_get(bmap, "ab", 2));
    sfu_bmap_clear(bmap);
    assert_null(sfu_bmap_get(bmap, "", 0));
    assert_int_equal(sfu_bmap_put(bmap, "x", 1, &a), 0);
    assert_int_equal(sfu_bmap_count(bmap), 1);
    sfu_bmap_destroy(bmap);
}

static void test_create_checks_its_arguments(void **state)
{
    struct sfu_map *map = NULL;
    struct sfu_bmap *bmap = NULL;
    (void)state;
    assert_int_equal(sfu_map_create(0, &map), -EINVAL);
    assert_int_equal(sfu_map_create((1 << 24) + 1, &map), -EINVAL);
    assert_int_equal(sfu_bmap_create(0, 1, &bmap), -EINVAL);
    assert_int_equal(sfu_bmap_create(1, 0, &bmap), -EINVAL);
    assert_int_equal(sfu_bmap_create(1, 513, &bmap), -EINVAL);
}

/* hash() of CPython 3.11, which is SipHash-1-3, under PYTHONHASHSEED=0 (a key of zeros). */
static void test_hash_values(void **state)
{
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = {
        {"a", UINT64_C(0x407448d2b89b1813)},
        {"abcdefg", UINT64_C(0x6db12aae9070f506)},
        {"abcdefgh", UINT64_C(0x3f7b849c0b8e35ea)},
        {"the quick brown fox jumps", UINT64_C(0x00c98b97e4f70042)},
    };
    const struct sfu_hash_seed zero = {0, 0};
    const struct sfu_hash_seed one = {1, 0};
    const uint64_t word = UINT64_C(0x6867666564636261); /* "abcdefgh" */
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        uint64_t got = sfu_hash_bytes(&zero, rows[i].text, strlen(rows[i].text));
        assert_true(got == rows[i].want);
        assert_true(sfu_hash_bytes(&one, rows[i].text, strlen(rows[i].text)) != got);
    }
    assert_true(sfu_hash_u64(&zero, word) == rows[2].want);
}

static void test_room_is_made_up_to_the_limit(void **state)
{
    enum { FIRST = 4, LIMIT = 100 };
    (void)state;
    struct sfu_map *map;
    struct sfu_bmap *bmap;
    assert_int_equal(sfu_map_create(FIRST, &map), 0);
    assert_int_equal(sfu_bmap_create(FIRST, sizeof(uint64_t), &bmap), 0);
    for (uint64_t i = 0; i < LIMIT; i++) {
        assert_int_equal(sfu_map_reserve(map, LIMIT), 0);
        assert_int_equal(sfu_map_put_u64(map, i, i + 1), 0);
        assert_int_equal(sfu_bmap_reserve(bmap, LIMIT), 0);
        assert_int_equal(sfu_bmap_put_u64(bmap, &i, sizeof i, i + 1), 0);
    }
    assert_int_equal(sfu_map_reserve(map, LIMIT), -ENOBUFS);
    assert_int_equal(sfu_bmap_reserve(bmap, LIMIT), -ENOBUFS);
    for (uint64_t i = 0; i < LIMIT; i++) {
        uint64_t a = 0, b = 0;
        assert_true(sfu_map_get_u64(map, i, &a) && a == i + 1);
        assert_true(sfu_bmap_get_u64(bmap, &i, sizeof i, &b) && b == i + 1);
    }
    assert_true(sfu_map_del(map, 7));
    assert_int_equal(sfu_map_reserve(map, LIMIT), 0);
    sfu_map_destroy(map);
    sfu_bmap_destroy(bmap);
}

static int create_and_grow(void *arg)
{
    struct sfu_map *map;
    struct sfu_bmap *bmap;
    (void)arg;
    int err = sfu_map_create(4, &map);
    if (err) {
        return err;
    }
    err = sfu_map_grow(map, 100);
    sfu_map_destroy(map);
    if (err) {
        return err;
    }
    err = sfu_bmap_create(4, 8, &bmap);
    if (err) {
        return err;
    }
    err = sfu_bmap_grow(bmap, 100);
    sfu_bmap_destroy(bmap);
    return err;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_grow, NULL);
    sfu_map_destroy(NULL);
    sfu_bmap_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_an_array),
        cmocka_unit_test(test_delete_while_iterating),
        cmocka_unit_test(test_set_clear_and_pointers),
        cmocka_unit_test(test_create_checks_its_arguments),
        cmocka_unit_test(test_hash_values),
        cmocka_unit_test(test_room_is_made_up_to_the_limit),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
