#include "sfu/core/channels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"

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
    free(ch->label);
    *ch = (struct sfu_channel){.state = FREE};
}

void sfu_channels_fini(struct sfu_channels *c)
{
    for (size_t i = 0; i < SFU_SCTP_STREAMS; i++) {
        free_channel(&c->channel[i]);
    }
}

/* No messages either way from now on. */
static void not_open(struct sfu_channels *c, struct sfu_channel *ch, enum state state)
{
    ch->state = (uint8_t)state;
    ch->reset_due = true;
    c->resets++;
    c->open--;
    c->opened -= ch->label != NULL;
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

static int name(struct sfu_channels *c, struct sfu_channel *ch, const struct sfu_dcep_open *open)
{
    if (c->opened >= SFU_CHANNELS_OPENED_MAX || open->label_len > SFU_CHANNELS_LABEL_MAX ||
        !sfu_str_utf8_valid((const char *)open->label, open->label_len)) {
        return -ENOSPC;
    }
    ch->label = malloc(open->label_len + (size_t)1);
    if (!ch->label) {
        return -ENOMEM;
    }
    memcpy(ch->label, open->label, open->label_len);
    ch->label_len = (uint8_t)open->label_len;
    c->opened++;
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
    if (sfu_channels_negotiate(c, message->stream, open.unordered, &how) < 0) {
        return -EPROTO;
    }
    rc = name(c, &c->channel[message->stream], &open);
    if (rc < 0) {
        sfu_channels_close(c, message->stream);
    }
    return rc;
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
        not_open(c, ch, CLOSED);
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
        not_open(c, ch, CLOSING);
    }
}

bool sfu_channels_reset_due(const struct sfu_channels *c, uint16_t *ret_stream)
{
    for (uint16_t i = 0; c->resets > 0 && i < SFU_SCTP_STREAMS; i++) {
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
        c->resets--;
        if (ch->state == CLOSED) {
            free_channel(ch);
        }
    }
}

const char *sfu_channels_label(const struct sfu_channels *c, uint16_t stream, size_t *ret_len)
{
    if (stream >= SFU_SCTP_STREAMS || c->channel[stream].state != OPEN) {
        return NULL;
    }
    *ret_len = c->channel[stream].label_len;
    return c->channel[stream].label;
}

bool sfu_channels_find(const struct sfu_channels *c, const char *label, size_t len,
                       uint16_t *ret_stream)
{
    for (uint16_t i = 0; c->opened > 0 && i < SFU_SCTP_STREAMS; i++) {
        const struct sfu_channel *ch = &c->channel[i];
        if (ch->state == OPEN && ch->label && ch->label_len == len &&
            memcmp(ch->label, label, len) == 0) {
            *ret_stream = i;
            return true;
        }
    }
    return false;
}

bool sfu_channels_lossy(const struct sfu_channels *c, uint16_t stream)
{
    const struct sfu_channel *ch = stream < SFU_SCTP_STREAMS ? &c->channel[stream] : NULL;
    return ch && (ch->unordered || ch->how.limit_retransmits || ch->how.limit_lifetime);
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
