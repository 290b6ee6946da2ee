#include "tests/support/link_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/proto/demux.h"

static struct sfu_dtls_ctx *our_ctx;

int link_world_setup(void **state)
{
    (void)state;
    return sfu_srtp_libsrtp2_load() || sfu_dtls_ctx_create(&our_ctx);
}

int link_world_teardown(void **state)
{
    (void)state;
    sfu_dtls_ctx_destroy(our_ctx);
    client_identity_free();
    return 0;
}

/* --- the host --- */

static int fake_recv(void *io, struct sfu_udp_in *in, unsigned count, uint32_t *ret_lost)
{
    (void)io;
    (void)in;
    (void)count;
    (void)ret_lost;
    return -EAGAIN;
}

static int fake_send(void *io, const struct sfu_udp_out *out, unsigned count)
{
    struct host *h = io;
    for (unsigned i = 0; i < count; i++) {
        assert_true(h->sent_count < HOST_SENT && out[i].len <= sizeof h->sent[0].data);
        h->sent[h->sent_count].to = out[i].path;
        h->sent[h->sent_count].len = out[i].len;
        memcpy(h->sent[h->sent_count++].data, out[i].data, out[i].len);
    }
    return (int)count;
}

static void fake_close(void *io)
{
    (void)io;
}

static const struct sfu_udp_ops fake_udp = {fake_recv, fake_send, fake_close};

static void on_state(void *arg, void *user, enum sfu_peer_state state, enum sfu_peer_end why)
{
    struct host *h = arg;
    assert_true(h->state_count < HOST_STATES);
    h->states[h->state_count].user = user;
    h->states[h->state_count].state = state;
    h->states[h->state_count++].why = why;
}

static void on_data(void *arg, void *user, const uint8_t *packet, size_t len)
{
    struct host *h = arg;
    assert_non_null(user);
    assert_true(len < sizeof h->data);
    memcpy(h->data, packet, len);
    h->data[len] = 0;
    h->data_count++;
}

static void host_init(struct host *h)
{
    *h = (struct host){.now_us = 1000 * SECOND_US};
    h->env = (struct sfu_link_env){.dtls = our_ctx,
                                   .srtp = &sfu_srtp_evp,
                                   .times = SFU_PEER_TIMES_DEFAULT,
                                   .now_us = h->now_us,
                                   .on_state = on_state,
                                   .on_data = on_data,
                                   .arg = h};
    sfu_list_init(&h->env.handshakes);
    assert_int_equal(sfu_udp_create(&fake_udp, h, &h->env.udp), 0);
    assert_int_equal(sfu_ice_create(64, h->env.times.consent_us, &h->env.ice), 0);
    assert_int_equal(sfu_timer_wheel_create(h->now_us, &h->env.wheel), 0);
}

static void host_fini(struct host *h)
{
    assert_int_equal(sfu_timer_wheel_count(h->env.wheel), 0);
    assert_true(sfu_list_empty(&h->env.handshakes));
    sfu_ice_destroy(h->env.ice);
    sfu_udp_destroy(h->env.udp);
    sfu_timer_wheel_destroy(h->env.wheel);
}

void host_run(struct host *h, int64_t for_us)
{
    for (int64_t end = h->now_us + for_us; h->now_us < end;) {
        h->now_us += 10000;
        h->env.now_us = h->now_us;
        (void)sfu_timer_wheel_advance(h->env.wheel, h->now_us);
        sfu_udp_flush(h->env.udp);
    }
}

void host_in(struct host *h, const struct sfu_path *from, const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len), reply[SFU_ICE_REPLY_MAX];
    struct sfu_ice_result result;
    assert_non_null(copy);
    memcpy(copy, data, len);
    if (sfu_demux(copy, len) == SFU_DEMUX_STUN) {
        if (sfu_ice_input(h->env.ice, copy, len, from, h->now_us, reply, &result) == 0) {
            memcpy(sfu_udp_reserve(h->env.udp, result.reply_len), reply, result.reply_len);
            sfu_udp_commit(h->env.udp, from, result.reply_len);
            sfu_link_on_check(result.user, result.events);
        }
    } else {
        struct sfu_ice_session *s = sfu_ice_find(h->env.ice, from);
        h->unknown += !s;
        if (s) {
            sfu_link_on_dtls(sfu_ice_session_user(s), copy, len);
        }
    }
    free(copy);
    sfu_udp_flush(h->env.udp);
}

bool host_step(struct host *h)
{
    bool more = sfu_link_handshake_step(&h->env);
    sfu_udp_flush(h->env.udp);
    return more;
}

