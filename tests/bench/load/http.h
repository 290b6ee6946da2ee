/*
 * tests/bench/load/http.h - one HTTP/1.1 request and its answer on the tool's loop; plain TCP, a connection of its own.
 *
 * Owned by its client.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>

#include "sfu/base/attr.h"
#include "tests/bench/load/loop.h"

struct load_http;

struct load_http_request {
    const char *method, *path, *token; /* token: bearer */
    const char *type, *body;           /* NULL: no body */
};

enum { LOAD_HTTP_LOCATION = 256 };

struct load_http_answer {
    unsigned status;
    char location[LOAD_HTTP_LOCATION]; /* "" when there is none */
    const char *body;                  /* readable during the callback */
};

/* What has come of an answer.  0: it is whole; -EAGAIN: not yet; -EBADMSG: never will be one that this client
 * takes, which wants a length and nothing behind the body. */
SFU_MUST_CHECK int load_http_read(const char *text, size_t len,
                                  struct load_http_answer *ret_answer);

struct load_http_ops {
    void (*answered)(void *arg, const struct load_http_answer *answer);
    void (*failed)(void *arg, const char *why);
}; /* one of them, once; destroy it later */

struct load_http_conf {
    struct load_loop *loop;
    struct sockaddr_in server, source; /* source: INADDR_ANY lets the kernel choose */
    const char *host;
};

/* Never NULL: errors come as failed(), from within later turns.  Everything is copied but ops. */
struct load_http *load_http_send(const struct load_http_conf *conf,
                                 const struct load_http_request *request,
                                 const struct load_http_ops *ops, void *arg);
void load_http_destroy(struct load_http *http); /* not from within its callbacks; NULL is allowed */
