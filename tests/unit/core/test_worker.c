/*
 * Workers as they are: threads, sockets on loopback, OpenSSL and STUN at the other end.
 */
#include "sfu/core/worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "sfu/base/mailbox.h"
#include "sfu/proto/demux.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/link_client.h"
#include "tests/unit/transport/unit.h"

enum { AUDIO = 10, SUB_SSRC = 77000, WAIT_MS = 60000 };

static struct sfu_dtls_ctx *our_ctx;

struct set {
    struct sfu_workers *ws;
    struct sfu_plane_ops ops;
    struct sfu_mailbox *events;
    _Atomic bool deaf; /* control's ring is full */
    _Atomic unsigned refused;
};

static int on_event(void *arg, const struct sfu_plane_event *event)
{
    struct set *set = arg;
    if (atomic_load(&set->deaf)) {
        atomic_fetch_add(&set->refused, 1);
        return -ENOBUFS;
    }
    return sfu_mailbox_post(set->events, event, sizeof *event);
}

static struct sfu_workers_conf conf_of(struct set *set, unsigned count)
{
    return (struct sfu_workers_conf){.clock = sfu_clock_real(),
                                     .count = count,
                                     .socket_buffer_bytes = 65536,
                                     .max_peers = 16,
                                     .handshakes_per_s = 400,
                                     .times = SFU_PEER_TIMES_DEFAULT,
                                     .dtls = our_ctx,
                                     .sink = {.post = on_event, .arg = set}};
}

static void set_open(struct set *set, unsigned count)
{
    *set = (struct set){0};
    assert_int_equal(sfu_mailbox_create(256, sizeof(struct sfu_plane_event), &set->events), 0);
    struct sfu_workers_conf conf = conf_of(set, count);
    assert_int_equal(sfu_workers_create(&conf, &set->ws), 0);
    set->ops = sfu_workers_plane_ops(set->ws);
}

static void set_close(struct set *set)
{
    sfu_workers_stop(set->ws);
    sfu_workers_destroy(set->ws);
    sfu_mailbox_destroy(set->events);
}

static int64_t now_ms(void)
{
    return sfu_clock_mono_us(sfu_clock_real()) / 1000;
}

/* The next event of that kind about that peer; others are dropped. */
static struct sfu_plane_event await_event(struct set *set, enum sfu_plane_event_kind kind,
                                          uint64_t peer)
{
    struct sfu_plane_event e;
    for (int64_t end = now_ms() + WAIT_MS; now_ms() < end;) {
        while (sfu_mailbox_recv(set->events, &e, 1) == 1) {
            if (e.kind == kind && e.peer == peer) {
                return e;
            }
        }
        (void)poll(NULL, 0, 1);
    }
    fail_msg("no event of kind %d", kind);
    abort();
}

static void await_state(struct set *set, uint64_t peer, enum sfu_peer_state state)
{
    while (await_event(set, SFU_PLANE_PEER_STATE, peer).u.peer_state.state != state) {
    }
}

/* --- a client on a socket of its own --- */

struct user {
    int fd;
    struct sockaddr_in to;
    struct client c;
    struct sfu_ice_creds creds;
    uint64_t id;
    unsigned checks_answered, rtp, rtp_payload_sum, bye;
};

static void user_open(struct user *u, uint64_t id, const char *server, uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(u, 0, sizeof *u);
    u->id = id;
    u->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(u->fd >= 0);
    assert_int_equal(bind(u->fd, (struct sockaddr *)&any, sizeof any), 0);
    u->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, server, &u->to.sin_addr), 1);
    client_init(&u->c, false, 1300);
    sfu_ice_creds_make(&u->creds);
}

static void user_close(struct user *u)
{
    client_fini(&u->c);
    close(u->fd);
}

static void user_send(struct user *u, const void *data, size_t len)
{
    ssize_t n = sendto(u->fd, data, len, 0, (struct sockaddr *)&u->to, sizeof u->to);
    assert_int_equal(n, len);
}

static void user_check(struct user *u)
{
    struct stun_b b;
    client_check(&u->c, &b, &u->creds, true, false);
    user_send(u, b.data, b.len);
}

