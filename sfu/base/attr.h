/*
 * sfu/base/attr.h - compiler attributes under one name each, for gcc and clang.
 */
#pragma once

#define SFU_MUST_CHECK __attribute__((warn_unused_result))
#define SFU_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define SFU_EXPORT __attribute__((visibility("default")))
#define SFU_COLD __attribute__((cold))
#define SFU_UNUSED __attribute__((unused))
#define SFU_LIKELY(x) __builtin_expect(!!(x), 1)
#define SFU_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define SFU_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SFU_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
