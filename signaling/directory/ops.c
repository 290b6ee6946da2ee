#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "signaling/directory/internal.h"
#include "signaling/directory/name.h"
#include "signaling/directory/streamkeys.h"

/* ---- rooms ---- */

struct room_job {
    struct sfu_room_record room;
    sfu_room_done_fn done;
    void *arg;
    bool found;
};

static int take_room(void *arg, const struct chat_db_value *cols, size_t count)
{
    struct room_job *job = arg;
    if (count != 5) {
        return -EBADMSG;
    }
    job->found = true;
    job->room.locked = cols[3].i != 0;
    job->room.max_participants = (uint32_t)cols[4].i;
    return sig_dir_copy_text(job->room.id, sizeof job->room.id, &cols[0]);
}

static int open_room(struct chat_db_tx *tx, void *arg)
{
    struct room_job *job = arg;
    struct chat_db_value find[] = {chat_db_text(job->room.tenant), chat_db_text(job->room.name)};
    int err = chat_db_exec(tx, SIG_DIR_ROOM_FIND, find, SFU_ARRAY_LEN(find), take_room, job, NULL);
    if (err || job->found) {
        return err;
    }
    int64_t wall_us = chat_db_wall_us(tx);
    sfu_id_make("rm", wall_us, job->room.id);
    struct chat_db_value add[] = {chat_db_text(job->room.id), find[0], find[1],
                                  chat_db_int(wall_us)};
    return chat_db_exec(tx, SIG_DIR_ROOM_ADD, add, SFU_ARRAY_LEN(add), NULL, NULL, NULL);
}

static void room_opened(void *arg, int err)
{
    struct room_job *job = arg;
    job->done(job->arg, err, err ? NULL : &job->room);
    free(job);
}

static int op_room_open(void *self, const char *tenant, const char *name, sfu_room_done_fn done,
                        void *arg)
{
    struct sig_dir *dir = self;
    struct room_job *job = calloc(1, sizeof *job);
    if (!job) {
        return -ENOMEM;
    }
    job->done = done;
    job->arg = arg;
    int err =
        sig_dir_name(name, strlen(name), SFU_ROOM_NAME_BYTES, job->room.name) ||
                sfu_str_copy(job->room.tenant, sizeof job->room.tenant, tenant, strlen(tenant))
            ? -EINVAL
            : chat_db_submit(dir->db, open_room, room_opened, job);
    if (err) {
        free(job);
    }
    return err;
}

static int lock_room(struct chat_db_tx *tx, void *arg)
{
    struct room_job *job = arg;
    struct chat_db_value params[] = {chat_db_int(job->room.locked), chat_db_text(job->room.id)};
    int64_t changes = 0;
    int err =
        chat_db_exec(tx, SIG_DIR_ROOM_LOCK, params, SFU_ARRAY_LEN(params), NULL, NULL, &changes);
    return err || changes == 1 ? err : -ENOENT;
}

static void room_locked(void *arg, int err)
{
    struct room_job *job = arg;
    if (err) {
        SFU_LOG_LIMIT(SFU_LOG_ERROR, SFU_COMP_DIRECTORY, "lock not stored", "room=%s err=%d",
                      job->room.id, -err);
    }
    free(job);
}

static int op_room_lock(void *self, const char *room_id, bool locked)
{
    struct sig_dir *dir = self;
    struct room_job *job = calloc(1, sizeof *job);
    if (!job) {
        return -ENOMEM;
    }
    job->room.locked = locked;
    int err = sfu_str_copy(job->room.id, sizeof job->room.id, room_id, strlen(room_id))
                  ? -EINVAL
                  : chat_db_submit(dir->db, lock_room, room_locked, job);
    if (err) {
        free(job);
    }
    return err;
}

/* ---- revoked tokens ---- */

struct revoke_job {
    char token_id[65];
    int64_t expires_us;
};

static int store_revoked(struct chat_db_tx *tx, void *arg)
{
    struct revoke_job *job = arg;
    struct chat_db_value params[] = {chat_db_text(job->token_id), chat_db_int(job->expires_us)};
    return chat_db_exec(tx, SIG_DIR_REVOKED_ADD, params, SFU_ARRAY_LEN(params), NULL, NULL, NULL);
}

static void revoked_stored(void *arg, int err)
{
    if (err) {
        SFU_LOG_LIMIT(SFU_LOG_ERROR, SFU_COMP_DIRECTORY,
                      "revocation not stored: it lasts until the next start", "err=%d", -err);
    }
    free(arg);
}

static int op_token_revoke(void *self, const char *token_id, int64_t expires_us)
{
    struct sig_dir *dir = self;
    int64_t wall_us = sfu_clock_wall_us(dir->conf.clock);
    int err = sig_dir_revoked_add(dir->revoked, token_id, expires_us, wall_us);
    if (err) {
        return err;
    }
    struct revoke_job *job = calloc(1, sizeof *job);
    if (!job) {
        return -ENOMEM;
    }
    job->expires_us = expires_us;
    err = sfu_str_copy(job->token_id, sizeof job->token_id, token_id, strlen(token_id));
    if (!err) {
        err = chat_db_submit(dir->db, store_revoked, revoked_stored, job);
    }
    if (err) {
        free(job);
    }
    return err;
}

static bool op_token_revoked(void *self, const char *token_id)
{
    const struct sig_dir *dir = self;
    /* a stream key that is not in use any more ends its sessions, as a revoked token does */
    return sig_dir_revoked_has(dir->revoked, token_id) ||
           (strncmp(token_id, "sk_", 3) == 0 && !sig_dir_streamkeys_has(dir->streamkeys, token_id));
}

struct sfu_directory_ops sig_dir_ops(struct sig_dir *dir)
{
    struct sfu_directory_ops ops = {
        .room_open = op_room_open,
        .room_lock = op_room_lock,
        .token_revoke = op_token_revoke,
        .token_revoked = op_token_revoked,
        .self = dir,
    };
    sig_dir_streamkeys_ops(&ops);
    return ops;
}
