#include "chat/db/db.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sfu/base/list.h"
#include "sfu/base/stat.h"
#include "sfu/log.h"

enum { POST_RETRY_US = 5000, CLOSE_RETRY_US = 1000000 };

struct chat_db_tx {
    struct chat_db *db;
    int64_t wall_us;
};

/* One accepted job; travels pending -> batch -> completed -> (posted) -> free. */
struct job {
    struct sfu_list link;
    struct chat_db *db;
    chat_db_run_fn run;
    chat_db_done_fn done;
    void *arg;
    bool sync; /* chat_db_call waits for finished */
    bool finished;
    int err;
    int64_t accepted_us;
};

struct chat_db {
    struct chat_db_conf conf;
    struct chat_db_conn *conn; /* db thread only, once it runs */
    struct sfu_list completed; /* db thread only: waiting for room in the owner's mailbox */
    int64_t idle_due_us;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t finished;
    /* under lock */
    struct sfu_list pending;
    struct sfu_list free;
    uint32_t outstanding; /* accepted and done not yet called */
    bool closing;
    bool closed; /* the thread is gone: whoever returns the last job frees the rest */
    struct chat_db_stats stats;

    struct job jobs[];
};

/* Waits are real time even when the rest of the process runs in a virtual one. */
static int64_t real_us(void)
{
    return sfu_clock_mono_us(sfu_clock_real());
}

struct chat_db_value chat_db_text(const char *s)
{
    if (!s) {
        return (struct chat_db_value){.type = CHAT_DB_NULL};
    }
    return (struct chat_db_value){.type = CHAT_DB_TEXT, .data = s, .len = strlen(s)};
}

int chat_db_exec(struct chat_db_tx *tx, unsigned statement, const struct chat_db_value *params,
                 size_t count, chat_db_row_fn row, void *arg, int64_t *ret_changes)
{
    struct chat_db *db = tx->db;
    int err = db->conf.backend->exec(db->conn, statement, params, count, row, arg, ret_changes);
    if (err == -EIO || err == -ENOSPC || err == -EBADMSG || err == -EINVAL) {
        SFU_LOG_LIMIT(SFU_LOG_ERROR, SFU_COMP_DB, "statement failed", "statement=%u err=%d why=%s",
                      statement, -err, db->conf.backend->why(db->conn));
    }
    return err;
}

int64_t chat_db_wall_us(const struct chat_db_tx *tx)
{
    return tx->wall_us;
}

static void free_db(struct chat_db *db)
{
    pthread_cond_destroy(&db->finished);
    pthread_cond_destroy(&db->work);
    pthread_mutex_destroy(&db->lock);
    free(db);
}

static void give_back(struct job *job)
{
    struct chat_db *db = job->db;
    pthread_mutex_lock(&db->lock);
    sfu_list_push_back(&db->free, &job->link);
    db->outstanding--;
    bool last = db->closed && db->outstanding == 0;
    pthread_mutex_unlock(&db->lock);
    if (last) {
        free_db(db);
    }
}

/* On the owner's thread. */
static void deliver(void *msg)
{
    struct job *job = msg;
    chat_db_done_fn done = job->done;
    void *arg = job->arg;
    int err = job->err;
    give_back(job);
    done(arg, err);
}

/* ---- db thread ---- */

/* False: the transaction as a whole is lost. */
static bool run_job(struct chat_db *db, struct chat_db_tx *tx, struct job *job, bool alone)
{
    const struct chat_db_backend *b = db->conf.backend;
    if (alone) {
        job->err = job->run(tx, job->arg);
        return job->err == 0;
    }
    if (b->savepoint(db->conn)) {
        return false;
    }
    job->err = job->run(tx, job->arg);
    return (job->err ? b->rollback_to(db->conn) : b->release(db->conn)) == 0;
}

static int run_all(struct chat_db *db, struct sfu_list *batch)
{
    const struct chat_db_backend *b = db->conf.backend;
    struct chat_db_tx tx = {.db = db, .wall_us = sfu_clock_wall_us(db->conf.clock)};
    bool alone = batch->next->next == batch;
    int err = b->begin(db->conn);
    if (err) {
        return err;
    }
    SFU_LIST_FOREACH(node, batch)
    {
        struct job *job = SFU_LIST_ENTRY(node, struct job, link);
        if (!run_job(db, &tx, job, alone)) {
            b->rollback(db->conn);
            return alone && job->err ? 0 : -EIO;
        }
    }
    return b->commit(db->conn);
}

static void run_batch(struct chat_db *db, struct sfu_list *batch)
{
    int err = run_all(db, batch);
    if (err) {
        sfu_stat_inc(SFU_M_FAULT_DB);
        SFU_LOG_LIMIT(SFU_LOG_ERROR, SFU_COMP_DB, "transaction failed", "err=%d why=%s", -err,
                      db->conf.backend->why(db->conn));
    }
    uint64_t jobs = 0;
    uint64_t failed = 0;
    int64_t now_us = real_us();
    SFU_LIST_FOREACH(node, batch)
    {
        struct job *job = SFU_LIST_ENTRY(node, struct job, link);
        job->err = job->err ? job->err : err;
        jobs++;
        failed += job->err ? 1 : 0;
        sfu_stat_observe_us(SFU_H_DB_JOB, now_us - job->accepted_us);
    }
    pthread_mutex_lock(&db->lock);
    db->stats.jobs += jobs;
    db->stats.failed += failed;
    db->stats.transactions++;
    db->stats.commit_failed += err ? 1 : 0;
    db->stats.last_commit_us = now_us;
    pthread_mutex_unlock(&db->lock);
}

