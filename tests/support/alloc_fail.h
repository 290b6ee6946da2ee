/*
 * tests/support/alloc_fail.h - runs a piece of code with its first, second, third … allocation
 * failing.
 *
 * Linked into every test program: malloc, calloc, realloc, aligned_alloc and strdup are interposed
 * and pass on to the sanitizer's or glibc's, so leak checks work as usual.  Only allocations of the
 * calling thread count, and of those only the ones made by code of the program itself (not by
 * shared libraries) unless ALLOC_FAIL_ALL asks for both.
 */
#pragma once

#include <stdbool.h>

enum alloc_fail_scope { ALLOC_FAIL_OWN, ALLOC_FAIL_ALL };

/* The n-th allocation from now on fails, once; n = 0 switches it off. */
void alloc_fail_arm(unsigned n, enum alloc_fail_scope scope);
/* Switches it off; true when an allocation did fail. */
bool alloc_fail_disarm(void);

/* What is tested: 0 on success, negative errno on failure; leaves nothing behind in either case. */
typedef int (*alloc_fail_fn)(void *arg);

/*
 * Calls fn with allocation 1, 2, 3 … failing until a run needs no more.  Fails the cmocka test when
 * a run with a failed allocation reports success, when the last run does not succeed, or when fn
 * allocates nothing.
 */
void alloc_fail_run(alloc_fail_fn fn, void *arg, enum alloc_fail_scope scope);

#define TEST_WITH_FAILING_ALLOCS(fn, arg) alloc_fail_run((fn), (arg), ALLOC_FAIL_OWN)
