/*
 * tests/bench/load/alloc.h - memory for a tool that cannot go on without it.
 */
#pragma once

#include <stddef.h>

/* Zeroed; ends the program when there is none.  free() gives it back. */
void *load_alloc(size_t count, size_t bytes);
char *load_strdup(const char *text);
/* The printf of formats; free() the result. */
char *load_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
