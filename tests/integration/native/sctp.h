/*
 * tests/integration/native/sctp.h - one SCTP association over DTLS by usrsctp (RFC 8261).
 *
 * Main loop thread, as all of usrsctp's state in this process.  usrsctp knows an association by a
 * number in the place of an address (AF_CONN).  Written apart from sfu/transport/sctp.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_sctp;

struct nat_sctp_ops {
    void (*send)(void *arg, const uint8_t *packet, size_t len);
    void (*up)(void *arg);
    void (*down)(void *arg);
    void (*message)(void *arg, uint16_t stream, uint32_t ppid, const uint8_t *data, size_t len);
};

/* Begins at once; the other side may do so too. */
struct nat_sctp *nat_sctp_create(const struct nat_sctp_ops *ops, void *arg, uint16_t remote_port);
void nat_sctp_destroy(struct nat_sctp *s); /* ABORT; NULL is allowed */
void nat_sctp_input(struct nat_sctp *s, const uint8_t *packet, size_t len);
/* Nothing is read any longer: the window that the other side sees closes. */
void nat_sctp_stall(struct nat_sctp *s);

/* once: not repeated when it is lost, and out of order.  False: no room in the buffer. */
bool nat_sctp_send(struct nat_sctp *s, uint16_t stream, uint32_t ppid, bool once,
                   const uint8_t *data, size_t len);

/* Timers of all associations; every 5-10 ms. */
void nat_sctp_tick(int64_t now_us);
