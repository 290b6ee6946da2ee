#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sfu/log.h"
#include "signaling/directory/internal.h"
#include "signaling/directory/jwks.h"
#include "signaling/directory/streamkeys.h"

enum {
    QUEUE_JOBS = 4096,
    BATCH_JOBS = 256,
    BUSY_MS = 5000,
    IDLE_MS = 2000,
    IDLE_TURNS_PER_PURGE = 30,
    MAX_REVOKED = 65536,
    MAX_PATH = 4096,
};

static int take_revoked(void *arg, const struct chat_db_value *cols, size_t count)
{
    struct sig_dir *dir = arg;
    if (count != 2 || cols[0].type != CHAT_DB_TEXT) {
        return -EBADMSG;
    }
    return sig_dir_revoked_add(dir->revoked, cols[0].data, cols[1].i, 0);
}

static int purge_revoked(struct chat_db_tx *tx)
{
    struct chat_db_value before = chat_db_int(chat_db_wall_us(tx) - SIG_DIR_REVOKED_KEEP_US);
    return chat_db_exec(tx, SIG_DIR_REVOKED_PURGE, &before, 1, NULL, NULL, NULL);
}

static int idle(struct chat_db_tx *tx, void *arg)
{
    struct sig_dir *dir = arg;
    int err = sig_dir_publish_keys(tx, dir);
    if (!err && ++dir->idle_turns % IDLE_TURNS_PER_PURGE == 0) {
        err = purge_revoked(tx);
    }
    return err;
}

/* Inside first_job: scratch holds the keys in use. */
static int choose_development(struct sig_dir *dir, int64_t wall_us)
{
    if (!dir->conf.development || dir->scratch.count > 0 || dir->file_keys.count > 0) {
        return 0;
    }
    int err = sig_dir_dev_key(dir->conf.data_dir, dir->conf.create, wall_us, &dir->dev_key);
    dir->development = err == 0;
    return err;
}

static int first_job(struct chat_db_tx *tx, void *arg)
{
    struct sig_dir *dir = arg;
    int64_t wall_us = chat_db_wall_us(tx);
    struct chat_db_value tenant[] = {chat_db_text(SIG_DIR_DEFAULT_TENANT), chat_db_text("default"),
                                     chat_db_int(wall_us)};
    int err = chat_db_exec(tx, SIG_DIR_TENANT_ADD, tenant, SFU_ARRAY_LEN(tenant), NULL, NULL, NULL);
    if (!err) {
        err = purge_revoked(tx);
    }
    if (!err) {
        err = chat_db_exec(tx, SIG_DIR_REVOKED_LIST, NULL, 0, take_revoked, dir, NULL);
    }
    if (!err) {
        err = sig_dir_streamkeys_load(tx, dir->streamkeys);
    }
    if (!err) {
        err = sig_dir_list_keys(tx, &dir->scratch);
    }
    if (!err) {
        sig_dir_drop_disabled(&dir->scratch);
        err = choose_development(dir, wall_us);
    }
    return err ? err : sig_dir_publish_keys(tx, dir);
}

static int open_db(struct sig_dir *dir)
{
    char path[MAX_PATH];
    int n = snprintf(path, sizeof path, "%s/%s", dir->conf.data_dir, SIG_DIR_DB_FILE);
    if (n <= 0 || n >= (int)sizeof path) {
        return -ENAMETOOLONG;
    }
    struct chat_db_conf conf = {
        .backend = chat_db_sqlite(),
        .target = path,
        .create = dir->conf.create,
        .schema = sig_dir_schema(),
        .clock = dir->conf.clock,
        .queue_jobs = QUEUE_JOBS,
        .batch_jobs = BATCH_JOBS,
        .busy_timeout_ms = BUSY_MS,
        .post = dir->conf.post,
        .post_arg = dir->conf.post_arg,
        .idle = dir->conf.keys_changed ? idle : NULL,
        .idle_arg = dir,
        .idle_ms = IDLE_MS,
    };
    return chat_db_open(&conf, &dir->db);
}

static int open_all(struct sig_dir *dir)
{
    int err = sig_dir_revoked_create(MAX_REVOKED, &dir->revoked);
    if (!err) {
        err = sig_dir_streamkeys_create(&dir->streamkeys);
    }
    if (!err && dir->conf.keys_file && dir->conf.keys_file[0]) {
        /* half the table: the database's keys come first and never push these out */
        err = sig_dir_read_jwks(dir->conf.keys_file, dir->file_keys.items, SIG_DIR_MAX_KEYS / 2,
                                &dir->file_keys.count);
    }
    if (!err && dir->conf.create && mkdir(dir->conf.data_dir, 0700) && errno != EEXIST) {
        err = -errno;
    }
    if (!err) {
        err = open_db(dir);
    }
    if (!err) {
        err = chat_db_call(dir->db, first_job, dir);
    }
    return err;
}

int sig_dir_open(const struct sig_dir_conf *conf, struct sig_dir **ret_dir)
{
    struct sig_dir *dir = calloc(1, sizeof *dir);
    if (!dir) {
        return -ENOMEM;
    }
    dir->conf = *conf;
    int err = open_all(dir);
    if (err) {
        sig_dir_close(dir);
        return err;
    }
    dir->conf.data_dir = NULL; /* borrowed for the call only */
    *ret_dir = dir;
    return 0;
}

void sig_dir_close(struct sig_dir *dir)
{
    if (!dir) {
        return;
    }
    chat_db_close(dir->db);
    sig_dir_revoked_destroy(dir->revoked);
    sig_dir_streamkeys_destroy(dir->streamkeys);
    explicit_bzero(dir, sizeof *dir);
    free(dir);
}
