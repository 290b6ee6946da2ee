/* tests/unit/chat/db/test_db.c - the writer thread and the contract that every store must keep. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "chat/db/db.h"
#include "sfu/log.h"
#include "tests/support/alloc_fail.h"

enum { ADD, GET, COUNT, SUM };

static const struct chat_db_migration migrations[] = {
    {"things", "CREATE TABLE things (id BIGINT PRIMARY KEY, body BYTEA, note TEXT);"
               "CREATE INDEX things_note ON things (note)"},
    {"more", "ALTER TABLE things ADD COLUMN rank INTEGER NOT NULL DEFAULT 7"},
};

static const char *const statements[] = {
    [ADD] = "INSERT INTO things (id, body, note) VALUES ($1, $2, $3)",
    [GET] = "SELECT body, note, id FROM things WHERE id = $1",
    [COUNT] = "SELECT COUNT(*) FROM things",
    [SUM] = "SELECT COALESCE(SUM(rank), 0) FROM things",
};

static const struct chat_db_schema schema = {"test", migrations, 2, statements, 4};
/* What the release before knew. */
static const struct chat_db_schema old_schema = {"test", migrations, 1, statements, 3};

static char dir[64];
static char path[80];

/* The owner's mailbox: completions run when the test says so. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct {
        void (*fn)(void *);
        void *msg;
    } items[64];
    size_t count;
    size_t cap;
    unsigned refused;
} box = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int post(void *arg, void (*fn)(void *msg), void *msg)
{
    (void)arg;
    pthread_mutex_lock(&box.lock);
    int err = box.count < box.cap ? 0 : -ENOBUFS;
    if (!err) {
        box.items[box.count].fn = fn;
        box.items[box.count].msg = msg;
        box.count++;
    } else {
        box.refused++;
    }
    pthread_cond_broadcast(&box.changed);
    pthread_mutex_unlock(&box.lock);
    return err;
}

/* Takes n completions as they come. */
static void take(size_t n)
{
    for (size_t taken = 0; taken < n;) {
        pthread_mutex_lock(&box.lock);
        while (box.count == 0) {
            pthread_cond_wait(&box.changed, &box.lock);
        }
        void (*fn)(void *) = box.items[0].fn;
        void *msg = box.items[0].msg;
        memmove(&box.items[0], &box.items[1], --box.count * sizeof box.items[0]);
        pthread_mutex_unlock(&box.lock);
        fn(msg);
        taken++;
    }
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/stoa_db_XXXXXX");
    if (!mkdtemp(dir)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/t.db", dir);
    box.cap = 64;
    box.refused = 0;
    sfu_log_set_all(SFU_LOG_OFF);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        unlink(name);
    }
    return rmdir(dir);
}

static struct chat_db_conf base_conf(void)
{
    return (struct chat_db_conf){.backend = chat_db_sqlite(),
                                 .target = path,
                                 .create = true,
                                 .schema = &schema,
                                 .clock = sfu_clock_real(),
                                 .queue_jobs = 8,
                                 .batch_jobs = 8,
                                 .busy_timeout_ms = 1000,
                                 .post = post};
}

static struct chat_db *open_db(void)
{
    struct chat_db_conf conf = base_conf();
    struct chat_db *db = NULL;
    assert_int_equal(chat_db_open(&conf, &db), 0);
    return db;
}

struct add {
    int64_t id;
    int fail; /* after inserting */
    int err;  /* what done was told */
    unsigned done;
    sem_t *wait; /* before inserting */
};

static int run_add(struct chat_db_tx *tx, void *arg)
{
    struct add *a = arg;
    while (a->wait && sem_wait(a->wait)) {
    }
    struct chat_db_value params[] = {chat_db_int(a->id), chat_db_blob("\0x", 2),
                                     chat_db_text("note")};
    int err = chat_db_exec(tx, ADD, params, 3, NULL, NULL, NULL);
    return err ? err : a->fail;
}

static void add_done(void *arg, int err)
{
    struct add *a = arg;
    a->err = err;
    a->done++;
}

static int read_int(void *arg, const struct chat_db_value *cols, size_t count)
{
    assert_int_equal(count, 1);
    assert_int_equal(cols[0].type, CHAT_DB_INT);
    *(int64_t *)arg = cols[0].i;
    return 0;
}

static int run_count(struct chat_db_tx *tx, void *arg)
{
    return chat_db_exec(tx, COUNT, NULL, 0, read_int, arg, NULL);
}

static int64_t count_rows(struct chat_db *db)
{
    int64_t n = -1;
    assert_int_equal(chat_db_call(db, run_count, &n), 0);
    return n;
}

