/*
 * tests/integration/native/data.h - the data channels of one peer: 60 and 61 as docs/protocol.md has
 * them, one opened by DCEP (RFC 8832), a sender of numbered messages, and what came.
 *
 * Main loop thread.  Owned by a peer.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_data_conf {
    unsigned index;      /* of the peer */
    bool negotiated;     /* 60 and 61 */
    const char *channel; /* label of one that DCEP opens and that is sent on; NULL: none */
    const char *topic;   /* of messages on 60 and 61; NULL: not said */
    double rate;         /* messages per second, 0: sends nothing */
    unsigned count;      /* of them all, 0: no end */
    unsigned bytes;      /* of a payload */
    int64_t after_us;    /* since everybody's channels are open */
    bool lossy, text;
    bool stall; /* read nothing */
    bool log;   /* print each message that came */
};

struct nat_data_ops {
    void (*send)(void *arg, const uint8_t *packet, size_t len);
    /* Ids of those who are written to, or NULL: everybody.  Free it. */
    json_t *(*to)(void *arg);
    /* Are the channels of all peers open? */
    bool (*ready)(void *arg);
};

struct nat_data;

struct nat_data *nat_data_create(const struct nat_data_conf *conf, const struct nat_data_ops *ops,
                                 void *arg);
void nat_data_destroy(struct nat_data *d); /* NULL is allowed */
/* DTLS is up and the answer took the m-line: port and the size of a message that it names. */
void nat_data_start(struct nat_data *d, uint16_t port, uint32_t max_message);
void nat_data_input(struct nat_data *d, const uint8_t *packet, size_t len);
void nat_data_tick(struct nat_data *d, int64_t now_us);
bool nat_data_open(const struct nat_data *d);     /* the association, and the channel of its own */
json_t *nat_data_stats(const struct nat_data *d); /* new reference */