struct sfu_path host_path(unsigned port)
{
    struct sfu_path p = {0};
    assert_int_equal(sfu_addr_parse("192.0.2.1", (uint16_t)port, &p.remote), 0);
    assert_int_equal(sfu_addr_parse("198.51.100.1", 0, &p.local), 0);
    return p;
}

/* --- one call --- */

void call_plan_creds(struct sfu_plan *plan, const struct sfu_ice_creds *creds)
{
    memcpy(plan->local_ufrag, creds->ufrag, sizeof creds->ufrag);
    memcpy(plan->local_pwd, creds->pwd, sizeof creds->pwd);
    memcpy(plan->remote_ufrag, CLIENT_UFRAG, sizeof CLIENT_UFRAG);
}

void call_init(struct call *call, const struct call_conf *conf)
{
    memset(call, 0, sizeof *call);
    host_init(&call->h);
    client_init(&call->c, conf->active, conf->hello_bytes);
    sfu_ice_creds_make(&call->creds);
    call->path = host_path(1000);
    call->plan = sfu_plan_create(0, 0);
    assert_non_null(call->plan);
    call->plan->peer = 7;
    call_plan_creds(call->plan, &call->creds);
    memcpy(call->plan->fingerprint, client_identity()->sha256, 32);
    call->plan->fingerprint[5] ^= conf->wrong_fingerprint;
    call->plan->dtls_client = conf->active;
    call->plan->data = conf->data;
    assert_int_equal(sfu_link_create(&call->h.env, call->plan, call, &call->link), 0);
    assert_int_equal(sfu_link_state(call->link), SFU_PEER_ICE);
}

void call_fini(struct call *call)
{
    sfu_link_destroy(call->link);
    host_fini(&call->h);
    sfu_plan_destroy(call->plan);
    client_fini(&call->c);
}

void call_check_from(struct call *call, const struct sfu_path *path,
                     const struct sfu_ice_creds *creds)
{
    struct stun_b b;
    client_check(&call->c, &b, creds, true, false);
    host_in(&call->h, path, b.data, b.len);
}

void call_check(struct call *call)
{
    call_check_from(call, &call->path, &call->creds);
}

void call_to_client(struct call *call)
{
    struct host *h = &call->h;
    for (; h->taken < h->sent_count; h->taken++) {
        if (sfu_demux(h->sent[h->taken].data, h->sent[h->taken].len) == SFU_DEMUX_DTLS) {
            client_dtls(&call->c, h->sent[h->taken].data, h->sent[h->taken].len);
        }
    }
    h->taken = h->sent_count = 0;
}

void call_shake(struct call *call)
{
    const uint8_t *data;
    size_t len;
    for (bool moved = true; moved;) {
        moved = call->h.sent_count > 0;
        call_to_client(call);
        while ((data = client_next(&call->c, &len))) {
            host_in(&call->h, &call->path, data, len);
            moved = true;
        }
        while (host_step(&call->h)) {
            moved = true;
        }
    }
}

void call_connect(struct call *call)
{
    call_check(call);
    if (!call->c.server) {
        client_dtls(&call->c, NULL, 0);
    }
    call_shake(call);
    assert_true(client_up(&call->c));
    assert_int_equal(sfu_link_state(call->link), SFU_PEER_UP);
}

int call_open_rtp(struct call *call, uint32_t ssrc, uint16_t seq)
{
    uint8_t buf[200];
    size_t len = client_rtp(&call->c, ssrc, seq, 111, buf, sizeof buf), plain;
    int rc = sfu_link_open(call->link, buf, len, false, &plain);
    if (rc == 0) {
        assert_int_equal(plain, 32);
        assert_int_equal(buf[31], seq & 0xff);
    }
    return rc;
}

void call_send_rtp(struct call *call, uint16_t seq)
{
    uint8_t head[12] = {0x80, 96, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t payload[30] = {5};
    call->h.sent_count = call->h.taken = 0;
    assert_int_equal(sfu_link_send_rtp(call->link, head, sizeof head, payload, sizeof payload), 0);
    sfu_udp_flush(call->h.env.udp);
    assert_int_equal(call->h.sent_count, 1);
    size_t plain;
    assert_int_equal(
        sfu_srtp_unprotect_rtp(call->c.rx, call->h.sent[0].data, call->h.sent[0].len, &plain), 0);
    assert_int_equal(plain, 42);
    call->h.sent_count = 0;
}

void call_assert_states(const struct call *call, const enum sfu_peer_state *states, unsigned n,
                        enum sfu_peer_end why)
{
    assert_int_equal(call->h.state_count, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(call->h.states[i].state, states[i]);
        assert_ptr_equal(call->h.states[i].user, call);
    }
    assert_int_equal(call->h.states[n - 1].why, why);
}
