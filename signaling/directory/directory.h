/*
 * signaling/directory/directory.h - the durable side of identity and rooms: tenants, keys, rooms,
 * revoked tokens, on chat/db.
 *
 * Created by the composition root before the threads start.  The functions of sig_dir_ops() belong
 * to the control thread, their answers come back through conf->post.  The others block: start-up
 * and tools.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/db/db.h"
#include "sfu/base/attr.h"
#include "sfu/base/clock.h"
#include "sfu/lane.h"

struct sig_dir; /* body in directory.c */

enum { SIG_DIR_KID_SIZE = 40, SIG_DIR_SECRET_BYTES = 32, SIG_DIR_MAX_KEYS = 256 };

#define SIG_DIR_DEFAULT_TENANT "tn_default"
#define SIG_DIR_DB_FILE "directory.db"
#define SIG_DIR_DEV_KEY_FILE "dev.key"

struct sig_dir_key {
    char kid[SIG_DIR_KID_SIZE]; /* "key_…", the development key's: "dev_…" */
    char tenant[32];
    uint8_t secret[SIG_DIR_SECRET_BYTES];
    int64_t created_us;
    int64_t disabled_us; /* 0: in use */
    bool development;
};

/* The keys in use, the whole set each time.  On the db thread: before open returns, and when they
 * changed (another process may have made or disabled one; noticed within 2 s). */
typedef void (*sig_dir_keys_fn)(void *arg, const struct sig_dir_key *keys, size_t count);

struct sig_dir_conf {
    const char *data_dir; /* made (0700) when create is set and it is missing */
    bool create;
    /* With no other key in use: make or read the development key.  Tools leave it out. */
    bool development;
    const char *keys_file; /* further keys, as sig_dir_read_jwks() reads them; NULL or "": none */
    const struct sfu_clock *clock;
    chat_db_post_fn post; /* to control.  NULL: only the blocking functions are used */
    void *post_arg;
    sig_dir_keys_fn keys_changed; /* may be NULL */
    void *keys_arg;
};

/* -ENOENT no data folder or database and create is false, or no keys_file; -EBADMSG keys_file or a
 * damaged database; -EPERM the development key's file is readable by others; errors of
 * chat_db_open(). */
SFU_MUST_CHECK int sig_dir_open(const struct sig_dir_conf *conf, struct sig_dir **ret_dir);
void sig_dir_close(struct sig_dir *dir); /* NULL is allowed; blocks until all is committed */

/* Control thread.  room_open also fails with -EINVAL when the name is not acceptable. */
struct sfu_directory_ops sig_dir_ops(struct sig_dir *dir);

/* True while the only key is the development key: the HTTP port must stay on loopback. */
bool sig_dir_development(const struct sig_dir *dir);

/* Blocking. */
SFU_MUST_CHECK int sig_dir_key_create(struct sig_dir *dir, struct sig_dir_key *ret_key);
/* -ENOENT.  Disabling twice keeps the first time. */
SFU_MUST_CHECK int sig_dir_key_disable(struct sig_dir *dir, const char *kid);
/* All keys of the database, disabled ones too, oldest first; *ret_count <= cap.  -ENOBUFS. */
SFU_MUST_CHECK int sig_dir_key_list(struct sig_dir *dir, struct sig_dir_key *ret_keys, size_t cap,
                                    size_t *ret_count);

/* The development key of a data folder.  make: creates the file (0600) when it is missing. -ENOENT,
 * -EPERM when others may read it, -EBADMSG when it is not a key file. */
SFU_MUST_CHECK int sig_dir_dev_key(const char *data_dir, bool make, int64_t wall_us,
                                   struct sig_dir_key *ret_key);
