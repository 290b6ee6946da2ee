/*
 * tests/integration/native/ws.h - a WebSocket client (RFC 6455) on the GLib main loop; text
 * messages only.
 *
 * Owned by its maker, main loop thread.  Plain TCP: the tests talk to this machine.
 */
#pragma once

#include <stdint.h>

struct nat_ws;

struct nat_ws_ops {
    void (*opened)(void *arg);
    void (*text)(void *arg, const char *text); /* one whole message */
    /* Last call, also when connecting failed (code 1006).  The object is destroyed by its owner. */
    void (*closed)(void *arg, uint16_t code, const char *reason);
};

/* Never NULL: errors come as closed(). */
struct nat_ws *nat_ws_connect(const char *host, uint16_t port, const char *path,
                              const char *protocol, const struct nat_ws_ops *ops, void *arg);
void nat_ws_send(struct nat_ws *ws, const char *text);
/* Cuts the connection.  Not from within a callback; NULL is allowed. */
void nat_ws_destroy(struct nat_ws *ws);
