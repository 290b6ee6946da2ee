/*
 * tests/bench/load/dtls.h - the client side of DTLS-SRTP (RFC 5764) by OpenSSL; one context for all.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "tests/integration/native/dtls.h"

struct load_dtls_ctx; /* certificate and wanted profiles, shared by all peers */
struct load_dtls;

struct load_dtls_conf {
    void (*send)(void *arg, const uint8_t *data, size_t len);
    void (*up)(void *arg, const struct nat_dtls_keys *keys);
    void (*down)(void *arg, const char *why); /* failed, or close_notify came */
    void *arg;
};

/* profiles: OpenSSL's names with colons, the wanted one first. */
SFU_MUST_CHECK int load_dtls_ctx_create(const char *profiles, struct load_dtls_ctx **ret_ctx);
void load_dtls_ctx_destroy(struct load_dtls_ctx *ctx);
/* "AB:CD:…", SHA-256 */
const char *load_dtls_fingerprint(const struct load_dtls_ctx *ctx);

struct load_dtls *load_dtls_start(struct load_dtls_ctx *ctx, const char *expected,
                                  const struct load_dtls_conf *conf, int64_t now_ns);
void load_dtls_input(struct load_dtls *d, const uint8_t *data, size_t len, int64_t now_ns);
void load_dtls_tick(struct load_dtls *d, int64_t now_ns);
void load_dtls_destroy(struct load_dtls *d); /* says close_notify; NULL is allowed */
