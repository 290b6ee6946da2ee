/*
 * tests/integration/edge/client.h - an HTTP and WebSocket client that does exactly what it is told,
 * right or wrong.
 *
 * Blocking sockets with a deadline per wait; a missed one fails the test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENT_WAIT_MS = 30000 }; /* for what must come, on however slow a machine */

struct client {
    int fd;
    uint8_t buf[1 << 20]; /* received and not yet taken */
    size_t len;
};

struct response {
    int status;
    char head[16384]; /* lines as they came */
    char body[1 << 19];
    size_t body_len;
};

struct frame {
    uint8_t opcode;
    bool fin;
    size_t len;
    uint8_t data[1 << 20];
};

enum { WS_CONT = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct client *client_open(const char *address, uint16_t port);
void client_close(struct client *c);
void client_send(struct client *c, const void *data,
                 size_t len); /* what the other side refuses is lost */
void client_sendf(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* False: the other side closed first. */
bool client_response(struct client *c, struct response *ret, bool head_only);
/* "" when there is no such header. */
const char *response_header(const struct response *r, const char *name);
/* True when the other side closes within ms without sending anything more. */
bool client_wait_close(struct client *c, int ms);

/* One request with Host and Connection: keep-alive; extra: further header lines. */
void client_request(struct client *c, const char *method, const char *path, const char *extra,
                    const char *body, struct response *ret);

bool ws_open(struct client *c, const char *extra);
void ws_send(struct client *c, uint8_t opcode, bool fin, const void *data, size_t len);
void ws_text(struct client *c, const char *text);
/* False: closed without a frame. */
bool ws_recv(struct client *c, struct frame *ret);
/* The code of the close frame that comes next, other frames skipped; 0: closed without one. */
int ws_close_code(struct client *c);
