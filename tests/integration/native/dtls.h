/*
 * tests/integration/native/dtls.h - the client side of DTLS-SRTP by OpenSSL, on the GLib main loop.
 *
 * Written apart from sfu/transport/dtls.c on purpose: two ends by the same hand would agree on the
 * same mistake.
 */
#pragma once

#include <srtp2/srtp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_dtls_keys {
    srtp_profile_t profile;
    uint8_t local[64], remote[64]; /* key and salt */
};

struct nat_dtls_ops {
    void (*send)(void *arg, const uint8_t *data, size_t len);
    void (*up)(void *arg, const struct nat_dtls_keys *keys);
    void (*down)(void *arg, const char *why);                 /* failed, or close_notify came */
    void (*data)(void *arg, const uint8_t *data, size_t len); /* of the application */
};

struct nat_dtls;

/* "AB:CD:…", SHA-256, of the certificate that all clients of this process use. */
const char *nat_dtls_fingerprint(void);

/* expected: the server's fingerprint in the same form.  profiles: OpenSSL's names, or NULL for GCM
 * and CM. */
struct nat_dtls *nat_dtls_start(const char *expected, const char *profiles,
                                const struct nat_dtls_ops *ops, void *arg);
void nat_dtls_input(struct nat_dtls *d, const uint8_t *data, size_t len);
void nat_dtls_send(struct nat_dtls *d, const uint8_t *data, size_t len); /* once it is up */
void nat_dtls_destroy(struct nat_dtls *d); /* sends close_notify; NULL is allowed */
