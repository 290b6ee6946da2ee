/* tests/unit/core/test_relay.c - rings between workers: classes, promises, batches, threads. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/base/mailbox.h"
#include "sfu/core/relay.h"
#include "tests/support/alloc_fail.h"

enum { RING = 16384, RECORDS = 60000, RECORD_MAX = 400 };

struct woken {
    unsigned count[SFU_RELAY_WORKERS_MAX];
};

static void wake(void *arg, unsigned worker)
{
    ((struct woken *)arg)->count[worker]++;
}

static struct sfu_relay *make(unsigned workers, struct woken *woken)
{
    const struct sfu_relay_conf conf = {
        .workers = workers, .ring_bytes = RING, .wake = wake, .arg = woken};
    struct sfu_relay *r = NULL;
    memset(woken, 0, sizeof *woken);
    assert_int_equal(sfu_relay_create(&conf, &r), 0);
    return r;
}

static bool put(struct sfu_relay *r, unsigned from, unsigned to, enum sfu_relay_class which,
                uint32_t value, size_t size)
{
    void *place = sfu_relay_reserve(r, from, to, which, size);
    if (!place) {
        return false;
    }
    memset(place, 0, size);
    memcpy(place, &value, sizeof value);
    sfu_relay_stage(r, from, to, size);
    return true;
}

static uint32_t take(struct sfu_relay *r, unsigned self, unsigned from)
{
    size_t size = 0;
    uint32_t value = UINT32_MAX;
    const void *record = sfu_relay_read(r, self, from, &size);
    if (record) {
        memcpy(&value, record, sizeof value);
    }
    return value;
}

static void sets_are_checked(void **state)
{
    struct sfu_relay *r = NULL;
    (void)state;
    assert_int_equal(sfu_relay_create(&(struct sfu_relay_conf){.workers = 0}, &r), -EINVAL);
    assert_int_equal(sfu_relay_create(&(struct sfu_relay_conf){.workers = 65}, &r), -EINVAL);
    sfu_relay_destroy(NULL);
}

static void a_batch_is_seen_at_once_and_wakes_once(void **state)
{
    struct woken woken;
    struct sfu_relay *r = make(3, &woken);
    (void)state;
    assert_true(put(r, 0, 1, SFU_RELAY_VIDEO, 1, 100));
    assert_true(put(r, 0, 1, SFU_RELAY_VIDEO, 2, 100));
    assert_int_equal(sfu_relay_pending(r, 1), 0);
    sfu_relay_publish(r, 0);
    assert_true(put(r, 2, 1, SFU_RELAY_AUDIO, 3, 100));
    sfu_relay_publish(r, 2);
    sfu_relay_publish(r, 2); /* nothing new */
    assert_int_equal(woken.count[1], 1);
    assert_int_equal(sfu_relay_pending(r, 1), 1 << 0 | 1 << 2);
    assert_int_equal(sfu_relay_pending(r, 1), 0);
    assert_int_equal(take(r, 1, 0), 1);
    sfu_relay_release(r, 1, 0, true); /* the rest in the next turn */
    assert_int_equal(sfu_relay_pending(r, 1), 1 << 0);
    assert_int_equal(take(r, 1, 0), 2);
    assert_int_equal(take(r, 1, 0), UINT32_MAX);
    sfu_relay_release(r, 1, 0, false);
    assert_int_equal(take(r, 1, 2), 3);
    sfu_relay_release(r, 1, 2, false);
    assert_int_equal(woken.count[0] + woken.count[2], 0);
    sfu_relay_destroy(r);
}

/* Video gives way to audio, audio to what must be known, and that to what was promised. */
static void classes_have_their_shares(void **state)
{
    static const enum sfu_relay_class order[] = {SFU_RELAY_VIDEO, SFU_RELAY_AUDIO,
                                                 SFU_RELAY_CONTROL};
    struct woken woken;
    struct sfu_relay *r = make(2, &woken);
    uint32_t value = 0, promised = 0;
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(order); i++) {
        unsigned n = 0;
        for (; put(r, 0, 1, order[i], value, 120); n++) {
            value++;
            if (order[i] == SFU_RELAY_CONTROL) {
                sfu_relay_promise(r, 0, 1);
                promised++;
            }
        }
        assert_true(n > 0);
        for (size_t k = 0; k <= i; k++) {
            assert_false(put(r, 0, 1, order[k], value, 120));
        }
    }
    for (uint32_t i = 0; i < promised; i++) {
        assert_true(put(r, 0, 1, SFU_RELAY_PROMISED, value, SFU_RELAY_PROMISE_BYTES));
        value++;
    }
    sfu_relay_publish(r, 0);
    assert_int_equal(sfu_relay_pending(r, 1), 1);
    for (uint32_t i = 0; i < value; i++) {
        assert_int_equal(take(r, 1, 0), i);
        if (i == 0) {
            assert_true(sfu_relay_behind(r, 1, 0));
        }
    }
    assert_false(sfu_relay_behind(r, 1, 0));
    sfu_relay_release(r, 1, 0, false);
    assert_true(put(r, 0, 1, SFU_RELAY_VIDEO, 0, 120));
    sfu_relay_destroy(r);
}

