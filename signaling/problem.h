/*
 * signaling/problem.h - an error as a problem document (RFC 9457).
 *
 * Pure; any thread.
 */
#pragma once

#include "sfu/base/str.h"
#include "sfu/err.h"

#define SIG_PROBLEM_TYPE "application/problem+json"

/* {"title","status","code","retryable"} and, where they say something, "detail", "field",
 * "retry_after_ms".  The type member is left out: about:blank, the code says more than a URL could.
 */
void sig_problem_write(struct sfu_str *s, const struct sfu_error *error);
