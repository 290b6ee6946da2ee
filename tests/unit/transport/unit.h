/*
 * tests/unit/transport/unit.h - cmocka with what it needs before it, in one include.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
