/*
 * signaling/directory/streamkeys.h - stream keys in memory, so that asking costs no query, and the
 * jobs that keep them.
 *
 * Owned by the control thread (filled before it starts).  Bounded.  Of a key only its SHA-256 is
 * known: it is random, so nobody can try texts until one fits.
 */
#pragma once

#include "chat/db/db.h"
#include "sfu/lane.h"

enum { SIG_DIR_STREAMKEYS_MAX = 4096 };

struct sig_dir;
struct sig_dir_streamkeys; /* body in streamkeys.c */

SFU_MUST_CHECK int sig_dir_streamkeys_create(struct sig_dir_streamkeys **ret_set);
/* NULL is allowed.  Jobs that were not answered yet keep it until they are. */
void sig_dir_streamkeys_destroy(struct sig_dir_streamkeys *set);
/* Inside a job, before the control thread starts.  Of more than SIG_DIR_STREAMKEYS_MAX the newest
 * are refused, and the log says so. */
SFU_MUST_CHECK int sig_dir_streamkeys_load(struct chat_db_tx *tx, struct sig_dir_streamkeys *set);
/* Is it a key that is in use? */
bool sig_dir_streamkeys_has(const struct sig_dir_streamkeys *set, const char *id);
/* Fills its part of the table. */
void sig_dir_streamkeys_ops(struct sfu_directory_ops *ops);
