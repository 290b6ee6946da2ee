#include <errno.h>
#include <string.h>

#include "chat/db/backend.h"
#include "sfu/log.h"

/* One row per migration that was applied, for all schemas that share a store. */
static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                " schema TEXT NOT NULL,"
                                " version BIGINT NOT NULL,"
                                " name TEXT NOT NULL,"
                                " applied_us BIGINT NOT NULL,"
                                " PRIMARY KEY (schema, version))";

enum { READ_VERSION, ADD_VERSION, STATEMENTS };

static const char *const statements[STATEMENTS] = {
    [READ_VERSION] = "SELECT COALESCE(MAX(version), 0) FROM schema_migrations WHERE schema = $1",
    [ADD_VERSION] = "INSERT INTO schema_migrations (schema, version, name, applied_us)"
                    " VALUES ($1, $2, $3, $4)",
};

static struct chat_db_value text(const char *s)
{
    return (struct chat_db_value){.type = CHAT_DB_TEXT, .data = s, .len = strlen(s)};
}

static int take_int(void *arg, const struct chat_db_value *cols, size_t count)
{
    if (count != 1 || cols[0].type != CHAT_DB_INT) {
        return -EBADMSG;
    }
    *(int64_t *)arg = cols[0].i;
    return 0;
}

static int read_version(const struct chat_db_backend *b, struct chat_db_conn *conn,
                        const struct chat_db_schema *schema, int64_t *ret_version)
{
    struct chat_db_value name = text(schema->name);
    return b->exec(conn, READ_VERSION, &name, 1, take_int, ret_version, NULL);
}

/* Inside a transaction.  The version is read again there: two processes may start at once. */
static int apply_next(const struct chat_db_backend *b, struct chat_db_conn *conn,
                      const struct chat_db_schema *schema, int64_t wall_us, int64_t *ret_version)
{
    int64_t version = 0;
    int err = read_version(b, conn, schema, &version);
    if (err) {
        return err;
    }
    if (version > (int64_t)schema->migration_count) {
        *ret_version = version;
        return -ENOTSUP;
    }
    if (version < (int64_t)schema->migration_count) {
        const struct chat_db_migration *m = &schema->migrations[version];
        version++;
        err = b->script(conn, m->sql);
        if (!err) {
            struct chat_db_value params[] = {text(schema->name),
                                             {.type = CHAT_DB_INT, .i = version},
                                             text(m->name),
                                             {.type = CHAT_DB_INT, .i = wall_us}};
            err = b->exec(conn, ADD_VERSION, params, SFU_ARRAY_LEN(params), NULL, NULL, NULL);
        }
        if (err) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_DB, "migration failed", "schema=%s name=%s why=%s",
                    schema->name, m->name, b->why(conn));
            return err;
        }
        SFU_LOG(SFU_LOG_INFO, SFU_COMP_DB, "migrated", "schema=%s version=%lld name=%s",
                schema->name, (long long)version, m->name);
    }
    *ret_version = version;
    return 0;
}

static int in_transaction(const struct chat_db_backend *b, struct chat_db_conn *conn,
                          const struct chat_db_schema *schema, int64_t wall_us,
                          int64_t *ret_version)
{
    int err = b->begin(conn);
    if (err) {
        return err;
    }
    err = apply_next(b, conn, schema, wall_us, ret_version);
    if (err) {
        b->rollback(conn);
        return err;
    }
    return b->commit(conn);
}

int chat_db_migrate(const struct chat_db_backend *backend, struct chat_db_conn *conn,
                    const struct chat_db_schema *schema, int64_t wall_us, int64_t *ret_version)
{
    int err = backend->script(conn, table_sql);
    if (!err) {
        err = backend->prepare(conn, statements, STATEMENTS);
    }
    int64_t version = 0;
    do {
        if (!err) {
            err = in_transaction(backend, conn, schema, wall_us, &version);
        }
        if (err == -ENOTSUP) {
            *ret_version = version;
        }
        if (err) {
            return err;
        }
    } while (version < (int64_t)schema->migration_count);
    *ret_version = version;
    return 0;
}
