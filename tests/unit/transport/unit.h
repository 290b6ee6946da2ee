/*
 * tests/unit/transport/unit.h - cmocka with what it needs before it, in one include.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/base/attr.h"

/*
 * NSS, below libsrtp2, loads modules that stay.  LeakSanitizer knows the dynamic linker's
 * allocations by their caller, which here is the interposed malloc of tests/support/alloc_fail.c.
 */
SFU_EXPORT const char *__lsan_default_suppressions(void);

SFU_EXPORT const char *__lsan_default_suppressions(void)
{
    return "leak:dl_open_worker\n";
}
