#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "signaling/directory/internal.h"

int sig_dir_copy_text(char *ret_buf, size_t size, const struct chat_db_value *v)
{
    return v->type == CHAT_DB_TEXT ? sfu_str_copy(ret_buf, size, v->data, v->len) : -EBADMSG;
}

static int take_key(void *arg, const struct chat_db_value *cols, size_t count)
{
    struct sig_dir_keys *keys = arg;
    if (count != 5 || cols[2].type != CHAT_DB_BLOB || cols[2].len != SIG_DIR_SECRET_BYTES) {
        return -EBADMSG;
    }
    if (keys->count == SIG_DIR_MAX_KEYS) {
        return -ENOBUFS;
    }
    struct sig_dir_key *key = &keys->items[keys->count];
    *key = (struct sig_dir_key){.created_us = cols[3].i, .disabled_us = cols[4].i};
    int err = sig_dir_copy_text(key->kid, sizeof key->kid, &cols[0]);
    if (!err) {
        err = sig_dir_copy_text(key->tenant, sizeof key->tenant, &cols[1]);
    }
    if (!err) {
        memcpy(key->secret, cols[2].data, SIG_DIR_SECRET_BYTES);
        keys->count++;
    }
    return err;
}

int sig_dir_list_keys(struct chat_db_tx *tx, void *job)
{
    struct sig_dir_keys *keys = job;
    keys->count = 0;
    return chat_db_exec(tx, SIG_DIR_KEY_LIST, NULL, 0, take_key, keys, NULL);
}

void sig_dir_drop_disabled(struct sig_dir_keys *keys)
{
    size_t kept = 0;
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->items[i].disabled_us == 0) {
            keys->items[kept++] = keys->items[i];
        }
    }
    keys->count = kept;
}

static void add_key_to(struct sig_dir_keys *keys, const struct sig_dir_key *key)
{
    if (keys->count < SIG_DIR_MAX_KEYS) {
        keys->items[keys->count++] = *key;
    }
}

int sig_dir_publish_keys(struct chat_db_tx *tx, void *job)
{
    struct sig_dir *dir = job;
    int err = sig_dir_list_keys(tx, &dir->scratch);
    if (err) {
        return err;
    }
    sig_dir_drop_disabled(&dir->scratch);
    for (size_t i = 0; i < dir->file_keys.count; i++) {
        add_key_to(&dir->scratch, &dir->file_keys.items[i]);
    }
    if (dir->development) {
        add_key_to(&dir->scratch, &dir->dev_key);
    }
    size_t bytes = dir->scratch.count * sizeof dir->scratch.items[0];
    if (dir->scratch.count == dir->published.count &&
        memcmp(dir->scratch.items, dir->published.items, bytes) == 0) {
        return 0;
    }
    memcpy(dir->published.items, dir->scratch.items, bytes);
    dir->published.count = dir->scratch.count;
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_AUTH, "keys in use", "count=%zu development=%d",
            dir->published.count, (int)dir->development);
    if (dir->conf.keys_changed) {
        dir->conf.keys_changed(dir->conf.keys_arg, dir->published.items, dir->published.count);
    }
    return 0;
}

struct key_job {
    struct sig_dir_key key;
    int64_t changes;
};

static int add_key(struct chat_db_tx *tx, void *arg)
{
    struct key_job *job = arg;
    struct chat_db_value params[] = {chat_db_text(job->key.kid), chat_db_text(job->key.tenant),
                                     chat_db_blob(job->key.secret, sizeof job->key.secret),
                                     chat_db_int(job->key.created_us)};
    return chat_db_exec(tx, SIG_DIR_KEY_ADD, params, SFU_ARRAY_LEN(params), NULL, NULL, NULL);
}

static int found(void *arg, const struct chat_db_value *cols, size_t count)
{
    (void)cols;
    (void)count;
    *(bool *)arg = true;
    return 0;
}

static int disable_key(struct chat_db_tx *tx, void *arg)
{
    struct key_job *job = arg;
    struct chat_db_value params[] = {chat_db_int(chat_db_wall_us(tx)), chat_db_text(job->key.kid)};
    bool known = false;
    int err = chat_db_exec(tx, SIG_DIR_KEY_EXISTS, &params[1], 1, found, &known, NULL);
    if (err || !known) {
        return err ? err : -ENOENT;
    }
    return chat_db_exec(tx, SIG_DIR_KEY_DISABLE, params, SFU_ARRAY_LEN(params), NULL, NULL, NULL);
}

/* The count is bounded, so that a reader's fixed table always holds all of them. */
static int add_key_below_limit(struct chat_db_tx *tx, void *arg)
{
    struct sig_dir_keys *keys = malloc(sizeof *keys);
    if (!keys) {
        return -ENOMEM;
    }
    int err = sig_dir_list_keys(tx, keys);
    if (!err && keys->count + 1 >= SIG_DIR_MAX_KEYS / 2) {
        err = -ENOBUFS;
    }
    free(keys);
    return err ? err : add_key(tx, arg);
}

int sig_dir_key_create(struct sig_dir *dir, struct sig_dir_key *ret_key)
{
    struct key_job job = {.key.created_us = sfu_clock_wall_us(dir->conf.clock)};
    char kid[SFU_ID_SIZE];
    sfu_id_make("key", job.key.created_us, kid);
    sfu_rand_bytes(job.key.secret, sizeof job.key.secret);
    int err = sfu_str_copy(job.key.kid, sizeof job.key.kid, kid, strlen(kid));
    if (!err) {
        err = sfu_str_copy(job.key.tenant, sizeof job.key.tenant, SIG_DIR_DEFAULT_TENANT,
                           strlen(SIG_DIR_DEFAULT_TENANT));
    }
    if (!err) {
        err = chat_db_call(dir->db, add_key_below_limit, &job);
    }
    if (!err) {
        err = chat_db_call(dir->db, sig_dir_publish_keys, dir);
    }
    if (!err) {
        *ret_key = job.key;
    }
    explicit_bzero(&job, sizeof job);
    return err;
}

int sig_dir_key_disable(struct sig_dir *dir, const char *kid)
{
    struct key_job job = {0};
    if (sfu_str_copy(job.key.kid, sizeof job.key.kid, kid, strlen(kid))) {
        return -ENOENT;
    }
    int err = chat_db_call(dir->db, disable_key, &job);
    return err ? err : chat_db_call(dir->db, sig_dir_publish_keys, dir);
}

int sig_dir_key_list(struct sig_dir *dir, struct sig_dir_key *ret_keys, size_t cap,
                     size_t *ret_count)
{
    struct sig_dir_keys *keys = malloc(sizeof *keys);
    if (!keys) {
        return -ENOMEM;
    }
    int err = chat_db_call(dir->db, sig_dir_list_keys, keys);
    if (!err && keys->count > cap) {
        err = -ENOBUFS;
    }
    if (!err) {
        memcpy(ret_keys, keys->items, keys->count * sizeof keys->items[0]);
        *ret_count = keys->count;
    }
    explicit_bzero(keys, sizeof *keys);
    free(keys);
    return err;
}

bool sig_dir_development(const struct sig_dir *dir)
{
    return dir->development;
}
