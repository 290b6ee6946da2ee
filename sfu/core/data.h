/*
 * sfu/core/data.h - the sctp thread: the data channels of all peers, between workers and control.
 *
 * The only caller of sfu/transport/sctp.h.  Made by the composition root before the workers, started
 * before them, stopped after them.  Packets come and go in one ring per worker and direction: what
 * finds a ring full is dropped, SCTP repeats it.  Control's commands come in a bounded mailbox and are
 * levels, as those of plane.h; what happens is told to its sink.  Each function says whose it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/bucket.h"
#include "sfu/base/clock.h"

struct sfu_data; /* body in data_impl.h */

enum {
    SFU_DATA_WORKERS_MAX = 64,
    /* Channels of every association, without DCEP: out of the way of the ids that it hands out. */
    SFU_DATA_RELIABLE = 60,
    SFU_DATA_LOSSY = 61, /* unordered, sent once */
};

enum sfu_data_event_kind {
    SFU_DATA_MESSAGE,
    /* The others once a second each at most, with how many since the last time. */
    SFU_DATA_SLOWED,  /* packets of the peer over its bytes: SCTP repeats them */
    SFU_DATA_DROPPED, /* messages of the peer over their rate */
    SFU_DATA_FULL,    /* messages of the peer that the sink had no room for */
    SFU_DATA_LOST,    /* messages to the peer: it reads too slowly, or does not take the size */
    SFU_DATA_EVENT_KINDS,
};

struct sfu_data_event {
    enum sfu_data_event_kind kind;
    bool binary, lossy; /* of MESSAGE, as what follows count and peer */
    uint32_t count;
    uint64_t peer;
    const char *label; /* NULL: of our own channels; borrowed, not terminated */
    size_t label_len;
    const uint8_t *data; /* borrowed */
    size_t len;
};

/* On the sctp thread.  post copies; -ENOBUFS: a message is dropped, the others are told later. */
struct sfu_data_sink {
    int (*post)(void *arg, const struct sfu_data_event *event);
    void *arg;
};

struct sfu_data_conf {
    const struct sfu_clock *clock; /* borrowed */
    unsigned workers;              /* 1..SFU_DATA_WORKERS_MAX */
    uint32_t max_peers;
    uint32_t message_max;                    /* bytes of a message, both ways */
    uint32_t send_bytes;                     /* that may wait for one reader, >= message_max */
    uint32_t bytes_per_s, bytes_burst;       /* of one sender, packets as they come */
    uint32_t messages_per_s, messages_burst; /* of one sender */
    uint32_t queue_bytes;                    /* of sends that wait for the thread */
    struct sfu_data_sink sink;
};

/* -EINVAL, -ENOMEM, -EEXIST while another exists, errno of eventfd. */
SFU_MUST_CHECK int sfu_data_create(const struct sfu_data_conf *conf, struct sfu_data **ret_data);
/* After stop, or without start; no worker may be running.  NULL is allowed. */
void sfu_data_destroy(struct sfu_data *d);
/* Before start: how a worker that has packets to read is woken.  Called on the sctp thread. */
void sfu_data_on_packets(struct sfu_data *d, void (*wake)(void *arg, unsigned worker), void *arg);
SFU_MUST_CHECK int sfu_data_start(struct sfu_data *d); /* errno of pthread_create */
void sfu_data_stop(struct sfu_data *d);
/* Any thread: monotonic time of the latest turn, for the watchdog. */
int64_t sfu_data_beat_us(const struct sfu_data *d);
/* One turn without waiting, in place of the thread: for tests.  Errors as sfu_loop_run_once. */
SFU_MUST_CHECK int sfu_data_turn(struct sfu_data *d);

/* --- a worker, for itself --- */

/* How fast one peer's packets may come.  The worker's: one that sends too fast must not fill the
 * ring that it shares with others.  All zero at first. */
struct sfu_data_gate {
    struct sfu_bucket bytes;
    uint32_t dropped;
};

/* A packet that came from the peer.  Seen by the sctp thread after the next publish. */
void sfu_data_put(struct sfu_data *d, unsigned worker, uint64_t peer, struct sfu_data_gate *gate,
                  const uint8_t *packet, size_t len, int64_t now_us);
void sfu_data_publish(struct sfu_data *d, unsigned worker); /* at the end of a turn */
/* The next packet to send; NULL: none.  Stays in place until release. */
const uint8_t *sfu_data_read(struct sfu_data *d, unsigned worker, uint64_t *ret_peer,
                             size_t *ret_len);
void sfu_data_release(struct sfu_data *d, unsigned worker);

/* --- control --- */

/* All: -ENOBUFS nothing was taken, call again later. */

/* The transport is up.  port, message_max: what the offer says (0: no limit but ours).  A peer that is
 * there already stays as it is. */
SFU_MUST_CHECK int sfu_data_open(struct sfu_data *d, uint64_t peer, unsigned worker, uint16_t port,
                                 uint32_t message_max);
/* The peer is gone.  Unknown ones change nothing. */
SFU_MUST_CHECK int sfu_data_close(struct sfu_data *d, uint64_t peer);

/* One message to some peers, in one heap block.  To a channel of the peer's own that is labelled as
 * the topic, without the line; else to one of ours, with it, if the peer reads them; else it is left
 * out. */
struct sfu_data_send {
    bool binary, lossy;
    uint16_t line_len; /* data begins with it */
    uint16_t topic_len;
    uint32_t peer_count;
    uint32_t len;
    uint64_t *peers; /* this and what follows: inside the block */
    char *topic;
    uint8_t *data;
};

SFU_MUST_CHECK struct sfu_data_send *sfu_data_send_create(uint32_t peer_count, uint16_t topic_len,
                                                          uint32_t len);
void sfu_data_send_destroy(struct sfu_data_send *send); /* NULL is allowed */
/* Takes the block on success. */
SFU_MUST_CHECK int sfu_data_send(struct sfu_data *d, struct sfu_data_send *send);

/* The three of them, as control is given them. */
struct sfu_data_ops {
    int (*open)(void *arg, uint64_t peer, unsigned worker, uint16_t port, uint32_t message_max);
    int (*close)(void *arg, uint64_t peer);
    int (*send)(void *arg, struct sfu_data_send *send);
    void *arg;
};

struct sfu_data_ops sfu_data_plane_ops(struct sfu_data *d);
