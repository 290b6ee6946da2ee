/*
 * tests/unit/media/fail_calloc.h - makes the n-th allocation of the source that is included after
 * it fail, and counts what is not freed.
 */
#pragma once

#include <stdlib.h>

static int fail_calloc_at; /* 1: the next one; 0: none */
static int fail_calloc_live;

static void *fail_calloc(size_t n, size_t size)
{
    if (fail_calloc_at > 0 && --fail_calloc_at == 0) {
        return NULL;
    }
    void *p = calloc(n, size);
    fail_calloc_live += p != NULL;
    return p;
}

static void fail_free(void *p)
{
    fail_calloc_live -= p != NULL;
    free(p);
}

#define calloc fail_calloc
#define free fail_free
