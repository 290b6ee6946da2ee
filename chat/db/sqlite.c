#include "chat/db/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SQLITE_MAX_COLUMNS = 32 };

struct chat_db_conn {
    sqlite3 *handle;
    sqlite3_stmt **statements;
    size_t statement_count;
};

/* Result codes that callers tell apart; the rest is -EIO.  Extended codes first. */
static const struct {
    int code;
    int err;
} errors[] = {
    {SQLITE_CONSTRAINT_UNIQUE, -EEXIST},
    {SQLITE_CONSTRAINT_PRIMARYKEY, -EEXIST},
    {SQLITE_CONSTRAINT, -EINVAL},
    {SQLITE_BUSY, -EBUSY},
    {SQLITE_LOCKED, -EBUSY},
    {SQLITE_FULL, -ENOSPC},
    {SQLITE_NOMEM, -ENOMEM},
    {SQLITE_NOTADB, -EBADMSG},
    {SQLITE_CORRUPT, -EBADMSG},
    {SQLITE_READONLY, -EROFS},
    {SQLITE_PERM, -EACCES},
    {SQLITE_AUTH, -EACCES},
    {SQLITE_CANTOPEN, -EACCES},
    {SQLITE_MISUSE, -EINVAL},
    {SQLITE_RANGE, -EINVAL},
    {SQLITE_TOOBIG, -EINVAL},
    {SQLITE_ERROR, -EINVAL},
};

static int to_errno(int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) {
        return 0;
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(errors); i++) {
        if (errors[i].code == code || errors[i].code == (code & 0xff)) {
            return errors[i].err;
        }
    }
    return -EIO;
}

static int run_sql(struct chat_db_conn *conn, const char *sql)
{
    return to_errno(sqlite3_exec(conn->handle, sql, NULL, NULL, NULL));
}

static void drop_statements(struct chat_db_conn *conn)
{
    for (size_t i = 0; i < conn->statement_count; i++) {
        sqlite3_finalize(conn->statements[i]);
    }
    free(conn->statements);
    conn->statements = NULL;
    conn->statement_count = 0;
}

static void sqlite_close(struct chat_db_conn *conn)
{
    if (!conn) {
        return;
    }
    drop_statements(conn);
    sqlite3_close_v2(conn->handle);
    free(conn);
}

/* The file holds keys: it is made with its final mode, which SQLite gives to its journal files too.
 */
static int make_file(const char *target)
{
    int fd = open(target, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        return errno == EEXIST ? 0 : -errno;
    }
    close(fd);
    return 0;
}

static int exists(const char *target)
{
    return access(target, F_OK) == 0 ? 0 : -errno;
}

