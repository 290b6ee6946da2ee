/*
 * sfu/transport/dtls_ctx.h - the inside of sfu_dtls_ctx, for dtls.c only.
 *
 * Immutable after create, except OpenSSL's own reference counts.
 */
#pragma once

#include <openssl/ssl.h>

#include "sfu/transport/dtls.h"

struct sfu_dtls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    char fingerprint[SFU_DTLS_FINGERPRINT_TEXT];
};

/* Does the certificate match?  In constant time. */
bool sfu_dtls_fingerprint_matches(const struct sfu_dtls_fingerprint *fp, const X509 *cert);

/* What an entry of OpenSSL's error queue says about a handshake.  In dtls_failure.c. */
enum sfu_dtls_failure sfu_dtls_failure_of(unsigned long error);

/* What a BIO of ctx->bio reads and writes; its data is the struct sfu_dtls.  In dtls.c. */
int sfu_dtls_bio_read(BIO *bio, char *buf, int len);
int sfu_dtls_bio_write(BIO *bio, const char *data, int len);
/* Called by OpenSSL with the peer's certificate; 1: accept.  In dtls.c. */
int sfu_dtls_verify(X509_STORE_CTX *store, void *arg);
