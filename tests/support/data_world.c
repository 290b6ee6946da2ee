#include "tests/support/data_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/wall_time.h"

enum { TURN_US = 10000 };

uint64_t data_world_id(unsigned i)
{
    return 0x0100000100000001u + i;
}

static unsigned index_of(uint64_t id)
{
    unsigned i = (unsigned)(id - data_world_id(0));
    assert_in_range(i, 0, DATA_WORLD_IDS - 1);
    return i;
}

static int post(void *arg, const struct sfu_data_event *event)
{
    struct data_world *w = arg;
    unsigned i = index_of(event->peer);
    if (w->sink_full) {
        return -ENOBUFS;
    }
    if (event->kind == SFU_DATA_MESSAGE) {
        size_t n = event->len < sizeof(w->last) - 1 ? event->len : sizeof(w->last) - 1;
        w->messages[i]++;
        w->bytes[i] += event->len;
        w->lossy = event->lossy;
        w->binary = event->binary;
        memset(w->label, 0, sizeof(w->label));
        memcpy(w->label, event->label ? event->label : "-", event->label ? event->label_len : 1);
        memset(w->last, 0, sizeof(w->last));
        memcpy(w->last, event->data, n);
    }
    w->told[event->kind][i] += event->count;
    return 0;
}

static void wake(void *arg, unsigned worker)
{
    struct data_world *w = arg;
    w->woken[worker]++;
}

void data_world_conf(struct data_world *w, struct sfu_data_conf *ret_conf)
{
    *ret_conf = (struct sfu_data_conf){.clock = &w->clock.clock,
                                       .workers = DATA_WORLD_WORKERS,
                                       .max_peers = DATA_WORLD_PEERS,
                                       .message_max = DATA_WORLD_MESSAGE_MAX,
                                       .send_bytes = 2 * DATA_WORLD_MESSAGE_MAX,
                                       .bytes_per_s = 1000000,
                                       .bytes_burst = 200000,
                                       .messages_per_s = 100,
                                       .messages_burst = 50,
                                       .queue_bytes = 8 << 20,
                                       .sink = {post, w}};
}

void data_world_init(struct data_world *w, const struct sfu_data_conf *conf)
{
    struct sfu_data_conf defaults;
    memset(w, 0, sizeof(*w));
    sfu_clock_virtual_init(&w->clock, 1000000, wall_time_us());
    data_world_conf(w, &defaults);
    assert_int_equal(sfu_data_create(conf ? conf : &defaults, &w->data), 0);
    sfu_data_on_packets(w->data, wake, w);
}

void data_world_fini(struct data_world *w)
{
    sfu_data_destroy(w->data);
}

void data_world_worker_turn(struct data_world *w, unsigned worker)
{
    const uint8_t *packet;
    uint64_t id;
    size_t len;
    while ((packet = sfu_data_read(w->data, worker, &id, &len))) {
        unsigned i = index_of(id);
        assert_int_equal(i % DATA_WORLD_WORKERS, worker);
        if (!w->stalled[i]) {
            unsigned to = i ^ 1;
            sfu_data_put(w->data, to % DATA_WORLD_WORKERS, data_world_id(to), &w->gate[to], packet,
                         len, sfu_clock_mono_us(&w->clock.clock));
        }
    }
    sfu_data_release(w->data, worker);
    for (unsigned k = 0; k < DATA_WORLD_WORKERS; k++) {
        sfu_data_publish(w->data, k);
    }
}

void data_world_run(struct data_world *w, int ms)
{
    for (int64_t t = 0; t < ms * (int64_t)1000; t += TURN_US) {
        for (unsigned round = 0; round < 8; round++) {
            assert_int_equal(sfu_data_turn(w->data), 0);
            for (unsigned k = 0; k < DATA_WORLD_WORKERS; k++) {
                data_world_worker_turn(w, k);
            }
        }
        wall_time_advance(TURN_US);
        sfu_clock_virtual_advance(&w->clock, TURN_US);
    }
}