static int sqlite_open(const char *target, bool create, int busy_timeout_ms,
                       struct chat_db_conn **ret_conn)
{
    /* never open an existing file beside SQLite: closing it would drop the process's locks on it */
    int err = create ? make_file(target) : exists(target);
    if (err) {
        return err;
    }
    struct chat_db_conn *conn = calloc(1, sizeof *conn);
    if (!conn) {
        return -ENOMEM;
    }
    err = to_errno(
        sqlite3_open_v2(target, &conn->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL));
    if (!err) {
        sqlite3_busy_timeout(conn->handle, busy_timeout_ms);
        sqlite3_db_config(conn->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(conn->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_limit(conn->handle, SQLITE_LIMIT_ATTACHED, 0);
        err = run_sql(conn, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                            "PRAGMA foreign_keys=ON;");
    }
    if (err) {
        sqlite_close(conn);
        return err;
    }
    *ret_conn = conn;
    return 0;
}

static int sqlite_begin(struct chat_db_conn *conn)
{
    return run_sql(conn, "BEGIN IMMEDIATE");
}

static void sqlite_rollback(struct chat_db_conn *conn)
{
    if (!sqlite3_get_autocommit(conn->handle)) {
        sqlite3_exec(conn->handle, "ROLLBACK", NULL, NULL, NULL);
    }
}

static int sqlite_commit(struct chat_db_conn *conn)
{
    if (sqlite3_get_autocommit(conn->handle)) {
        return -EIO; /* a full disk or an I/O error has rolled everything back already */
    }
    int err = run_sql(conn, "COMMIT");
    if (err) {
        sqlite_rollback(conn);
    }
    return err;
}

static int sqlite_savepoint(struct chat_db_conn *conn)
{
    return sqlite3_get_autocommit(conn->handle) ? -EIO : run_sql(conn, "SAVEPOINT job");
}

static int sqlite_release(struct chat_db_conn *conn)
{
    return sqlite3_get_autocommit(conn->handle) ? -EIO : run_sql(conn, "RELEASE job");
}

static int sqlite_rollback_to(struct chat_db_conn *conn)
{
    return sqlite3_get_autocommit(conn->handle) ? -EIO
                                                : run_sql(conn, "ROLLBACK TO job; RELEASE job");
}

static int sqlite_prepare(struct chat_db_conn *conn, const char *const *statements, size_t count)
{
    drop_statements(conn);
    if (count == 0) {
        return 0;
    }
    conn->statements = calloc(count, sizeof *conn->statements);
    if (!conn->statements) {
        return -ENOMEM;
    }
    conn->statement_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *tail = NULL;
        int err =
            to_errno(sqlite3_prepare_v3(conn->handle, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                        &conn->statements[i], &tail));
        if (!err && (!conn->statements[i] || (tail && *tail))) {
            err = -EINVAL; /* empty, or more than one statement: the rest would never run */
        }
        if (err) {
            return err;
        }
    }
    return 0;
}

static int bind_one(sqlite3_stmt *s, int index, const struct chat_db_value *v)
{
    switch (v->type) {
    case CHAT_DB_INT:
        return sqlite3_bind_int64(s, index, v->i);
    case CHAT_DB_TEXT:
        return sqlite3_bind_text64(s, index, v->data, v->len, SQLITE_STATIC, SQLITE_UTF8);
    case CHAT_DB_BLOB:
        /* NULL data would bind NULL instead of an empty blob */
        return v->len > 0 ? sqlite3_bind_blob64(s, index, v->data, v->len, SQLITE_STATIC)
                          : sqlite3_bind_zeroblob(s, index, 0);
    case CHAT_DB_NULL:
        break;
    }
    return sqlite3_bind_null(s, index);
}

static struct chat_db_value column(sqlite3_stmt *s, int i)
{
    struct chat_db_value v = {.type = CHAT_DB_NULL};
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER:
        v.type = CHAT_DB_INT;
        v.i = sqlite3_column_int64(s, i);
        break;
    case SQLITE_TEXT:
        v.type = CHAT_DB_TEXT;
        v.data = sqlite3_column_text(s, i);
        v.len = (size_t)sqlite3_column_bytes(s, i);
        break;
    case SQLITE_BLOB:
        v.type = CHAT_DB_BLOB;
        v.data = sqlite3_column_blob(s, i);
        v.len = (size_t)sqlite3_column_bytes(s, i);
        break;
    default: /* no REAL: money and time are integers */
        break;
    }
    return v;
}

static int step_rows(sqlite3_stmt *s, chat_db_row_fn row, void *arg)
{
    for (;;) {
        int code = sqlite3_step(s);
        if (code != SQLITE_ROW) {
            return to_errno(code);
        }
        if (!row) {
            continue;
        }
        struct chat_db_value cols[SQLITE_MAX_COLUMNS];
        int count = sqlite3_column_count(s);
        if (count > SQLITE_MAX_COLUMNS) {
            return -EINVAL;
        }
        for (int i = 0; i < count; i++) {
            cols[i] = column(s, i);
        }
        int err = row(arg, cols, (size_t)count);
        if (err) {
            return err;
        }
    }
}

static int sqlite_exec(struct chat_db_conn *conn, unsigned statement,
                       const struct chat_db_value *params, size_t count, chat_db_row_fn row,
                       void *arg, int64_t *ret_changes)
{
    if (statement >= conn->statement_count) {
        return -EINVAL;
    }
    sqlite3_stmt *s = conn->statements[statement];
    if ((size_t)sqlite3_bind_parameter_count(s) != count) {
        return -EINVAL;
    }
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        err = to_errno(bind_one(s, (int)i + 1, &params[i]));
    }
    sqlite3_int64 before = sqlite3_total_changes64(conn->handle);
    if (!err) {
        err = step_rows(s, row, arg);
    }
    if (!err && ret_changes) {
        *ret_changes = sqlite3_total_changes64(conn->handle) - before;
    }
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return err;
}

static const char *sqlite_why(struct chat_db_conn *conn)
{
    return sqlite3_errmsg(conn->handle);
}

static const struct chat_db_backend sqlite_backend = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .savepoint = sqlite_savepoint,
    .release = sqlite_release,
    .rollback_to = sqlite_rollback_to,
    .script = run_sql,
    .prepare = sqlite_prepare,
    .exec = sqlite_exec,
    .why = sqlite_why,
};

const struct chat_db_backend *chat_db_sqlite(void)
{
    return &sqlite_backend;
}
