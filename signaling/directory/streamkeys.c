#include "signaling/directory/streamkeys.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/map.h"
#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "signaling/directory/internal.h"
#include "signaling/directory/name.h"
#include "signaling/directory/schema.h"

enum { SECRET_BYTES = 32, FIRST_CAP = 16 };

struct row {
    struct sfu_streamkey key;
    uint8_t hash[SHA256_DIGEST_LENGTH];
};

struct sig_dir_streamkeys {
    struct row *rows;
    size_t count, cap;
    struct sfu_bmap *places; /* id -> index of its row */
    size_t skipped;          /* rows of the database that were too many */
    size_t adding, jobs;     /* on their way to the database, and back */
    bool closed;             /* the last job frees it */
};

int sig_dir_streamkeys_create(struct sig_dir_streamkeys **ret_set)
{
    struct sig_dir_streamkeys *set = calloc(1, sizeof *set);
    int err = set ? sfu_bmap_create(FIRST_CAP, sizeof set->rows->key.id, &set->places) : -ENOMEM;
    if (err) {
        free(set);
        return err;
    }
    *ret_set = set;
    return 0;
}

void sig_dir_streamkeys_destroy(struct sig_dir_streamkeys *set)
{
    if (!set) {
        return;
    }
    set->closed = true;
    if (set->jobs == 0) {
        sfu_bmap_destroy(set->places);
        free(set->rows);
        free(set);
    }
}

static void hash_text(const char *text, uint8_t ret_hash[SHA256_DIGEST_LENGTH])
{
    SHA256((const unsigned char *)text, strlen(text), ret_hash);
}

static int grow(struct sig_dir_streamkeys *set)
{
    size_t cap = set->cap ? 2 * set->cap : FIRST_CAP;
    struct row *bigger = realloc(set->rows, cap * sizeof *bigger);
    if (!bigger) {
        return -ENOMEM;
    }
    set->rows = bigger;
    int err = sfu_bmap_grow(set->places, (uint32_t)cap);
    if (!err) {
        set->cap = cap;
    }
    return err;
}

static int add_row(struct sig_dir_streamkeys *set, const struct row *row)
{
    int err = set->count == set->cap ? grow(set) : 0;
    err = err ? err : sfu_bmap_put_u64(set->places, row->key.id, strlen(row->key.id), set->count);
    if (!err) {
        set->rows[set->count++] = *row;
    }
    return err;
}

static struct row *find_row(const struct sig_dir_streamkeys *set, const char *id, size_t len)
{
    uint64_t place;
    return sfu_bmap_get_u64(set->places, id, len, &place) ? &set->rows[place] : NULL;
}

/* The last one takes its place. */
static int del_row(struct sig_dir_streamkeys *set, struct row *row)
{
    const struct row *last = &set->rows[set->count - 1];
    int err = 0;
    (void)sfu_bmap_del(set->places, row->key.id, strlen(row->key.id));
    if (row != last) {
        (void)sfu_bmap_del(set->places, last->key.id, strlen(last->key.id));
        err = sfu_bmap_put_u64(set->places, last->key.id, strlen(last->key.id),
                               (uint64_t)(row - set->rows));
        *row = *last;
    }
    set->count--;
    return err;
}

bool sig_dir_streamkeys_has(const struct sig_dir_streamkeys *set, const char *id)
{
    return find_row(set, id, strlen(id)) != NULL;
}

static int take_row(void *arg, const struct chat_db_value *cols, size_t count)
{
    struct sig_dir_streamkeys *set = arg;
    struct row row = {0};
    if (set->count == SIG_DIR_STREAMKEYS_MAX) {
        set->skipped++; /* made by another process meanwhile: no reason not to start */
        return 0;
    }
    if (count != 6 || cols[4].type != CHAT_DB_BLOB || cols[4].len != sizeof row.hash) {
        return -EBADMSG;
    }
    memcpy(row.hash, cols[4].data, sizeof row.hash);
    row.key.created_us = cols[5].i;
    int err = sig_dir_copy_text(row.key.id, sizeof row.key.id, &cols[0]);
    err = err ? err : sig_dir_copy_text(row.key.tenant, sizeof row.key.tenant, &cols[1]);
    err = err ? err : sig_dir_copy_text(row.key.room, sizeof row.key.room, &cols[2]);
    err = err ? err : sig_dir_copy_text(row.key.name, sizeof row.key.name, &cols[3]);
    return err ? err : add_row(set, &row);
}

int sig_dir_streamkeys_load(struct chat_db_tx *tx, struct sig_dir_streamkeys *set)
{
    set->count = set->skipped = 0; /* a transaction may be tried again */
    sfu_bmap_clear(set->places);
    int err = chat_db_exec(tx, SIG_DIR_STREAMKEY_LIST, NULL, 0, take_row, set, NULL);
    if (!err && set->skipped > 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_DIRECTORY, "stream keys refused: there are too many",
                "max=%d refused=%zu", SIG_DIR_STREAMKEYS_MAX, set->skipped);
    }
    return err;
}

/* ---- jobs: the database first, then memory, then the answer ---- */

struct job {
    struct sig_dir_streamkeys *set; /* may outlive its directory by this job */
    struct row row;
    char text[SFU_STREAMKEY_TEXT_BYTES];
    sfu_streamkey_done_fn done;
    void *arg;
};

