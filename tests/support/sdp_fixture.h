/*
 * tests/support/sdp_fixture.h - files of tests/corpus/sdp, and an answer policy with fixed numbers.
 */
#pragma once

#include <stddef.h>

#include "sfu/core/answer.h"

#define SDP_CORPUS STOA_SOURCE_DIR "/tests/corpus/sdp/"

/* A NUL-terminated malloc'ed copy; NULL when it cannot be read. */
char *test_sdp_read(const char *path, size_t *ret_len);

/* All grants, two candidates, SSRCs 1000, 1001 … counted in *ssrc. */
void test_sdp_policy(struct sfu_answer_policy *policy, uint32_t *ssrc);
