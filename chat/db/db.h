/*
 * chat/db/db.h - one durable store, one thread that writes it.  Knows no tables.
 *
 * Jobs queue up in a bounded queue; the ones that came while the last commit was in flight share
 * the next transaction, each inside a savepoint, so one that fails undoes only itself.  done is
 * called after the commit: what it reports as 0 survives a power cut.  Owned by whoever created it;
 * the functions may be called from any thread unless they say otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chat/db/backend.h"
#include "sfu/base/attr.h"
#include "sfu/base/clock.h"

struct chat_db;    /* body in db.c */
struct chat_db_tx; /* a job's view of its transaction, valid inside run only */

/* On the db thread.  Not 0 (a negative errno) undoes what this job did. */
typedef int (*chat_db_run_fn)(struct chat_db_tx *tx, void *job);
/* Wherever post brings it.  err: 0, what run returned, or why the transaction failed. */
typedef void (*chat_db_done_fn)(void *job, int err);

/* Called on the db thread: makes fn(msg) run on the owner's thread.  0, or -ENOBUFS: asked again a
 * few milliseconds later, nothing is lost.  Must not block. */
typedef int (*chat_db_post_fn)(void *arg, void (*fn)(void *msg), void *msg);

struct chat_db_conf {
    const struct chat_db_backend *backend; /* chat_db_sqlite() */
    const char *target;                    /* SQLite: path of the file */
    bool create;                           /* make it when it is missing */
    const struct chat_db_schema *schema;   /* borrowed for the life of the db */
    const struct sfu_clock *clock;         /* borrowed */
    uint32_t queue_jobs;                   /* 1..65536: accepted and not yet completed */
    uint32_t batch_jobs;                   /* 1..1024: most jobs in one transaction */
    int busy_timeout_ms;                   /* waiting for another process, 0..60000 */
    chat_db_post_fn post;
    void *post_arg;
    /* Optional: runs in a transaction of its own when idle_ms have passed since it last ran. */
    chat_db_run_fn idle;
    void *idle_arg;
    int idle_ms;
};

/* Opens, migrates and prepares on the calling thread (blocks), then starts the thread.  Errors of
 * struct chat_db_backend, -ENOTSUP when the store is newer than the schema, -EINVAL, -ENOMEM. */
SFU_MUST_CHECK int chat_db_open(const struct chat_db_conf *conf, struct chat_db **ret_db);
/* Runs everything that was accepted, posts the completions, stops the thread (blocks).  What post
 * refuses for longer than a second is called here, on the calling thread.  NULL is allowed. */
void chat_db_close(struct chat_db *db);

/* done may be NULL: then nobody is told, and the job must not be freed by run.  -ENOBUFS when the
 * queue is full, -ESHUTDOWN while closing: nothing was taken. */
SFU_MUST_CHECK int chat_db_submit(struct chat_db *db, chat_db_run_fn run, chat_db_done_fn done,
                                  void *job);
/* Blocks until the job is committed: for start-up and tools, never on control or edge. */
SFU_MUST_CHECK int chat_db_call(struct chat_db *db, chat_db_run_fn run, void *job);

/* Inside run.  statement: index into schema->statements.  row and ret_changes (rows written) may be
 * NULL. */
SFU_MUST_CHECK int chat_db_exec(struct chat_db_tx *tx, unsigned statement,
                                const struct chat_db_value *params, size_t count,
                                chat_db_row_fn row, void *arg, int64_t *ret_changes);
int64_t chat_db_wall_us(const struct chat_db_tx *tx); /* read once per transaction */

static inline struct chat_db_value chat_db_int(int64_t i)
{
    return (struct chat_db_value){.type = CHAT_DB_INT, .i = i};
}

struct chat_db_value chat_db_text(const char *s); /* borrowed; NULL gives a NULL value */

static inline struct chat_db_value chat_db_blob(const void *data, size_t len)
{
    return (struct chat_db_value){.type = CHAT_DB_BLOB, .data = data, .len = len};
}

struct chat_db_stats {
    uint64_t jobs, failed, transactions, commit_failed;
    uint32_t queued;
    int64_t last_commit_us;
};
void chat_db_stats(struct chat_db *db, struct chat_db_stats *ret_stats);