/* Wherever the ring's end is, a promise is kept. */
static void promises_are_kept_at_every_offset(void **state)
{
    struct woken woken;
    (void)state;
    for (size_t first = 8; first < 400; first += 8) {
        struct sfu_relay *r = make(2, &woken);
        unsigned promised = 0;
        for (unsigned round = 0; round < 40; round++) {
            while (put(r, 0, 1, SFU_RELAY_AUDIO, 1, first + round)) {
            }
            for (; put(r, 0, 1, SFU_RELAY_CONTROL, 2, 90); promised++) {
                sfu_relay_promise(r, 0, 1);
            }
            for (; promised > 0; promised--) {
                assert_true(put(r, 0, 1, SFU_RELAY_PROMISED, 3, SFU_RELAY_PROMISE_BYTES));
            }
            sfu_relay_publish(r, 0);
            (void)sfu_relay_pending(r, 1);
            while (take(r, 1, 0) != UINT32_MAX) {
            }
            sfu_relay_release(r, 1, 0, false);
        }
        sfu_relay_destroy(r);
    }
}

/* --- two threads, both ways --- */

struct end {
    struct pair *pair;
    unsigned self;
    struct sfu_mailbox *mailbox; /* stands in for the loop's sleep */
    uint32_t sent, got;
    bool wrong;
};

struct pair {
    struct sfu_relay *relay;
    struct end ends[2];
};

static void wake_end(void *arg, unsigned worker)
{
    struct pair *pair = arg;
    sfu_mailbox_wake(pair->ends[worker].mailbox);
}

static size_t size_of(uint32_t i)
{
    return 8 + i * 7919 % (RECORD_MAX - 8);
}

static void produce(struct end *e)
{
    for (unsigned n = 0; n < 50 && e->sent < RECORDS; n++) {
        size_t size = size_of(e->sent);
        uint8_t *place =
            sfu_relay_reserve(e->pair->relay, e->self, !e->self, SFU_RELAY_VIDEO, size);
        if (!place) {
            break;
        }
        memset(place, (int)(e->sent & 0xff), size);
        memcpy(place, &e->sent, sizeof e->sent);
        sfu_relay_stage(e->pair->relay, e->self, !e->self, size);
        e->sent++;
    }
    sfu_relay_publish(e->pair->relay, e->self);
}

/* True: more is left for the next turn. */
static bool consume(struct end *e)
{
    struct sfu_relay *r = e->pair->relay;
    size_t size;
    const uint8_t *record;
    unsigned n = 0;
    if (sfu_relay_pending(r, e->self) == 0) {
        return false;
    }
    for (; n < 20 && (record = sfu_relay_read(r, e->self, !e->self, &size)); n++) {
        uint32_t i;
        memcpy(&i, record, sizeof i);
        e->wrong = e->wrong || i != e->got || size != size_of(i) ||
                   (size > 8 && record[size - 1] != (i & 0xff));
        e->got++;
    }
    sfu_relay_release(r, e->self, !e->self, n == 20);
    return n == 20;
}

/* As a worker's loop: sleeps only when nothing is announced and it has no more to send. */
static void *run(void *arg)
{
    struct end *e = arg;
    while (e->got < RECORDS || e->sent < RECORDS) {
        bool more = consume(e);
        produce(e);
        if (!more && e->sent == RECORDS && e->got < RECORDS && sfu_mailbox_arm(e->mailbox)) {
            struct pollfd fd = {.fd = sfu_mailbox_fd(e->mailbox), .events = POLLIN};
            if (poll(&fd, 1, 20000) != 1) {
                e->wrong = true; /* nobody woke it */
                break;
            }
        }
        sfu_mailbox_disarm(e->mailbox);
        sched_yield(); /* cores may be fewer than threads */
    }
    return NULL;
}

static void two_workers_talk(void **state)
{
    struct pair pair = {0};
    const struct sfu_relay_conf conf = {
        .workers = 2, .ring_bytes = RING, .wake = wake_end, .arg = &pair};
    pthread_t threads[2];
    (void)state;
    assert_int_equal(sfu_relay_create(&conf, &pair.relay), 0);
    for (unsigned i = 0; i < 2; i++) {
        pair.ends[i] = (struct end){.pair = &pair, .self = i};
        assert_int_equal(sfu_mailbox_create(2, 8, &pair.ends[i].mailbox), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, &pair.ends[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_false(pair.ends[i].wrong);
        assert_int_equal(pair.ends[i].got, RECORDS);
        sfu_mailbox_destroy(pair.ends[i].mailbox);
    }
    sfu_relay_destroy(pair.relay);
}

static int create_and_destroy(void *arg)
{
    const struct sfu_relay_conf conf = {.workers = 2, .ring_bytes = RING, .wake = wake, .arg = arg};
    struct sfu_relay *r;
    int err = sfu_relay_create(&conf, &r);
    if (!err) {
        if (!put(r, 0, 1, SFU_RELAY_CONTROL, 1, 8)) {
            err = -ENOMEM;
        }
        sfu_relay_destroy(r);
    }
    return err;
}

static void out_of_memory(void **state)
{
    struct woken woken;
    (void)state;
    TEST_WITH_FAILING_ALLOCS(create_and_destroy, &woken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_checked),
        cmocka_unit_test(a_batch_is_seen_at_once_and_wakes_once),
        cmocka_unit_test(classes_have_their_shares),
        cmocka_unit_test(promises_are_kept_at_every_offset),
        cmocka_unit_test(two_workers_talk),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