static void finish_sync(struct chat_db *db, struct job *job)
{
    pthread_mutex_lock(&db->lock);
    job->finished = true;
    pthread_cond_broadcast(&db->finished);
    pthread_mutex_unlock(&db->lock);
}

/* True when nothing is left. */
static bool post_completed(struct chat_db *db)
{
    SFU_LIST_FOREACH_SAFE(node, &db->completed)
    {
        struct job *job = SFU_LIST_ENTRY(node, struct job, link);
        sfu_list_remove(node);
        if (job->sync) {
            finish_sync(db, job);
        } else if (!job->done) {
            give_back(job);
        } else if (!db->conf.post || db->conf.post(db->conf.post_arg, deliver, job) != 0) {
            sfu_list_push_front(&db->completed, node);
            return false;
        }
    }
    return true;
}

static void run_idle(struct chat_db *db)
{
    const struct chat_db_backend *b = db->conf.backend;
    struct chat_db_tx tx = {.db = db, .wall_us = sfu_clock_wall_us(db->conf.clock)};
    int err = b->begin(db->conn);
    if (!err) {
        err = db->conf.idle(&tx, db->conf.idle_arg);
        if (err) {
            b->rollback(db->conn);
        } else {
            err = b->commit(db->conn);
        }
    }
    if (err) {
        SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_DB, "periodic job failed", "err=%d why=%s", -err,
                      b->why(db->conn));
    }
    db->idle_due_us = real_us() + (int64_t)db->conf.idle_ms * 1000;
}

static void wait_until(struct chat_db *db, int64_t due_us)
{
    if (due_us == INT64_MAX) {
        pthread_cond_wait(&db->work, &db->lock);
        return;
    }
    struct timespec ts = {.tv_sec = due_us / 1000000, .tv_nsec = (due_us % 1000000) * 1000};
    pthread_cond_timedwait(&db->work, &db->lock, &ts);
}

/* Takes the next batch; false when closing and nothing is left.  An empty batch means: something
 * else is due. */
static bool next_batch(struct chat_db *db, struct sfu_list *ret_batch)
{
    pthread_mutex_lock(&db->lock);
    if (sfu_list_empty(&db->pending) && !db->closing) {
        int64_t due_us = db->conf.idle ? db->idle_due_us : INT64_MAX;
        if (!sfu_list_empty(&db->completed)) {
            int64_t retry_us = real_us() + POST_RETRY_US;
            due_us = retry_us < due_us ? retry_us : due_us;
        }
        wait_until(db, due_us);
    }
    for (uint32_t i = 0; i < db->conf.batch_jobs && !sfu_list_empty(&db->pending); i++) {
        sfu_list_push_back(ret_batch, sfu_list_pop_front(&db->pending));
        db->stats.queued--;
    }
    bool more = !db->closing || !sfu_list_empty(ret_batch);
    pthread_mutex_unlock(&db->lock);
    return more;
}

static void *db_thread(void *arg)
{
    struct chat_db *db = arg;
    bool counted = sfu_stat_thread_enter() == 0;
    struct sfu_list batch;
    sfu_list_init(&batch);
    while (next_batch(db, &batch)) {
        if (!sfu_list_empty(&batch)) {
            run_batch(db, &batch);
            sfu_list_splice_back(&db->completed, &batch);
        }
        post_completed(db);
        if (db->conf.idle && real_us() >= db->idle_due_us) {
            run_idle(db);
        }
    }
    db->conf.backend->close(db->conn);
    db->conn = NULL;
    if (counted) {
        sfu_stat_thread_leave();
    }
    return NULL;
}

/* ---- owner ---- */

static int open_conn(struct chat_db *db)
{
    const struct chat_db_conf *c = &db->conf;
    int err = c->backend->open(c->target, c->create, c->busy_timeout_ms, &db->conn);
    if (err) {
        return err;
    }
    int64_t version = 0;
    err = chat_db_migrate(c->backend, db->conn, c->schema, sfu_clock_wall_us(c->clock), &version);
    if (err == -ENOTSUP) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_DB, "the database was written by a newer version",
                "file=%s schema=%s version=%lld known=%zu", c->target, c->schema->name,
                (long long)version, c->schema->migration_count);
    }
    if (!err) {
        err = c->backend->prepare(db->conn, c->schema->statements, c->schema->statement_count);
    }
    if (err) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_DB, "database cannot be used", "file=%s err=%d why=%s",
                c->target, -err, c->backend->why(db->conn));
        c->backend->close(db->conn);
    }
    return err;
}

