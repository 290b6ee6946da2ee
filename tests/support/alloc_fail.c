/*
 * tests/support/alloc_fail.c - see alloc_fail.h.
 */
#include "tests/support/alloc_fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_ALLOCATIONS = 100000 };

/* these run before the sanitizer's own start */
#ifdef __clang__
#define UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#else
#define UNINSTRUMENTED __attribute__((no_sanitize("thread", "address", "undefined")))
#endif
#define ALLOCATOR UNINSTRUMENTED __attribute__((visibility("default")))

/* The allocator below: a sanitizer's where one is linked, else the next in load order (glibc's,
 * which valgrind replaces). */
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *p, size_t size) __attribute__((weak));
void *__interceptor_aligned_alloc(size_t align, size_t size) __attribute__((weak));
extern const char __executable_start, etext; /* by the linker */

static _Thread_local struct {
    unsigned left; /* 0: off */
    bool failed;
    enum alloc_fail_scope scope;
} state;

void alloc_fail_arm(unsigned n, enum alloc_fail_scope scope)
{
    state.left = n;
    state.failed = false;
    state.scope = scope;
}

bool alloc_fail_disarm(void)
{
    state.left = 0;
    return state.failed;
}

UNINSTRUMENTED static bool fails_now(const void *caller)
{
    if (state.left == 0) {
        return false;
    }
    uintptr_t at = (uintptr_t)caller;
    bool own = at >= (uintptr_t)&__executable_start && at < (uintptr_t)&etext;
    if ((!own && state.scope == ALLOC_FAIL_OWN) || --state.left > 0) {
        return false;
    }
    state.failed = true;
    errno = ENOMEM;
    return true;
}

#define FAIL_IF_TOLD()                                                                             \
    do {                                                                                           \
        if (fails_now(__builtin_return_address(0))) {                                              \
            return NULL;                                                                           \
        }                                                                                          \
    } while (0)

/* one definition per allocator of how to get at the one below; racing threads store the same value
 */
#define BELOW(name)                                                                                \
    static _Atomic(uintptr_t) next;                                                                \
    uintptr_t fn = __interceptor_##name ? (uintptr_t)&__interceptor_##name : next;                 \
    if (fn == 0) {                                                                                 \
        fn = (uintptr_t)dlsym(RTLD_NEXT, #name);                                                   \
        next = fn;                                                                                 \
    }

ALLOCATOR void *malloc(size_t size)
{
    FAIL_IF_TOLD();
    BELOW(malloc)
    return ((void *(*)(size_t))fn)(size);
}

ALLOCATOR void *calloc(size_t n, size_t size)
{
    FAIL_IF_TOLD();
    BELOW(calloc)
    return ((void *(*)(size_t, size_t))fn)(n, size);
}

ALLOCATOR void *realloc(void *p, size_t size)
{
    FAIL_IF_TOLD();
    BELOW(realloc)
    return ((void *(*)(void *, size_t))fn)(p, size);
}

ALLOCATOR void *aligned_alloc(size_t align, size_t size)
{
    FAIL_IF_TOLD();
    BELOW(aligned_alloc)
    return ((void *(*)(size_t, size_t))fn)(align, size);
}

/* libc's own would call malloc from inside a shared library, which does not count */
ALLOCATOR char *strndup(const char *s, size_t most)
{
    FAIL_IF_TOLD();
    BELOW(malloc)
    size_t len = strnlen(s, most);
    char *copy = ((void *(*)(size_t))fn)(len + 1);
    if (copy) {
        memcpy(copy, s, len);
        copy[len] = '\0';
    }
    return copy;
}

ALLOCATOR char *strdup(const char *s)
{
    FAIL_IF_TOLD();
    BELOW(malloc)
    size_t size = strlen(s) + 1;
    char *copy = ((void *(*)(size_t))fn)(size);
    return copy ? memcpy(copy, s, size) : NULL;
}

void alloc_fail_run(alloc_fail_fn fn, void *arg, enum alloc_fail_scope scope)
{
    for (unsigned n = 1; n < MOST_ALLOCATIONS; n++) {
        alloc_fail_arm(n, scope);
        int err = fn(arg);
        if (!alloc_fail_disarm()) {
            if (err != 0) {
                fail_msg("without a failing allocation: %d", err);
            }
            if (n == 1) {
                fail_msg("allocates nothing: the test proves nothing");
            }
            return;
        }
        if (err >= 0) {
            fail_msg("allocation %u failed, the function reported %d", n, err);
        }
    }
    fail_msg("more than %u allocations", (unsigned)MOST_ALLOCATIONS);
}
