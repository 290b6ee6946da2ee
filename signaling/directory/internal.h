/*
 * signaling/directory/internal.h - what the files of the directory share.  Nobody else includes it.
 */
#pragma once

#include "signaling/directory/directory.h"
#include "signaling/directory/revoked.h"
#include "signaling/directory/schema.h"

struct sig_dir_keys {
    struct sig_dir_key items[SIG_DIR_MAX_KEYS];
    size_t count;
};

struct sig_dir {
    struct sig_dir_conf conf;
    struct chat_db *db;
    struct sig_dir_revoked *revoked;       /* control thread */
    struct sig_dir_streamkeys *streamkeys; /* control thread */
    struct sig_dir_key dev_key;
    struct sig_dir_keys file_keys;
    bool development;
    /* db thread */
    struct sig_dir_keys published;
    struct sig_dir_keys scratch;
    unsigned idle_turns;
};

/* -EBADMSG when the column is no text, -ENOBUFS when it does not fit. */
SFU_MUST_CHECK int sig_dir_copy_text(char *ret_buf, size_t size, const struct chat_db_value *v);

/* chat_db_run_fn. */
SFU_MUST_CHECK int sig_dir_list_keys(struct chat_db_tx *tx, void *keys);
SFU_MUST_CHECK int sig_dir_publish_keys(struct chat_db_tx *tx, void *dir);
void sig_dir_drop_disabled(struct sig_dir_keys *keys);
