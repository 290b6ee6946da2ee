/*
 * sfu/base/arena.h - bump allocator for one request: everything is freed at once.
 *
 * Owned by one thread; for control and edge, not for the path of a packet.
 */
#pragma once

#include <stddef.h>

#include "sfu/base/attr.h"

struct sfu_arena; /* body in arena.c */

/* block_bytes: 256..1 MiB, taken ahead; max_bytes bounds everything given out between resets.
 * -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int sfu_arena_create(size_t block_bytes, size_t max_bytes,
                                    struct sfu_arena **ret_arena);
void sfu_arena_destroy(struct sfu_arena *arena); /* NULL is allowed */
void sfu_arena_reset(struct sfu_arena *arena);   /* keeps the first block */

/* Zeroed, 16-aligned; NULL when max_bytes is reached or memory is out. */
void *sfu_arena_alloc(struct sfu_arena *arena, size_t size);
/* A copy of len bytes with a NUL behind. */
char *sfu_arena_strndup(struct sfu_arena *arena, const char *s, size_t len);
char *sfu_arena_printf(struct sfu_arena *arena, const char *fmt, ...) SFU_PRINTF(2, 3);
size_t sfu_arena_used(const struct sfu_arena *arena);
