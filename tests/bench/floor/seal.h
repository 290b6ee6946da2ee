/*
 * tests/bench/floor/seal.h - encryption and tag of one packet with kept OpenSSL contexts, as SRTP
 * costs it; not SRTP (keys and counters are made up).
 *
 * One object per destination, used by one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FLOOR_TAG = 16 };

struct floor_seal;

struct floor_seal *floor_seal_create(bool cm); /* aborts when OpenSSL fails */
void floor_seal_destroy(struct floor_seal *s);
/* Returns the length written: head, sealed payload, tag. */
size_t floor_seal_run(struct floor_seal *s, const uint8_t *head, size_t head_len,
                      const uint8_t *payload, size_t len, uint8_t *out);
