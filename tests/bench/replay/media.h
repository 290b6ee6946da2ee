/*
 * tests/bench/replay/media.h - the packets: VP8, Opus and reports as browsers send them, always the
 * same ones.
 *
 * Sealed with the client's keys and sent at once.
 */
#pragma once

#include "tests/bench/replay/client.h"
#include "tests/bench/replay/scenario.h"

enum {
    REPLAY_PT_OPUS = 111,
    REPLAY_PT_VP8 = 96,
    REPLAY_PT_RTX = 97,
    REPLAY_EXT_LEVEL = 1,
    REPLAY_EXT_TWCC = 3,
    REPLAY_EXT_MID = 4,
};

/* Key frame: the stream's first frame. */
void replay_send_video(struct replay_client *c, const struct replay_scenario *s);
void replay_send_audio(struct replay_client *c);
/* A sender report of the video, or a receiver report about the given SSRC. */
void replay_send_sr(struct replay_client *c, int64_t now_us);
void replay_send_rr(struct replay_client *c, uint32_t about);