static void committed_rows_survive_and_values_come_back(void **state)
{
    (void)state;
    struct chat_db *db = open_db();
    struct add a = {.id = 42};
    assert_int_equal(chat_db_submit(db, run_add, add_done, &a), 0);
    take(1);
    assert_int_equal(a.err, 0);
    assert_int_equal(a.done, 1);
    chat_db_close(db);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    db = open_db();
    assert_int_equal(count_rows(db), 1);
    chat_db_close(db);
}

static void one_transaction_for_what_queued_up_and_a_failure_undoes_only_itself(void **state)
{
    (void)state;
    struct chat_db *db = open_db();
    sem_t gate;
    sem_init(&gate, 0, 0);
    struct add first = {.id = 1, .wait = &gate};
    struct add rest[] = {{.id = 2}, {.id = 3, .fail = -EPERM}, {.id = 2}, {.id = 4}};
    static const int expected[] = {0, -EPERM, -EEXIST, 0};
    assert_int_equal(chat_db_submit(db, run_add, add_done, &first), 0);
    struct chat_db_stats stats;
    do { /* until the first job is in flight */
        chat_db_stats(db, &stats);
    } while (stats.queued > 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chat_db_submit(db, run_add, add_done, &rest[i]), 0);
    }
    sem_post(&gate);
    take(5);
    assert_int_equal(first.err, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rest[i].err, expected[i]);
    }
    chat_db_stats(db, &stats);
    assert_int_equal(stats.transactions, 2);
    assert_int_equal(stats.jobs, 5);
    assert_int_equal(stats.failed, 2);
    assert_int_equal(count_rows(db), 3);
    chat_db_close(db);
    sem_destroy(&gate);
}

static void a_lone_job_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct chat_db *db = open_db();
    struct add a = {.id = 1, .fail = -ECANCELED};
    assert_int_equal(chat_db_call(db, run_add, &a), -ECANCELED);
    assert_int_equal(count_rows(db), 0);
    chat_db_close(db);
}

static void the_queue_is_bounded_until_completions_are_taken(void **state)
{
    (void)state;
    box.cap = 2; /* the owner's mailbox is nearly full: nothing may get lost */
    struct chat_db *db = open_db();
    struct add a[9];
    for (int i = 0; i < 8; i++) {
        a[i] = (struct add){.id = i};
        assert_int_equal(chat_db_submit(db, run_add, add_done, &a[i]), 0);
    }
    a[8] = (struct add){.id = 8};
    assert_int_equal(chat_db_submit(db, run_add, add_done, &a[8]), -ENOBUFS);
    take(8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(a[i].done, 1);
        assert_int_equal(a[i].err, 0);
    }
    assert_int_equal(chat_db_submit(db, run_add, add_done, &a[8]), 0);
    take(1);
    assert_int_equal(count_rows(db), 9);
    chat_db_close(db);
}

static void close_runs_and_reports_what_was_accepted(void **state)
{
    (void)state;
    struct chat_db *db = open_db();
    struct add a[6];
    for (int i = 0; i < 6; i++) {
        a[i] = (struct add){.id = i};
        assert_int_equal(chat_db_submit(db, run_add, add_done, &a[i]), 0);
    }
    chat_db_close(db);
    take(6); /* completions may still arrive behind close */
    db = open_db();
    assert_int_equal(count_rows(db), 6);
    chat_db_close(db);
}

static void an_old_store_is_brought_up_and_a_newer_one_is_refused(void **state)
{
    (void)state;
    struct chat_db_conf conf = base_conf();
    conf.schema = &old_schema;
    struct chat_db *db = NULL;
    assert_int_equal(chat_db_open(&conf, &db), 0);
    struct add a = {.id = 1};
    assert_int_equal(chat_db_call(db, run_add, &a), 0);
    chat_db_close(db);

    db = open_db(); /* migrates */
    assert_int_equal(count_rows(db), 1);
    chat_db_close(db);

    db = NULL;
    assert_int_equal(chat_db_open(&conf, &db), -ENOTSUP);
    assert_null(db);
}

static void a_failed_migration_changes_nothing(void **state)
{
    (void)state;
    static const struct chat_db_migration broken[] = {
        {"things", "CREATE TABLE things (id BIGINT PRIMARY KEY, body BYTEA, note TEXT)"},
        {"broken", "CREATE TABLE other (id BIGINT); CREATE TABLE things (id BIGINT)"},
    };
    static const struct chat_db_schema bad = {"test", broken, 2, statements, 3};
    struct chat_db_conf conf = base_conf();
    conf.schema = &bad;
    struct chat_db *db = NULL;
    assert_int_equal(chat_db_open(&conf, &db), -EINVAL);
    static const struct chat_db_schema good = {"test", broken, 1, statements, 3};
    conf.schema = &good; /* version 1 is there, and nothing of 2: else -ENOTSUP */
    assert_int_equal(chat_db_open(&conf, &db), 0);
    chat_db_close(db);
}

