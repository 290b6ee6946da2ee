/*
 * sfu/base/arena.c - a chain of blocks; the newest is filled.
 */
#include "sfu/base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, BLOCK_MIN = 256, BLOCK_MAX = 1 << 20 };

struct block {
    struct block *older;
    size_t size, used;
    _Alignas(ALIGN) uint8_t bytes[];
};

struct sfu_arena {
    struct block *newest; /* the oldest is of block_bytes and lives as long as the arena */
    size_t block_bytes, max_bytes, used;
};

static struct block *block_create(size_t size, struct block *older)
{
    struct block *b = malloc(sizeof *b + size);
    if (b) {
        b->older = older;
        b->size = size;
        b->used = 0;
    }
    return b;
}

int sfu_arena_create(size_t block_bytes, size_t max_bytes, struct sfu_arena **ret_arena)
{
    if (block_bytes < BLOCK_MIN || block_bytes > BLOCK_MAX || max_bytes > SIZE_MAX / 2) {
        return -EINVAL;
    }
    struct sfu_arena *arena = calloc(1, sizeof *arena);
    if (!arena) {
        return -ENOMEM;
    }
    arena->block_bytes = block_bytes;
    arena->max_bytes = max_bytes;
    arena->newest = block_create(block_bytes, NULL);
    if (!arena->newest) {
        free(arena);
        return -ENOMEM;
    }
    *ret_arena = arena;
    return 0;
}

void sfu_arena_reset(struct sfu_arena *arena)
{
    while (arena->newest->older) {
        struct block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->newest->used = 0;
    arena->used = 0;
}

void sfu_arena_destroy(struct sfu_arena *arena)
{
    if (arena) {
        sfu_arena_reset(arena);
        free(arena->newest);
        free(arena);
    }
}

void *sfu_arena_alloc(struct sfu_arena *arena, size_t size)
{
    if (size > arena->max_bytes) {
        return NULL;
    }
    size_t need = size > 0 ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (need > arena->max_bytes - arena->used || arena->used > arena->max_bytes) {
        return NULL;
    }
    struct block *b = arena->newest;
    if (need > b->size - b->used) {
        b = block_create(need > arena->block_bytes ? need : arena->block_bytes, b);
        if (!b) {
            return NULL;
        }
        arena->newest = b;
    }
    void *p = b->bytes + b->used;
    b->used += need;
    arena->used += need;
    return memset(p, 0, need);
}

char *sfu_arena_strndup(struct sfu_arena *arena, const char *s, size_t len)
{
    char *copy = len < SIZE_MAX ? sfu_arena_alloc(arena, len + 1) : NULL;
    if (copy && len > 0) {
        memcpy(copy, s, len);
    }
    return copy;
}

char *sfu_arena_printf(struct sfu_arena *arena, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : sfu_arena_alloc(arena, (size_t)n + 1);
    if (text) {
        va_start(ap, fmt);
        (void)vsnprintf(text, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    return text;
}

size_t sfu_arena_used(const struct sfu_arena *arena)
{
    return arena->used;
}
