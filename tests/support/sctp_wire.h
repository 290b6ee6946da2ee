/*
 * tests/support/sctp_wire.h - two ends in the one SCTP stack of the process, and a wire between them.
 *
 * Time is the test's, the stack's own time of day too.  The hooks are the test's: what its output
 * hook carries arrives at the other end in the order of sending, what it does not is lost.
 */
#pragma once

#include "sfu/proto/sctp_packet.h"
#include "sfu/transport/sctp.h"

/* The ends. */
#define WIRE_A 0x0100000100000001u
#define WIRE_B 0x0200000100000002u

enum {
    WIRE_PACKETS = 4096, /* that are under way; what finds no room is lost */
    WIRE_ASSOCS = 4096,  /* at a time */
    WIRE_MESSAGE_MAX = 65536,
    WIRE_SEND_BYTES = 131072,
};

struct wire_packet {
    uint64_t to;
    size_t len;
    uint8_t data[SFU_SCTP_PACKET_MAX];
};

struct wire {
    struct sfu_sctp *s;
    struct wire_packet *queue;
    size_t head, tail;
    int64_t now_us;
    uint32_t too_late; /* packets for an end that was gone */
};

/* Makes the stack; hooks and arg go to it.  Like all of these, fails the test when it cannot. */
void wire_init(struct wire *w, const struct sfu_sctp_hooks *hooks, void *arg);
void wire_fini(struct wire *w);
/* Opens both ends and runs. */
void wire_connect(struct wire *w, int ms);
/* A packet that the end sent. */
void wire_carry(struct wire *w, uint64_t from, const uint8_t *packet, size_t len);
void wire_run(struct wire *w, int ms);