static void user_flush(struct user *u)
{
    const uint8_t *data;
    size_t len;
    while ((data = client_next(&u->c, &len))) {
        user_send(u, data, len);
    }
}

static void user_take(struct user *u, uint8_t *buf, size_t len)
{
    size_t plain;
    switch (sfu_demux(buf, len)) {
    case SFU_DEMUX_STUN:
        u->checks_answered += stun_b_verify(buf, len, u->creds.pwd);
        break;
    case SFU_DEMUX_DTLS:
        client_dtls(&u->c, buf, len);
        u->bye += (SSL_get_shutdown(u->c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
        user_flush(u);
        break;
    case SFU_DEMUX_RTP:
        assert_int_equal(sfu_srtp_unprotect_rtp(u->c.rx, buf, len, &plain), 0);
        u->rtp++;
        u->rtp_payload_sum += buf[plain - 1];
        break;
    case SFU_DEMUX_RTCP:
        assert_int_equal(sfu_srtp_unprotect_rtcp(u->c.rx, buf, len, &plain), 0);
        break;
    default:
        fail();
    }
}

/* Takes all that has come; every datagram must come from the address that was asked. */
static void user_pump(struct user *u)
{
    uint8_t buf[2048];
    struct sockaddr_in from = {0};
    socklen_t from_len = sizeof from;
    struct pollfd p = {.fd = u->fd, .events = POLLIN};
    (void)poll(&p, 1, 2);
    ssize_t n;
    while ((n = recvfrom(u->fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &from_len)) > 0) {
        assert_int_equal(from.sin_addr.s_addr, u->to.sin_addr.s_addr);
        assert_int_equal(from.sin_port, u->to.sin_port);
        user_take(u, buf, (size_t)n);
    }
}

#define AWAIT(users, count, condition)                                                             \
    do {                                                                                           \
        int64_t end_ = now_ms() + WAIT_MS;                                                         \
        while (!(condition)) {                                                                     \
            assert_true(now_ms() < end_);                                                          \
            for (unsigned i_ = 0; i_ < (count); i_++) {                                            \
                user_pump(&(users)[i_]);                                                           \
            }                                                                                      \
        }                                                                                          \
    } while (0)

static void ext_of(struct sfu_hdrext_map *map)
{
    sfu_hdrext_map_init(map);
    assert_int_equal(sfu_hdrext_map_set(map, 4, SFU_HDREXT_MID), 0);
}

static struct sfu_plan *plan_of(const struct user *u, unsigned tracks, unsigned slots)
{
    struct sfu_plan *plan = sfu_plan_create((uint16_t)tracks, (uint16_t)slots);
    assert_non_null(plan);
    plan->peer = u->id;
    plan->room = 5;
    plan->data = true;
    memcpy(plan->cname, "stoa", 5);
    memcpy(plan->local_ufrag, u->creds.ufrag, sizeof u->creds.ufrag);
    memcpy(plan->local_pwd, u->creds.pwd, sizeof u->creds.pwd);
    memcpy(plan->remote_ufrag, CLIENT_UFRAG, sizeof CLIENT_UFRAG);
    memcpy(plan->fingerprint, client_identity()->sha256, 32);
    const struct sfu_plan_codec opus = {.codec = SFU_CODEC_OPUS, .pt = 111};
    for (unsigned i = 0; i < tracks; i++) {
        plan->tracks[i] = (struct sfu_plan_track){.id = AUDIO + i,
                                                  .source = SFU_MICROPHONE,
                                                  .mid = "0",
                                                  .ssrc = 1000 + i,
                                                  .codec_count = 1,
                                                  .codecs = {opus}};
        ext_of(&plan->tracks[i].ext);
    }
    for (unsigned i = 0; i < slots; i++) {
        plan->slots[i] = (struct sfu_plan_slot){.kind = SFU_AUDIO,
                                                .live = true,
                                                .mid = "s",
                                                .ssrc = SUB_SSRC + i,
                                                .codec_count = 1,
                                                .codecs = {opus}};
        ext_of(&plan->slots[i].ext);
    }
    return plan;
}

static void apply(struct set *set, unsigned worker, struct sfu_plan *plan)
{
    assert_int_equal(set->ops.apply(set->ops.arg, worker, plan), 0);
}

/* --- tests --- */

/* Two announced addresses, one peer at each; answers come from the one that was asked. */
static void a_call_over_two_addresses(void **state)
{
    struct set set;
    struct user u[2];
    (void)state;
    set_open(&set, 1);
    uint16_t port = sfu_workers_port(set.ws, 0);
    assert_true(port != 0);
    assert_int_equal(sfu_workers_start(set.ws), 0);
    user_open(&u[0], 1, "127.0.0.2", port);
    user_open(&u[1], 2, "127.0.0.3", port);
    apply(&set, 0, plan_of(&u[0], 1, 0));
    apply(&set, 0, plan_of(&u[1], 0, 1));
    assert_int_equal(set.ops.map(set.ops.arg, 0, 2, 0, AUDIO, true), 0);
    await_state(&set, 1, SFU_PEER_ICE);
    await_state(&set, 2, SFU_PEER_ICE);
    for (unsigned i = 0; i < 2; i++) {
        user_check(&u[i]);
        client_dtls(&u[i].c, NULL, 0);
        AWAIT(u, 2, u[i].checks_answered > 0);
        user_flush(&u[i]); /* two datagrams, right after the answer */
    }
    AWAIT(u, 2, client_up(&u[0].c) && client_up(&u[1].c));
    await_state(&set, 2, SFU_PEER_UP);
    for (unsigned i = 0; i < 10; i++) {
        uint8_t buf[200];
        user_send(&u[0], buf, client_rtp(&u[0].c, 1000, (uint16_t)(i + 1), 111, buf, sizeof buf));
    }
    AWAIT(u, 2, u[1].rtp == 10);
    assert_int_equal(u[1].rtp_payload_sum, 55);
    struct sfu_plane_event e = await_event(&set, SFU_PLANE_SLOT_SWITCHED, 2);
    assert_true(e.u.switched.track == AUDIO && e.u.switched.slot == 0);

    /* a third socket that only knows the port gets nothing, and its packets go nowhere */
    struct user stranger;
    uint8_t buf[200];
    user_open(&stranger, 3, "127.0.0.2", port);
    user_check(&stranger);
    client_dtls(&stranger.c, NULL, 0);
    user_flush(&stranger);
    user_send(&stranger, buf, client_rtp(&u[0].c, 1000, 50, 111, buf, sizeof buf));
    user_check(&u[0]);
    AWAIT(u, 2, u[0].checks_answered == 2);
    user_pump(&stranger);
    assert_int_equal(stranger.checks_answered + stranger.c.out_count, 0);
    user_close(&stranger);

    assert_int_equal(set.ops.close(set.ops.arg, 0, 2), 0);
    e = await_event(&set, SFU_PLANE_PEER_STATE, 2);
    assert_int_equal(e.u.peer_state.state, SFU_PEER_CLOSED);
    assert_int_equal(e.u.peer_state.why, SFU_PEER_END_ASKED);
    AWAIT(u, 2, u[1].bye > 0);
    sfu_workers_stop(set.ws); /* says goodbye to who is left */
    AWAIT(u, 1, u[0].bye > 0);
    set_close(&set);
    user_close(&u[0]);
    user_close(&u[1]);
}

/* What control asks for and cannot be had is told; nothing is left half made. */
/* The plan comes behind the first check, which is answered all the same; a stranger's is not. */
static void a_check_may_be_early(void **state)
{
    struct set set;
    struct user u, stranger, known;
    (void)state;
    set_open(&set, 1);
    uint16_t port = sfu_workers_port(set.ws, 0);
    assert_int_equal(sfu_workers_start(set.ws), 0);
    user_open(&u, 1, "127.0.0.1", port);
    user_open(&stranger, 2, "127.0.0.1", port);
    user_open(&known, 3, "127.0.0.1", port);
    apply(&set, 0, plan_of(&known, 0, 1));
    await_state(&set, 3, SFU_PEER_ICE);
    user_check(&u);
    user_check(&stranger);
    user_check(&known);
    AWAIT(&known, 1, known.checks_answered == 1); /* so the two before it have been looked at */
    assert_int_equal(u.checks_answered, 0);
    apply(&set, 0, plan_of(&u, 1, 0));
    AWAIT(&u, 1, u.checks_answered == 1);
    user_pump(&stranger);
    assert_int_equal(stranger.checks_answered, 0);
    user_close(&u);
    user_close(&stranger);
    user_close(&known);
    set_close(&set);
}

static void refusals_are_told(void **state)
{
    struct set set;
    struct user u;
    struct sfu_plane_event e;
    (void)state;
    set_open(&set, 1);
    user_open(&u, 7, "127.0.0.2", sfu_workers_port(set.ws, 0));
    assert_int_equal(sfu_workers_start(set.ws), 0);
    struct sfu_plan *plan = plan_of(&u, 0, 2);
    memcpy(plan->local_ufrag, "no good", 8);
    apply(&set, 0, plan);
    e = await_event(&set, SFU_PLANE_PEER_STATE, 7);
    assert_int_equal(e.u.peer_state.state, SFU_PEER_CLOSED);
    assert_int_equal(e.u.peer_state.why, SFU_PEER_END_MEMORY);

    u.id = 8;
    apply(&set, 0, plan_of(&u, 0, 2));
    await_state(&set, 8, SFU_PEER_ICE);
    struct user twin = u; /* the same credentials under another name */
    twin.id = 9;
    apply(&set, 0, plan_of(&twin, 0, 2));
    await_state(&set, 9, SFU_PEER_CLOSED);
    /* a new plan that cannot be applied: the answer promised what is not there */
    apply(&set, 0, plan_of(&u, 0, 1));
    e = await_event(&set, SFU_PLANE_PEER_STATE, 8);
    assert_int_equal(e.u.peer_state.state, SFU_PEER_CLOSED);
    assert_int_equal(e.u.peer_state.why, SFU_PEER_END_MEMORY);
    for (uint64_t id = 7; id < 12; id++) { /* and orders for nobody */
        assert_int_equal(set.ops.close(set.ops.arg, 0, id), 0);
        assert_int_equal(set.ops.map(set.ops.arg, 0, id, 3, 4, true), 0);
        assert_int_equal(set.ops.show(set.ops.arg, 0, id, 3, 0, 0), 0);
        assert_int_equal(set.ops.mute(set.ops.arg, 0, id, 3, true), 0);
        assert_int_equal(set.ops.key_frame(set.ops.arg, 0, id, 3), 0);
    }
    u.id = 10;
    apply(&set, 0, plan_of(&u, 0, 2));
    await_state(&set, 10, SFU_PEER_ICE);
    set_close(&set);
    user_close(&u);
}

/* Close and open again in one go, with the same credentials. */
static void a_peer_may_follow_at_once(void **state)
{
    struct set set;
    struct user u;
    (void)state;
    set_open(&set, 1);
    user_open(&u, 1, "127.0.0.2", sfu_workers_port(set.ws, 0));
    apply(&set, 0, plan_of(&u, 1, 1));
    assert_int_equal(set.ops.close(set.ops.arg, 0, 1), 0);
    apply(&set, 0, plan_of(&u, 1, 1)); /* not the id again: that peer is gone, this one is late */
    u.id = 2;
    assert_int_equal(set.ops.close(set.ops.arg, 0, 1), 0);
    apply(&set, 0, plan_of(&u, 0, 1));
    assert_int_equal(sfu_workers_start(set.ws), 0);
    await_state(&set, 2, SFU_PEER_ICE);
    set_close(&set);
    user_close(&u);
}

static void events_wait_for_control(void **state)
{
    struct set set;
    struct user u;
    (void)state;
    set_open(&set, 1);
    atomic_store(&set.deaf, true);
    user_open(&u, 7, "127.0.0.2", sfu_workers_port(set.ws, 0));
    assert_int_equal(sfu_workers_start(set.ws), 0);
    apply(&set, 0, plan_of(&u, 1, 1));
    struct sfu_plan *plan = plan_of(&u, 0, 2);
    plan->peer = 8;
    memcpy(plan->local_ufrag, "no good", 8);
    apply(&set, 0, plan);
    for (int64_t end = now_ms() + WAIT_MS; atomic_load(&set.refused) < 2;) {
        assert_true(now_ms() < end);
        (void)poll(NULL, 0, 1);
    }
    assert_int_equal(set.ops.close(set.ops.arg, 0, 7), 0);
    atomic_store(&set.deaf, false);
    await_state(&set, 7, SFU_PEER_CLOSED);
    set_close(&set);
    user_close(&u);
}

/* What lies in the rings, and what lives, goes with the set. */
static void destruction_needs_no_start(void **state)
{
    struct set set;
    struct user u;
    (void)state;
    set_open(&set, 2);
    user_open(&u, 7, "127.0.0.2", sfu_workers_port(set.ws, 0));
    apply(&set, 0, plan_of(&u, 1, 1));
    apply(&set, 1, plan_of(&u, 1, 1));
    set_close(&set);
    user_close(&u);
    sfu_workers_destroy(NULL);
}

static void a_full_ring_is_said_so(void **state)
{
    struct set set;
    unsigned n = 0;
    (void)state;
    set_open(&set, 1);
    while (set.ops.map(set.ops.arg, 0, 1, 0, 0, true) == 0) {
        assert_true(++n < 100000);
    }
    assert_true(n >= 1024);
    struct sfu_plan *plan = sfu_plan_create(0, 0);
    assert_int_equal(set.ops.apply(set.ops.arg, 0, plan), -ENOBUFS);
    sfu_plan_destroy(plan); /* still ours */
    set_close(&set);
}

static void each_has_its_own_port_and_all_beat(void **state)
{
    struct set set;
    struct user u;
    unsigned worker = 99;
    (void)state;
    set_open(&set, 3);
    assert_int_equal(sfu_workers_start(set.ws), 0);
    assert_true(sfu_workers_port(set.ws, 0) != sfu_workers_port(set.ws, 1));
    for (unsigned i = 0; i < 3; i++) {
        assert_in_range(set.ops.busy(set.ops.arg, i), 0, 1000);
        user_open(&u, 20 + i, "127.0.0.2", sfu_workers_port(set.ws, i));
        apply(&set, i, plan_of(&u, 0, 1));
        await_state(&set, 20 + i, SFU_PEER_ICE);
        user_close(&u);
    }
    int64_t beat = sfu_workers_beat_us(set.ws, &worker);
    assert_true(worker < 3);
    for (int64_t end = now_ms() + WAIT_MS; sfu_workers_beat_us(set.ws, &worker) == beat;) {
        assert_true(now_ms() < end);
        (void)poll(NULL, 0, 5);
    }
    set_close(&set);
}

static void bad_settings_are_refused(void **state)
{
    struct set set = {0};
    struct sfu_workers *ws;
    struct sfu_workers_conf conf = conf_of(&set, 0);
    (void)state;
    assert_int_equal(sfu_workers_create(&conf, &ws), -EINVAL);
    conf.count = SFU_WORKERS_MAX + 1;
    assert_int_equal(sfu_workers_create(&conf, &ws), -EINVAL);
    conf.count = 1;
    assert_int_equal(sfu_workers_create(&conf, &ws), 0);
    struct sfu_workers *second;
    conf.bind.port = sfu_workers_port(ws, 0);
    assert_int_equal(sfu_workers_create(&conf, &second), -EADDRINUSE);
    sfu_workers_destroy(ws);
}

static int make(void *arg)
{
    struct sfu_workers *ws;
    struct sfu_workers_conf conf = conf_of(arg, 2);
    int rc = sfu_workers_create(&conf, &ws);
    if (rc == 0) {
        sfu_workers_destroy(ws);
    }
    return rc;
}

static void memory_may_run_out(void **state)
{
    struct set set = {0};
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make, &set);
}

static int setup(void **state)
{
    (void)state;
    return sfu_srtp_libsrtp2_load() || sfu_dtls_ctx_create(&our_ctx);
}

static int teardown(void **state)
{
    (void)state;
    sfu_dtls_ctx_destroy(our_ctx);
    client_identity_free();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_over_two_addresses),
        cmocka_unit_test(a_check_may_be_early),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(a_peer_may_follow_at_once),
        cmocka_unit_test(events_wait_for_control),
        cmocka_unit_test(destruction_needs_no_start),
        cmocka_unit_test(a_full_ring_is_said_so),
        cmocka_unit_test(each_has_its_own_port_and_all_beat),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
