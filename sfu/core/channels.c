#include "sfu/core/channels.h"

#include <errno.h>

enum state {
    FREE,
    OPEN,
    CLOSING, /* by us: the peer's half is still open */
    CLOSED,  /* by the peer: ours is due */
};

/* What is sent for a message without bytes, which SCTP cannot carry. */
static const uint8_t empty[1];

void sfu_channels_init(struct sfu_channels *c)
{
    *c = (struct sfu_channels){0};
}

static struct sfu_channel *channel_of(struct sfu_channels *c, uint16_t stream)
{
    return stream < SFU_SCTP_STREAMS ? &c->channel[stream] : NULL;
}

static void free_channel(struct sfu_channel *ch)
{
    *ch = (struct sfu_channel){.state = FREE};
}

int sfu_channels_negotiate(struct sfu_channels *c, uint16_t stream, bool unordered,
                           const struct sfu_sctp_how *how)
{
    struct sfu_channel *ch = channel_of(c, stream);
    if (!ch) {
        return -EINVAL;
    }
    if (ch->state != FREE) {
        return -EEXIST;
    }
    *ch = (struct sfu_channel){.state = OPEN, .unordered = unordered, .how = *how};
    c->open++;
    return 0;
}

static int on_open(struct sfu_channels *c, const struct sfu_sctp_message *message)
{
    struct sfu_dcep_open open;
    int rc = sfu_dcep_open_parse(message->data, message->len, &open);
    if (rc < 0) {
        return rc;
    }
    const struct sfu_sctp_how how = {
        .limit_retransmits = open.reliability == SFU_DCEP_RETRANSMITS,
        .limit_lifetime = open.reliability == SFU_DCEP_LIFETIME,
        .limit = open.limit,
    };
    return sfu_channels_negotiate(c, message->stream, open.unordered, &how) < 0 ? -EPROTO : 0;
}

static int on_dcep(struct sfu_channels *c, const struct sfu_sctp_message *message,
                   enum sfu_channels_seen *ret_seen)
{
    enum sfu_dcep_kind kind;
    int rc = sfu_dcep_kind(message->data, message->len, &kind);
    if (rc == 0 && kind == SFU_DCEP_OPEN) {
        rc = on_open(c, message);
    }
    if (rc == 0) {
        *ret_seen = kind == SFU_DCEP_OPEN ? SFU_CHANNELS_OPENED : SFU_CHANNELS_ACKED;
    }
    return rc;
}

static const struct {
    uint32_t ppid;
    enum sfu_channels_seen seen;
    bool none; /* its byte stands for none */
} kinds[] = {
    {SFU_PPID_TEXT, SFU_CHANNELS_TEXT, false},
    {SFU_PPID_BINARY, SFU_CHANNELS_BINARY, false},
    {SFU_PPID_TEXT_EMPTY, SFU_CHANNELS_TEXT, true},
    {SFU_PPID_BINARY_EMPTY, SFU_CHANNELS_BINARY, true},
};

int sfu_channels_on_message(struct sfu_channels *c, const struct sfu_sctp_message *message,
                            enum sfu_channels_seen *ret_seen, size_t *ret_len)
{
    if (message->ppid == SFU_PPID_DCEP) {
        return on_dcep(c, message, ret_seen);
    }
    const struct sfu_channel *ch = channel_of(c, message->stream);
    if (!ch || ch->state != OPEN) {
        return -EPROTO;
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(kinds); i++) {
        if (kinds[i].ppid == message->ppid) {
            *ret_seen = kinds[i].seen;
            *ret_len = kinds[i].none ? 0 : message->len;
            return 0;
        }
    }
    return -ENOTSUP;
}

void sfu_channels_on_reset(struct sfu_channels *c, uint16_t stream)
{
    struct sfu_channel *ch = channel_of(c, stream);
    if (ch && ch->state == OPEN) {
        ch->state = CLOSED;
        ch->reset_due = true;
        c->open--;
    } else if (ch && ch->state == CLOSING) {
        if (ch->reset_due) {
            ch->state = CLOSED;
        } else {
            free_channel(ch);
        }
    }
}

void sfu_channels_close(struct sfu_channels *c, uint16_t stream)
{
    struct sfu_channel *ch = channel_of(c, stream);
    if (ch && ch->state == OPEN) {
        ch->state = CLOSING;
        ch->reset_due = true;
        c->open--;
    }
}

bool sfu_channels_reset_due(const struct sfu_channels *c, uint16_t *ret_stream)
{
    for (uint16_t i = 0; i < SFU_SCTP_STREAMS; i++) {
        if (c->channel[i].reset_due) {
            *ret_stream = i;
            return true;
        }
    }
    return false;
}

void sfu_channels_reset_sent(struct sfu_channels *c, uint16_t stream)
{
    struct sfu_channel *ch = channel_of(c, stream);
    if (ch && ch->reset_due) {
        ch->reset_due = false;
        if (ch->state == CLOSED) {
            free_channel(ch);
        }
    }
}

int sfu_channels_message(const struct sfu_channels *c, uint16_t stream, bool binary,
                         const uint8_t *data, size_t len, struct sfu_sctp_message *ret_message,
                         struct sfu_sctp_how *ret_how)
{
    if (stream >= SFU_SCTP_STREAMS || c->channel[stream].state != OPEN) {
        return -EPROTO;
    }
    static const uint32_t ppids[2][2] = {{SFU_PPID_TEXT, SFU_PPID_TEXT_EMPTY},
                                         {SFU_PPID_BINARY, SFU_PPID_BINARY_EMPTY}};
    *ret_message = (struct sfu_sctp_message){
        .stream = stream,
        .ppid = ppids[binary][len == 0],
        .unordered = c->channel[stream].unordered,
        .data = len == 0 ? empty : data,
        .len = len == 0 ? sizeof(empty) : len,
    };
    *ret_how = c->channel[stream].how;
    return 0;
}