static void finish(struct job *job, int err)
{
    struct sig_dir_streamkeys *set = job->set;
    job->done(job->arg, err, err ? NULL : &job->row.key, job->text);
    explicit_bzero(job->text, sizeof job->text);
    free(job);
    if (--set->jobs == 0 && set->closed) {
        sig_dir_streamkeys_destroy(set);
    }
}

static int store_key(struct chat_db_tx *tx, void *arg)
{
    const struct job *job = arg;
    const struct sfu_streamkey *k = &job->row.key;
    struct chat_db_value params[] = {chat_db_text(k->id),
                                     chat_db_text(k->tenant),
                                     chat_db_text(k->room),
                                     chat_db_text(k->name),
                                     chat_db_blob(job->row.hash, sizeof job->row.hash),
                                     chat_db_int(k->created_us)};
    return chat_db_exec(tx, SIG_DIR_STREAMKEY_ADD, params, SFU_ARRAY_LEN(params), NULL, NULL, NULL);
}

static void key_stored(void *arg, int err)
{
    struct job *job = arg;
    job->set->adding--;
    finish(job, err ? err : add_row(job->set, &job->row));
}

static int fill(struct job *job, int64_t wall_us, const char *tenant, const char *room,
                const char *name)
{
    struct sfu_streamkey *k = &job->row.key;
    char secret[SFU_SECRET_SIZE(SECRET_BYTES)];
    struct sfu_str text;
    k->created_us = wall_us;
    sfu_id_make("sk", k->created_us, k->id);
    sfu_secret_make(SECRET_BYTES, secret);
    sfu_str_init_fixed(&text, job->text, sizeof job->text);
    sfu_str_printf(&text, "%s.%s", k->id, secret);
    explicit_bzero(secret, sizeof secret);
    hash_text(job->text, job->row.hash);
    bool bad = sfu_str_copy(k->tenant, sizeof k->tenant, tenant, strlen(tenant)) ||
               sig_dir_name(room, strlen(room), SFU_ROOM_NAME_BYTES, k->room) ||
               (name[0] && sig_dir_name(name, strlen(name), SFU_STREAMKEY_NAME_BYTES, k->name));
    return bad ? -EINVAL : 0;
}

static int op_create(void *self, const char *tenant, const char *room, const char *name,
                     sfu_streamkey_done_fn done, void *arg)
{
    struct sig_dir *dir = self;
    struct sig_dir_streamkeys *set = dir->streamkeys;
    if (set->count + set->adding >= SIG_DIR_STREAMKEYS_MAX) {
        return -ENOBUFS;
    }
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return -ENOMEM;
    }
    *job = (struct job){.set = set, .done = done, .arg = arg};
    int err = fill(job, sfu_clock_wall_us(dir->conf.clock), tenant, room, name);
    err = err ? err : chat_db_submit(dir->db, store_key, key_stored, job);
    if (err) {
        explicit_bzero(job->text, sizeof job->text);
        free(job);
        return err;
    }
    set->adding++;
    set->jobs++;
    return 0;
}

static int store_revoked(struct chat_db_tx *tx, void *arg)
{
    const struct job *job = arg;
    struct chat_db_value params[] = {chat_db_int(chat_db_wall_us(tx)),
                                     chat_db_text(job->row.key.id)};
    return chat_db_exec(tx, SIG_DIR_STREAMKEY_REVOKE, params, SFU_ARRAY_LEN(params), NULL, NULL,
                        NULL);
}

static void revoked_stored(void *arg, int err)
{
    struct job *job = arg;
    const char *id = job->row.key.id;
    struct row *row = find_row(job->set, id, strlen(id));
    finish(job, !err && row ? del_row(job->set, row) : err);
}

static int op_revoke(void *self, const char *tenant, const char *id, sfu_streamkey_done_fn done,
                     void *arg)
{
    struct sig_dir *dir = self;
    const struct row *row = find_row(dir->streamkeys, id, strlen(id));
    if (!row || strcmp(row->key.tenant, tenant) != 0) {
        return -ENOENT;
    }
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        return -ENOMEM;
    }
    *job = (struct job){.set = dir->streamkeys, .row = *row, .done = done, .arg = arg};
    int err = chat_db_submit(dir->db, store_revoked, revoked_stored, job);
    if (err) {
        free(job);
        return err;
    }
    dir->streamkeys->jobs++;
    return 0;
}

/* ---- from memory ---- */

static bool op_at(void *self, size_t pos, struct sfu_streamkey *ret_key)
{
    const struct sig_dir_streamkeys *set = ((struct sig_dir *)self)->streamkeys;
    if (pos >= set->count) {
        return false;
    }
    *ret_key = set->rows[pos].key;
    return true;
}

static bool op_find(void *self, const char *text, struct sfu_streamkey *ret_key)
{
    const struct sig_dir_streamkeys *set = ((struct sig_dir *)self)->streamkeys;
    const struct row *row = find_row(set, text, strcspn(text, "."));
    uint8_t hash[SHA256_DIGEST_LENGTH];
    if (!row) {
        return false;
    }
    hash_text(text, hash);
    if (!sfu_str_equal_ct(row->hash, hash, sizeof hash)) {
        return false;
    }
    *ret_key = row->key;
    return true;
}

void sig_dir_streamkeys_ops(struct sfu_directory_ops *ops)
{
    ops->streamkey_create = op_create;
    ops->streamkey_revoke = op_revoke;
    ops->streamkey_at = op_at;
    ops->streamkey_find = op_find;
}
