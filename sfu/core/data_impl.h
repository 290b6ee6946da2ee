/*
 * sfu/core/data_impl.h - the sctp thread, for data*.c only.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "sfu/base/bucket.h"
#include "sfu/base/cacheline.h"
#include "sfu/base/list.h"
#include "sfu/base/loop.h"
#include "sfu/base/map.h"
#include "sfu/base/ring.h"
#include "sfu/core/channels.h"
#include "sfu/core/data.h"
#include "sfu/transport/sctp.h"

enum {
    DATA_COMMANDS = 4096,
    DATA_COMMAND_BATCH = 16,
    DATA_COMMANDS_LEVELS = DATA_COMMANDS / 4, /* cells that messages leave to open and close */
    DATA_SENDS = 256,                         /* of messages to one receiver, per turn */
    DATA_LOSSY_BYTES = 64 << 10, /* that wait for a reader: what may be lost is, beyond them */
    DATA_PACKET_BATCH = 256,     /* of one worker per turn */
    DATA_RING_BYTES = 1 << 20,
    DATA_TELL_US = 1000000,
};

enum data_command_kind { DATA_OPEN, DATA_CLOSE, DATA_SEND, DATA_COMMAND_KINDS };

struct data_command {
    uint32_t kind;
    uint16_t worker, port;
    uint32_t message_max;
    uint64_t peer;
    struct sfu_data_send *send;
};

struct data_record {
    uint64_t peer;
    uint32_t dropped; /* before this one: over the rate; 0 on the way out */
    uint8_t packet[];
};

/* Each half has one thread that writes it. */
struct data_lane {
    struct sfu_ring *in; /* worker to sctp */
    bool in_staged;      /* the worker's */
    struct sfu_ring *out;
    _Alignas(SFU_CACHELINE) bool out_staged; /* the sctp thread's */
};

struct data_peer {
    uint64_t id;
    unsigned worker;
    struct sfu_list busy_link;            /* with something for the next tick */
    bool ended;                           /* its association: goes at the next tick */
    bool reads;                           /* our channels: it has said so */
    uint32_t message_max;                 /* that it takes */
    uint32_t count[SFU_DATA_EVENT_KINDS]; /* not told yet */
    int64_t told_us[SFU_DATA_EVENT_KINDS];
    struct sfu_bucket messages;
    struct sfu_channels channels;
};

struct sfu_data {
    struct sfu_data_conf conf;
    struct sfu_loop *loop;
    struct sfu_mailbox *commands;
    struct sfu_sctp *sctp;
    struct sfu_map *peers; /* id -> struct data_peer */
    struct sfu_list busy;
    struct sfu_data_send *sending; /* under way; NULL: none */
    uint32_t sent;                 /* to how many of its peers */
    struct sfu_timer tick;
    int64_t now_us; /* of this turn */
    void (*wake)(void *arg, unsigned worker);
    void *wake_arg;
    pthread_t thread;
    bool running;
    _Atomic size_t queued_bytes; /* of sends in the mailbox */
    struct data_lane lane[SFU_DATA_WORKERS_MAX];
};

/* data_peer.c */
extern const struct sfu_sctp_hooks data_hooks; /* arg: struct sfu_data */

void data_peer_open(struct sfu_data *d, const struct data_command *cmd);
void data_peer_free(struct data_peer *p); /* not its association */
void data_peer_close(struct sfu_data *d, uint64_t id);
void data_peer_packet(struct sfu_data *d, const struct data_record *record, size_t len);
void data_peer_send(struct sfu_data *d, uint64_t id, const struct sfu_data_send *send);
/* What has ended, halves of channels that wait to be closed, what is to be told: for busy peers.  May
 * free p. */
void data_peer_tick(struct sfu_data *d, struct data_peer *p);

/* data.c */
void data_output(struct sfu_data *d, const struct data_peer *p, const uint8_t *packet, size_t len);
