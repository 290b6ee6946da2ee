/*
 * tests/bench/load/ws.h - a WebSocket client (RFC 6455) on the tool's loop; text messages only, plain TCP.
 *
 * Owned by its client.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "tests/bench/load/loop.h"

struct load_ws;

struct load_ws_ops {
    void (*opened)(void *arg);
    void (*text)(void *arg, const char *text, size_t len); /* one whole message */
    void (*closed)(void *arg, const char *why);            /* last call; destroy it later */
};

struct load_ws_conf {
    struct load_loop *loop;
    struct sockaddr_in server, source; /* source: INADDR_ANY lets the kernel choose */
    const char *host, *path, *protocol;
};

/* Never NULL: errors come as closed(), from within later turns. */
struct load_ws *load_ws_connect(const struct load_ws_conf *conf, const struct load_ws_ops *ops,
                                void *arg);
void load_ws_send(struct load_ws *ws, const char *text);
void load_ws_destroy(struct load_ws *ws); /* not from within its own callbacks; NULL is allowed */
