/*
 * chat/db/backend.h - what a relational store must do to sit under chat/db: the contract between
 * the writer thread and SQLite (libpq takes the same table later; one contract test runs against
 * both).
 *
 * A connection belongs to one thread, the one that opened it; every function may block.  SQL uses
 * $1…$n, in the order of first use, and nothing that only one of the stores understands.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct chat_db_conn; /* body in the store's file */

enum chat_db_type { CHAT_DB_NULL, CHAT_DB_INT, CHAT_DB_TEXT, CHAT_DB_BLOB };

/* A parameter or a column.  data is borrowed: for columns only during the row function. */
struct chat_db_value {
    enum chat_db_type type;
    int64_t i;
    const void *data; /* TEXT (with a NUL behind when it is a column), BLOB */
    size_t len;
};

/* Called once per row.  Not 0: stop; that value is what exec returns (use a negative errno). */
typedef int (*chat_db_row_fn)(void *arg, const struct chat_db_value *cols, size_t count);

struct chat_db_migration {
    const char *name; /* for the log and the table schema_migrations */
    const char *sql;  /* several statements, none of them BEGIN or COMMIT */
};

/* One domain's tables.  Migration n (from 1) is migrations[n - 1]; rows are only ever appended. */
struct chat_db_schema {
    const char *name; /* "directory" */
    const struct chat_db_migration *migrations;
    size_t migration_count;
    const char *const *statements; /* prepared once after the migrations; named by their index */
    size_t statement_count;
};

/*
 * 0 or: -ENOENT no such store and create is false, -EBUSY another process holds the lock longer
 * than the busy timeout, -ENOSPC, -EIO, -EEXIST a unique constraint, -EINVAL another constraint or
 * a wrong call, -EBADMSG the file is no database.
 */
struct chat_db_backend {
    const char *name;
    int (*open)(const char *target, bool create, int busy_timeout_ms,
                struct chat_db_conn **ret_conn);
    void (*close)(struct chat_db_conn *conn); /* NULL is allowed; rolls back */
    int (*begin)(struct chat_db_conn *conn);  /* takes the write lock */
    int (*commit)(struct chat_db_conn *conn); /* 0: durable.  Otherwise nothing happened */
    void (*rollback)(struct chat_db_conn *conn);
    /* One level inside a transaction. */
    int (*savepoint)(struct chat_db_conn *conn);
    int (*release)(struct chat_db_conn *conn);
    int (*rollback_to)(struct chat_db_conn *conn);
    int (*script)(struct chat_db_conn *conn, const char *sql);
    /* Outside the table of prepared statements: for migrations. */
    int (*prepare)(struct chat_db_conn *conn, const char *const *statements, size_t count);
    int (*exec)(struct chat_db_conn *conn, unsigned statement, const struct chat_db_value *params,
                size_t count, chat_db_row_fn row, void *arg, int64_t *ret_changes);
    const char *(*why)(struct chat_db_conn *conn); /* text of the last failure, for the log */
};

const struct chat_db_backend *chat_db_sqlite(void);

/*
 * Brings the schema up to date, each migration in a transaction of its own.  -ENOTSUP: the store
 * was written by a newer version (*ret_version says which); nothing was changed.
 */
SFU_MUST_CHECK int chat_db_migrate(const struct chat_db_backend *backend, struct chat_db_conn *conn,
                                   const struct chat_db_schema *schema, int64_t wall_us,
                                   int64_t *ret_version);
