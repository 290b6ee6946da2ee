/*
 * sfu/core/channels.h - the data channels of one peer: which streams are open, how each is sent on,
 * and what a message that came means (RFC 8831, 6; RFC 8832).
 *
 * Pure state machine but for malloc of labels.  One per SCTP association, owned and used by the
 * thread that owns it.  The server opens no channel by itself: the peer does (DCEP), or both know it
 * beforehand (negotiated).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/proto/dcep.h"
#include "sfu/transport/sctp.h"

enum {
    SFU_CHANNELS_OPENED_MAX = 16, /* by the peer, at once */
    SFU_CHANNELS_LABEL_MAX = 128, /* bytes */
};

struct sfu_channel {
    uint8_t state; /* of channels.c */
    bool unordered;
    bool reset_due;    /* our half waits to be closed */
    uint8_t label_len; /* of a channel that the peer has opened … */
    char *label;       /* … not NULL then; not terminated */
    struct sfu_sctp_how how;
};

struct sfu_channels {
    struct sfu_channel channel[SFU_SCTP_STREAMS];
    uint32_t open;   /* how many */
    uint32_t opened; /* of those: by the peer */
    uint32_t resets; /* channels whose half of ours waits to be closed */
};

enum sfu_channels_seen {
    SFU_CHANNELS_OPENED, /* answer with an ACK, reliable and ordered */
    SFU_CHANNELS_ACKED,  /* nothing to do */
    SFU_CHANNELS_TEXT,
    SFU_CHANNELS_BINARY,
};

void sfu_channels_init(struct sfu_channels *c);
void sfu_channels_fini(struct sfu_channels *c);

/* A channel that is there without DCEP.  -EINVAL a stream beyond ours; -EEXIST in use. */
SFU_MUST_CHECK int sfu_channels_negotiate(struct sfu_channels *c, uint16_t stream, bool unordered,
                                          const struct sfu_sctp_how *how);

/* A message that came; of TEXT and BINARY ret_len is what the user sent, 0 for the empty ones.
 * -EPROTO no such channel, or it exists already; -ENOTSUP another PPID; else as
 * sfu_dcep_open_parse.  Nothing changes then, and the message is to be dropped.  -ENOSPC too many
 * channels or too long a label, -ENOMEM: the new channel is to be closed (sfu_channels_reset_due). */
SFU_MUST_CHECK int sfu_channels_on_message(struct sfu_channels *c,
                                           const struct sfu_sctp_message *message,
                                           enum sfu_channels_seen *ret_seen, size_t *ret_len);

/* The peer has closed its half; ours is due then, if it was open. */
void sfu_channels_on_reset(struct sfu_channels *c, uint16_t stream);
/* We close: no more messages either way.  A stream that is not open stays as it is. */
void sfu_channels_close(struct sfu_channels *c, uint16_t stream);

/* A stream whose half of ours is to be reset now; false: none.  The same one until _reset_sent. */
bool sfu_channels_reset_due(const struct sfu_channels *c, uint16_t *ret_stream);
void sfu_channels_reset_sent(struct sfu_channels *c, uint16_t stream);

/* Of an open channel that the peer has opened; NULL: another. */
const char *sfu_channels_label(const struct sfu_channels *c, uint16_t stream, size_t *ret_len);
/* The first such channel of that label; false: none. */
bool sfu_channels_find(const struct sfu_channels *c, const char *label, size_t len,
                       uint16_t *ret_stream);
/* May what is sent on it come late or not at all? */
bool sfu_channels_lossy(const struct sfu_channels *c, uint16_t stream);

/* How a user's message of len bytes (data is not looked at when it is 0) goes out on an open
 * channel.  -EPROTO not open. */
SFU_MUST_CHECK int sfu_channels_message(const struct sfu_channels *c, uint16_t stream, bool binary,
                                        const uint8_t *data, size_t len,
                                        struct sfu_sctp_message *ret_message,
                                        struct sfu_sctp_how *ret_how);
