/*
 * sfu/media/audiolevel.h - who speaks, from the levels that clients send (RFC 6464).
 *
 * One per room and worker that decides for it; a function of levels and time only.  Each
 * participant has a fast level (attack 100 ms, decay 300 ms, in dB) and a slow one (1.5 s).  It
 * speaks when the fast level passes -50 dBov and stops when it has been under -60 dBov for 1 s.
 * The list is ordered by the slow level; a participant passes the one before it only when it is 6
 * dB louder, so neighbours do not swap at each syllable.  A silent room is an empty list.  The
 * voice flag is not used: not all clients set it.
 *
 * No allocation after create.  Cost: 36 bytes per participant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_audiolevel; /* body in audiolevel.c */

#define SFU_AUDIOLEVEL_MAX 4096 /* participants */
#define SFU_AUDIOLEVEL_SILENCE 127

/* max: participants, 1..SFU_AUDIOLEVEL_MAX; they are indices 0..max-1, chosen by the caller.
 * 0; -EINVAL; -ENOMEM. */
SFU_MUST_CHECK int sfu_audiolevel_create(size_t max, struct sfu_audiolevel **ret_al);
void sfu_audiolevel_destroy(struct sfu_audiolevel *al); /* NULL is allowed */

/* One packet of participant `who` carried `level`: -dBov, 0 loudest .. 127 silence. */
void sfu_audiolevel_on_packet(struct sfu_audiolevel *al, size_t who, uint8_t level, int64_t now_us);

/* Muted, left, or somebody else has that index now. */
void sfu_audiolevel_reset(struct sfu_audiolevel *al, size_t who);

struct sfu_audiolevel_speaker {
    uint16_t who;
    uint8_t level; /* -dBov, smoothed */
    uint8_t rank;  /* the same over a longer time: the list's order */
};

/* Call at a steady pace (100..500 ms).  Writes at most cap speakers, loudest first, and returns
 * how many.  *ret_changed: the people or their order differ from the last call (levels aside). */
size_t sfu_audiolevel_update(struct sfu_audiolevel *al, int64_t now_us,
                             struct sfu_audiolevel_speaker *ret_list, size_t cap,
                             bool *ret_changed);
