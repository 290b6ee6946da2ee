/*
 * sfu/proto/dcep.h - the messages that open a data channel (DCEP, RFC 8832), read and written.
 *
 * Pure functions over byte buffers; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_DCEP_OPEN_HEAD = 12,
    SFU_DCEP_NAME_MAX = 255, /* bytes of a label, and of a protocol, that we take */
    SFU_DCEP_OPEN_MAX = SFU_DCEP_OPEN_HEAD + 2 * SFU_DCEP_NAME_MAX,
    SFU_DCEP_ACK_LEN = 1,
};

/* Payload protocol identifiers (RFC 8831, 8; RFC 8832, 8.1). */
enum sfu_dcep_ppid {
    SFU_PPID_DCEP = 50,
    SFU_PPID_TEXT = 51,
    SFU_PPID_BINARY = 53,
    SFU_PPID_TEXT_EMPTY = 56, /* one byte that stands for none */
    SFU_PPID_BINARY_EMPTY = 57,
};

enum sfu_dcep_reliability {
    SFU_DCEP_RELIABLE,
    SFU_DCEP_RETRANSMITS, /* at most limit times */
    SFU_DCEP_LIFETIME,    /* for at most limit ms */
};

enum sfu_dcep_kind { SFU_DCEP_OPEN, SFU_DCEP_ACK };

struct sfu_dcep_open {
    enum sfu_dcep_reliability reliability;
    bool unordered;
    uint16_t priority;
    uint32_t limit; /* 0 when reliable */
    uint16_t label_len, protocol_len;
    const uint8_t *label, *protocol; /* into the message; UTF-8 by the RFC, not checked here */
};

/* Which message this is.  -EBADMSG none that RFC 8832 knows, or a length that is not its own. */
SFU_MUST_CHECK int sfu_dcep_kind(const uint8_t *data, size_t len, enum sfu_dcep_kind *ret_kind);

/* DATA_CHANNEL_OPEN (5.1).  -EBADMSG: another message, an unknown channel type, lengths that do not
 * add up.  -EMSGSIZE: label or protocol longer than SFU_DCEP_NAME_MAX. */
SFU_MUST_CHECK int sfu_dcep_open_parse(const uint8_t *data, size_t len,
                                       struct sfu_dcep_open *ret_open);

/* The length written.  -EMSGSIZE a name is too long; -ENOBUFS more than cap. */
SFU_MUST_CHECK int sfu_dcep_open_write(const struct sfu_dcep_open *open, uint8_t *buf, size_t cap);
void sfu_dcep_ack_write(uint8_t buf[SFU_DCEP_ACK_LEN]);