static bool conf_ok(const struct chat_db_conf *c)
{
    return c->backend && c->target && c->schema && c->clock && c->queue_jobs >= 1 &&
           c->queue_jobs <= 65536 && c->batch_jobs >= 1 && c->batch_jobs <= 1024 &&
           c->busy_timeout_ms >= 0 && c->busy_timeout_ms <= 60000 && (!c->idle || c->idle_ms > 0);
}

static int start_thread(struct chat_db *db)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->work, &attr);
    pthread_cond_init(&db->finished, NULL);
    pthread_condattr_destroy(&attr);
    db->idle_due_us = real_us() + (int64_t)db->conf.idle_ms * 1000;

    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals belong to the main thread */
    int err = pthread_create(&db->thread, NULL, db_thread, db);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!err) {
        pthread_setname_np(db->thread, "stoa-db");
    }
    return -err;
}

int chat_db_open(const struct chat_db_conf *conf, struct chat_db **ret_db)
{
    if (!conf_ok(conf)) {
        return -EINVAL;
    }
    struct chat_db *db = calloc(1, sizeof *db + conf->queue_jobs * sizeof db->jobs[0]);
    if (!db) {
        return -ENOMEM;
    }
    db->conf = *conf;
    sfu_list_init(&db->pending);
    sfu_list_init(&db->completed);
    sfu_list_init(&db->free);
    for (uint32_t i = 0; i < conf->queue_jobs; i++) {
        db->jobs[i].db = db;
        sfu_list_push_back(&db->free, &db->jobs[i].link);
    }
    int err = open_conn(db);
    if (err) {
        free(db);
        return err;
    }
    err = start_thread(db);
    if (err) {
        conf->backend->close(db->conn);
        free_db(db);
        return err;
    }
    db->conf.target = NULL; /* borrowed for the call only */
    *ret_db = db;
    return 0;
}

/* Under lock.  NULL when there is no place. */
static struct job *accept_job(struct chat_db *db, chat_db_run_fn run, chat_db_done_fn done,
                              void *arg, bool sync)
{
    struct sfu_list *node = sfu_list_pop_front(&db->free);
    if (!node) {
        return NULL;
    }
    struct job *job = SFU_LIST_ENTRY(node, struct job, link);
    job->run = run;
    job->done = done;
    job->arg = arg;
    job->sync = sync;
    job->finished = false;
    job->err = 0;
    job->accepted_us = real_us();
    sfu_list_push_back(&db->pending, node);
    db->outstanding++;
    db->stats.queued++;
    pthread_cond_signal(&db->work);
    return job;
}

int chat_db_submit(struct chat_db *db, chat_db_run_fn run, chat_db_done_fn done, void *job)
{
    pthread_mutex_lock(&db->lock);
    int err = db->closing ? -ESHUTDOWN : 0;
    if (!err && !accept_job(db, run, done, job, false)) {
        err = -ENOBUFS;
    }
    pthread_mutex_unlock(&db->lock);
    if (err == -ENOBUFS) {
        sfu_stat_inc(SFU_M_RING_DB);
    }
    return err;
}

int chat_db_call(struct chat_db *db, chat_db_run_fn run, void *arg)
{
    pthread_mutex_lock(&db->lock);
    struct job *job = db->closing ? NULL : accept_job(db, run, NULL, arg, true);
    if (!job) {
        int refused = db->closing ? -ESHUTDOWN : -ENOBUFS;
        pthread_mutex_unlock(&db->lock);
        return refused;
    }
    while (!job->finished) {
        pthread_cond_wait(&db->finished, &db->lock);
    }
    int err = job->err;
    pthread_mutex_unlock(&db->lock);
    give_back(job);
    return err;
}

void chat_db_close(struct chat_db *db)
{
    if (!db) {
        return;
    }
    pthread_mutex_lock(&db->lock);
    db->closing = true;
    pthread_cond_signal(&db->work);
    pthread_mutex_unlock(&db->lock);
    pthread_join(db->thread, NULL);

    int64_t give_up_us = real_us() + CLOSE_RETRY_US;
    pthread_mutex_lock(&db->lock);
    while (!sfu_list_empty(&db->completed) && db->conf.post && real_us() < give_up_us) {
        pthread_mutex_unlock(&db->lock);
        bool done = post_completed(db);
        pthread_mutex_lock(&db->lock);
        if (!done) {
            wait_until(db, real_us() + POST_RETRY_US);
        }
    }
    pthread_mutex_unlock(&db->lock);
    for (struct sfu_list *node; (node = sfu_list_pop_front(&db->completed));) {
        deliver(SFU_LIST_ENTRY(node, struct job, link));
    }
    pthread_mutex_lock(&db->lock);
    db->closed = true;
    bool last = db->outstanding == 0;
    pthread_mutex_unlock(&db->lock);
    if (last) {
        free_db(db);
    }
}

void chat_db_stats(struct chat_db *db, struct chat_db_stats *ret_stats)
{
    pthread_mutex_lock(&db->lock);
    *ret_stats = db->stats;
    pthread_mutex_unlock(&db->lock);
}
