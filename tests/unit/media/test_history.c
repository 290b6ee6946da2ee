#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/history.c"

#undef calloc
#undef free

static struct sfu_history *create(uint32_t bytes, uint16_t pkts)
{
    const struct sfu_history_conf conf = {bytes, pkts, 1000000};
    struct sfu_history *h = NULL;

    assert_int_equal(sfu_history_create(&conf, &h), 0);
    return h;
}

/* A payload that tells its own number. */
static int put(struct sfu_history *h, uint16_t seq, uint16_t len, int64_t now_us,
               struct sfu_history_ref *ret_ref)
{
    static uint8_t body[65536];
    const struct sfu_packet packet = {
        .payload = body, .payload_len = len, .seq = seq, .ts = seq * 7u, .arrival_us = now_us};

    memset(body, seq & 0xff, len);
    return sfu_history_put(h, &packet, ret_ref);
}

static bool has(const struct sfu_history *h, uint16_t seq, uint16_t len, int64_t now_us)
{
    struct sfu_history_ref ref;

    if (sfu_history_find(h, seq, now_us, &ref) < 0) {
        return false;
    }
    assert_int_equal(ref.packet->seq, seq);
    assert_int_equal(ref.packet->ts, seq * 7u);
    assert_int_equal(ref.packet->payload_len, len);
    for (uint16_t i = 0; i < len; i++) {
        assert_int_equal(ref.packet->payload[i], seq & 0xff);
    }
    assert_true(sfu_history_is_valid(h, &ref));
    return true;
}

static void test_find(void **state)
{
    (void)state;
    struct sfu_history *h = create(8192, 16);
    struct sfu_history_ref ref;

    assert_false(has(h, 0, 0, 0));
    assert_int_equal(put(h, 65535, 100, 0, &ref), 0);
    assert_int_equal(ref.packet->payload_len, 100);
    assert_int_equal(put(h, 0, 200, 1000, NULL), 0);
    assert_int_equal(put(h, 1, 0, 1000, NULL), 0);
    assert_true(has(h, 65535, 100, 1000));
    assert_true(has(h, 0, 200, 1000));
    assert_true(has(h, 1, 0, 1000));
    assert_false(has(h, 2, 0, 1000));
    assert_false(has(h, 16, 0, 1000)); /* same entry as 0 */
    /* One second, then gone. */
    assert_true(has(h, 65535, 100, 1000000));
    assert_false(has(h, 65535, 100, 1000001));
    assert_true(has(h, 0, 200, 1000001));
    sfu_history_clear(h);
    assert_false(has(h, 0, 200, 1000));
    assert_false(sfu_history_is_valid(h, &ref));
    sfu_history_destroy(h);
}

static void test_overwritten(void **state)
{
    (void)state;
    struct sfu_history *h = create(4096, 64);
    struct sfu_history_ref first, empty;

    assert_int_equal(put(h, 0, 1000, 0, &first), 0);
    assert_int_equal(put(h, 1, 0, 0, &empty), 0);
    assert_int_equal(put(h, 2, 1000, 0, NULL), 0);
    assert_int_equal(put(h, 3, 1000, 0, NULL), 0);
    assert_int_equal(put(h, 4, 1000, 0, NULL), 0);
    assert_true(sfu_history_is_valid(h, &first));
    /* 95 bytes are left at the end: the next one goes to the front, over the first. */
    assert_int_equal(put(h, 5, 500, 0, NULL), 0);
    assert_false(sfu_history_is_valid(h, &first));
    assert_false(has(h, 0, 1000, 0));
    assert_true(has(h, 2, 1000, 0));
    assert_true(has(h, 4, 1000, 0));
    assert_true(has(h, 5, 500, 0));
    assert_int_equal(put(h, 6, 1000, 0, NULL), 0);
    assert_false(has(h, 2, 1000, 0));
    assert_false(sfu_history_is_valid(h, &empty));
    assert_int_equal(put(h, 7, 1025, 0, NULL), -EMSGSIZE);
    assert_int_equal(put(h, 7, 1024, 0, NULL), 0);
    sfu_history_destroy(h);
}

