/*
 * tests/integration/edge/fixture.h - the real edge, a temporary web folder, and a control that does
 * what texts say.
 *
 * The control's functions run on the edge thread and answer through the edge's mailbox, as the real
 * one does. Texts: "accept", "close CODE REASON", "flood COUNT BYTES", "full" (nothing is taken any
 * more), everything else comes back.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "signaling/edge.h"

struct fixture {
    struct sig_edge *edge;
    struct sig_auth *auth;
    struct sfu_edge_ops ops;
    uint16_t port;
    char web[64];
    _Atomic unsigned opened, closed;
    _Atomic bool full;
    _Atomic uint64_t last_lane;
};

/* conf: NULL, or times, limits, origins … to use; the fixture sets clock, files, port and auth. */
void fixture_start(struct fixture *f, const struct sig_edge_conf *conf);
void fixture_stop(struct fixture *f);
/* The limits of the table with one changed; static storage. */
const uint32_t *fixture_limits(int limit, uint32_t value);

extern const struct CMUnitTest http_tests[];
extern const size_t http_test_count;
extern const struct CMUnitTest ws_tests[];
extern const size_t ws_test_count;
extern const struct CMUnitTest tls_tests[];
extern const size_t tls_test_count;
