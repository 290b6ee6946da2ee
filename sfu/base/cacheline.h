/*
 * sfu/base/cacheline.h - memory that is cold when a packet needs it.
 *
 * Between two packets of a stream hundreds of other objects pass through the cache; what the next one
 * needs is asked for early, and lies together.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SFU_CACHELINE = 64 };

/* Asks for size bytes from p on; NULL is allowed.  Changes nothing but time. */
static inline void sfu_prefetch(const void *p, size_t size)
{
    for (size_t at = 0; p && at < size; at += SFU_CACHELINE) {
        __builtin_prefetch((const char *)p + at);
    }
}

/* Zeroed, from the start of a cache line on.  NULL when there is no memory; free() gives it back. */
static inline void *sfu_cacheline_calloc(size_t size)
{
    size_t whole = (size + SFU_CACHELINE - 1) / SFU_CACHELINE * SFU_CACHELINE;
    void *p = aligned_alloc(SFU_CACHELINE, whole);
    return p ? memset(p, 0, whole) : NULL;
}