static void bad_targets_have_their_own_errors(void **state)
{
    (void)state;
    struct chat_db_conf conf = base_conf();
    struct chat_db *db = NULL;
    conf.create = false;
    assert_int_equal(chat_db_open(&conf, &db), -ENOENT);
    conf.create = true;
    conf.queue_jobs = 0;
    assert_int_equal(chat_db_open(&conf, &db), -EINVAL);

    FILE *f = fopen(path, "w");
    fputs("this is no database, but it is long enough to be read as the header of one: "
          "................................................................",
          f);
    fclose(f);
    conf = base_conf();
    assert_int_equal(chat_db_open(&conf, &db), -EBADMSG);
}

/* ---- the contract of struct chat_db_backend; PostgreSQL joins this table ---- */

static const struct chat_db_backend *(*const backends[])(void) = {chat_db_sqlite};

static int check_row(void *arg, const struct chat_db_value *cols, size_t count)
{
    unsigned *rows = arg;
    assert_int_equal(count, 3);
    assert_int_equal(cols[0].type, CHAT_DB_BLOB);
    assert_int_equal(cols[0].len, 3);
    assert_memory_equal(cols[0].data, "a\0b", 3);
    assert_int_equal(cols[1].type, CHAT_DB_NULL);
    assert_int_equal(cols[2].i, INT64_MIN);
    (*rows)++;
    return -ECANCELED;
}

static void stores_keep_the_contract(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(backends); i++) {
        const struct chat_db_backend *b = backends[i]();
        struct chat_db_conn *c = NULL;
        int64_t version = 0;
        assert_int_equal(b->open(path, true, 100, &c), 0);
        assert_int_equal(chat_db_migrate(b, c, &schema, 1, &version), 0);
        assert_int_equal(version, 2);
        assert_int_equal(b->prepare(c, statements, 4), 0);
        struct chat_db_value row[] = {chat_db_int(INT64_MIN), chat_db_blob("a\0b", 3),
                                      chat_db_text(NULL)};
        int64_t changes = 0;
        assert_int_equal(b->begin(c), 0);
        assert_int_equal(b->exec(c, ADD, row, 3, NULL, NULL, &changes), 0);
        assert_int_equal(changes, 1);
        assert_int_equal(b->savepoint(c), 0);
        assert_int_equal(b->exec(c, ADD, row, 3, NULL, NULL, NULL), -EEXIST);
        assert_int_equal(b->rollback_to(c), 0);
        assert_int_equal(b->commit(c), 0);
        /* a row function's own error stops and comes back */
        unsigned rows = 0;
        assert_int_equal(b->exec(c, GET, row, 1, check_row, &rows, NULL), -ECANCELED);
        assert_int_equal(rows, 1);
        /* wrong calls */
        assert_int_equal(b->exec(c, GET, row, 2, NULL, NULL, NULL), -EINVAL);
        assert_int_equal(b->exec(c, 99, row, 0, NULL, NULL, NULL), -EINVAL);
        static const char *const two[] = {"SELECT 1; SELECT 2"};
        assert_int_equal(b->prepare(c, two, 1), -EINVAL);
        /* another writer is waited for, then reported */
        struct chat_db_conn *other = NULL;
        assert_int_equal(b->open(path, false, 1, &other), 0);
        assert_int_equal(b->begin(c), 0);
        assert_int_equal(b->begin(other), -EBUSY);
        b->rollback(c);
        assert_int_equal(b->begin(other), 0);
        b->close(other);
        b->close(c);
        b->close(NULL);
    }
}

static int open_and_close(void *arg)
{
    (void)arg;
    struct chat_db_conf conf = base_conf();
    struct chat_db *db = NULL;
    int err = chat_db_open(&conf, &db);
    chat_db_close(db);
    return err;
}

static void no_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(open_and_close, NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(committed_rows_survive_and_values_come_back),
        T(one_transaction_for_what_queued_up_and_a_failure_undoes_only_itself),
        T(a_lone_job_that_fails_leaves_nothing),
        T(the_queue_is_bounded_until_completions_are_taken),
        T(close_runs_and_reports_what_was_accepted),
        T(an_old_store_is_brought_up_and_a_newer_one_is_refused),
        T(a_failed_migration_changes_nothing),
        T(bad_targets_have_their_own_errors),
        T(stores_keep_the_contract),
        T(no_memory_is_an_error_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
