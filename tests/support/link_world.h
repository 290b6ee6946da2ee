/*
 * tests/support/link_world.h - a peer's transport between the host that a worker is to it and a client at
 * the other end; time is the test's, the datagrams go through the fake twin of the socket.
 *
 * Host: what a link needs around it; keeps what was sent and told.  Call: one link on a host of its
 * own, and its client.  Fails the test when something cannot be done.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/core/link.h"
#include "tests/support/link_client.h"

#define SECOND_US ((int64_t)1000000)

enum { HOST_SENT = 256, HOST_STATES = 64 };

struct host {
    struct sfu_link_env env;
    int64_t now_us;
    struct {
        struct sfu_path to;
        size_t len;
        uint8_t data[1500];
    } sent[HOST_SENT];
    unsigned sent_count, taken; /* taken: the client has them */
    struct {
        void *user;
        enum sfu_peer_state state;
        enum sfu_peer_end why;
    } states[HOST_STATES];
    unsigned state_count;
    unsigned unknown; /* datagrams from nowhere */
    unsigned data_count;
    char data[16]; /* the last */
};

struct call {
    struct host h;
    struct client c;
    struct sfu_ice_creds creds;
    struct sfu_plan *plan;
    struct sfu_link *link;
    struct sfu_path path;
};

struct call_conf {
    bool active; /* we send the ClientHello */
    bool wrong_fingerprint;
    bool data;
    size_t hello_bytes;
};

/* Of a group of tests: ciphers and certificates, once for all calls. */
int link_world_setup(void **state);
int link_world_teardown(void **state);

void host_run(struct host *h, int64_t for_us);
/* What the worker does with a datagram that is no media. */
void host_in(struct host *h, const struct sfu_path *from, const uint8_t *data, size_t len);
bool host_step(struct host *h);           /* of a handshake; false: there was none to take */
struct sfu_path host_path(unsigned port); /* from that port of a client */

/* The link exists and waits for a check. */
void call_init(struct call *call, const struct call_conf *conf);
void call_fini(struct call *call);
void call_plan_creds(struct sfu_plan *plan, const struct sfu_ice_creds *creds);
void call_check(struct call *call);
void call_check_from(struct call *call, const struct sfu_path *path,
                     const struct sfu_ice_creds *creds);
/* Hands over what we sent since; DTLS to the client, the rest is looked at by the caller. */
void call_to_client(struct call *call);
/* Both ends exchange all they have; no time passes. */
void call_shake(struct call *call);
void call_connect(struct call *call);
/* A packet of the client: 0, or what sfu_link_open said. */
int call_open_rtp(struct call *call, uint32_t ssrc, uint16_t seq);
/* One of ours, which the client can read. */
void call_send_rtp(struct call *call, uint16_t seq);

/* All that the host was told of the call, in order; why: with the last. */
void call_assert_states(const struct call *call, const enum sfu_peer_state *states, unsigned n,
                        enum sfu_peer_end why);

#define STATES_ARE(call, why, ...)                                                                 \
    do {                                                                                           \
        const enum sfu_peer_state list[] = {__VA_ARGS__};                                          \
        call_assert_states(call, list, SFU_ARRAY_LEN(list), why);                                  \
    } while (0)