/* References to empty packets in one entry are told apart, too. */
static void test_empty_packets(void **state)
{
    (void)state;
    struct sfu_history *h = create(4096, 16);
    struct sfu_history_ref first, second;

    assert_int_equal(put(h, 1, 0, 0, &first), 0);
    assert_int_equal(put(h, 17, 0, 0, &second), 0);
    assert_false(sfu_history_is_valid(h, &first));
    assert_true(sfu_history_is_valid(h, &second));
    sfu_history_destroy(h);
}

/* Packets out of order; one that is a whole ring older must not displace a newer one. */
static void test_reordered(void **state)
{
    (void)state;
    struct sfu_history *h = create(65536, 16);

    assert_int_equal(put(h, 20, 10, 0, NULL), 0);
    assert_int_equal(put(h, 18, 10, 0, NULL), 0);
    assert_int_equal(put(h, 4, 10, 0, NULL), -ESTALE);
    assert_true(has(h, 20, 10, 0));
    assert_true(has(h, 18, 10, 0));
    assert_int_equal(put(h, 36, 10, 0, NULL), 0);
    assert_false(has(h, 20, 10, 0));
    /* A source that began again far back gets in when the old packets have aged. */
    assert_int_equal(put(h, 4, 10, 1000001, NULL), 0);
    assert_true(has(h, 4, 10, 1000001));
    sfu_history_destroy(h);
}

/* Sizes at random: whatever is found is whole. */
static void test_random(void **state)
{
    (void)state;
    struct sfu_history *h = create(20000, 64);
    struct sfu_history_ref refs[64] = {{0}};
    uint32_t seed = 5;
    size_t found = 0;

    for (uint32_t i = 0; i < 50000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint16_t len = (uint16_t)((seed >> 8) % 1200);
        assert_int_equal(put(h, (uint16_t)i, len, i, &refs[i % 64]), 0);
        for (size_t k = 0; k < 64; k++) {
            if (!refs[k].packet || !sfu_history_is_valid(h, &refs[k])) {
                continue;
            }
            found++;
            if (refs[k].packet->payload_len > 0) {
                size_t last = refs[k].packet->payload_len - 1u;
                assert_int_equal(refs[k].packet->payload[0], refs[k].packet->seq & 0xff);
                assert_int_equal(refs[k].packet->payload[last], refs[k].packet->seq & 0xff);
            }
        }
    }
    assert_in_range(found / 50000, 30, 36); /* 20000 / 600 packets live at a time */
    sfu_history_destroy(h);
}

static void test_create(void **state)
{
    (void)state;
    static const struct sfu_history_conf bad[] = {
        {4095, 64, 1}, {1024 * 1024 + 1, 64, 1}, {4096, 8, 1}, {4096, 8192, 1}, {4096, 63, 1},
        {4096, 64, 0},
    };
    const struct sfu_history_conf video = SFU_HISTORY_VIDEO, audio = SFU_HISTORY_AUDIO;
    struct sfu_history *h = NULL;

    for (size_t i = 0; i < SFU_ARRAY_LEN(bad); i++) {
        assert_int_equal(sfu_history_create(&bad[i], &h), -EINVAL);
    }
    fail_calloc_at = 1;
    assert_int_equal(sfu_history_create(&video, &h), -ENOMEM);
    assert_null(h);
    sfu_history_destroy(NULL);
    assert_int_equal(sfu_history_create(&video, &h), 0);
    sfu_history_destroy(h);
    assert_int_equal(sfu_history_create(&audio, &h), 0);
    sfu_history_destroy(h);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),      cmocka_unit_test(test_overwritten),
        cmocka_unit_test(test_reordered), cmocka_unit_test(test_empty_packets),
        cmocka_unit_test(test_random),    cmocka_unit_test(test_create),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
