/*
 * The same as fuzz_router.c with the peers on two workers, whose ring is full now and then.
 */
#define FUZZ_WORKERS 2
#include "tests/fuzz/fuzz_router.c"
