/*
 * sfu/include/sfu/data.h - messages on data channels, as plugins see them.
 *
 * How they look on the wire is docs/protocol.md and the core's business.  Control thread; everything
 * is borrowed for the call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SFU_DATA_TO_MAX = 100, SFU_DATA_TOPIC_MAX = 128 };

/* A message that came from a session that may use data. */
struct sfu_data_message {
    uint64_t session, room;
    uint64_t participant;  /* 0: not joined */
    const char *topic;     /* valid UTF-8 without NUL; NULL: none was said */
    const char *const *to; /* ids of participants as the sender says them, not looked up … */
    size_t to_count;       /* … 0: to everybody else */
    bool binary;           /* false: data is valid UTF-8 */
    bool lossy;            /* it came, and is to leave, on a channel that may lose and reorder */
    const uint8_t *data;
    size_t len;
};

/* To whom it goes: host->data_send. */
struct sfu_data_out {
    const struct sfu_data_message *message;
    const char *from;         /* id of the participant that it is said to come from */
    bool direct;              /* not everybody gets it */
    const uint64_t *sessions; /* those without an open channel are passed over */
    size_t count;
};

/* Why a message is not passed on: host->data_refuse, `data.refused` to the sender. */
/* X(ID, error, field) */
#define SFU_DATA_REFUSALS(X)                                                                       \
    X(BYTES, RATE_LIMITED, "data_bytes_per_second")                                                \
    X(MESSAGES, RATE_LIMITED, "data_messages_per_second")                                          \
    X(FANOUT, RATE_LIMITED, "data_fanout_bytes_per_second")                                        \
    X(QUEUE, UNAVAILABLE, "data_queue_bytes")                                                      \
    X(LINE, INVALID_PARAM, "line")                                                                 \
    X(TOPIC, INVALID_PARAM, "topic")                                                               \
    X(TO, INVALID_PARAM, "to")                                                                     \
    X(PAYLOAD, INVALID_PARAM, "payload")                                                           \
    X(SIZE, TOO_LARGE, "data_message_bytes")                                                       \
    X(NOT_JOINED, NOT_JOINED, "")                                                                  \
    X(NOT_FOUND, NOT_FOUND, "to")

enum sfu_data_refusal {
#define SFU_DATA_REFUSAL_ROW(id, error, field) SFU_DATA_REFUSED_##id,
    SFU_DATA_REFUSALS(SFU_DATA_REFUSAL_ROW)
#undef SFU_DATA_REFUSAL_ROW
        SFU_DATA_REFUSALS_COUNT
};
