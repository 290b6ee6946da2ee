#include "signaling/directory/schema.h"

static const struct chat_db_migration migrations[] = {
    {"directory", "CREATE TABLE tenants ("
                  " id TEXT PRIMARY KEY,"
                  " name TEXT NOT NULL,"
                  " created_us BIGINT NOT NULL);"
                  "CREATE TABLE keys ("
                  " kid TEXT PRIMARY KEY,"
                  " tenant TEXT NOT NULL REFERENCES tenants (id),"
                  " secret BYTEA NOT NULL,"
                  " created_us BIGINT NOT NULL,"
                  " disabled_us BIGINT NOT NULL DEFAULT 0);"
                  "CREATE TABLE rooms ("
                  " id TEXT PRIMARY KEY,"
                  " tenant TEXT NOT NULL REFERENCES tenants (id),"
                  " name TEXT NOT NULL,"
                  " locked SMALLINT NOT NULL DEFAULT 0,"
                  " max_participants INTEGER NOT NULL DEFAULT 0,"
                  " created_us BIGINT NOT NULL,"
                  " UNIQUE (tenant, name));"
                  "CREATE TABLE revoked_tokens ("
                  " token_id TEXT PRIMARY KEY,"
                  " expires_us BIGINT NOT NULL);"
                  "CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires_us)"},
    {"stream keys", "CREATE TABLE streamkeys ("
                    " id TEXT PRIMARY KEY,"
                    " tenant TEXT NOT NULL REFERENCES tenants (id),"
                    " room TEXT NOT NULL,"
                    " name TEXT NOT NULL,"
                    " hash BYTEA NOT NULL UNIQUE,"
                    " created_us BIGINT NOT NULL,"
                    " revoked_us BIGINT NOT NULL DEFAULT 0)"},
};

static const char *const statements[SIG_DIR_STATEMENT_COUNT] = {
    [SIG_DIR_TENANT_ADD] = "INSERT INTO tenants (id, name, created_us) VALUES ($1, $2, $3)"
                           " ON CONFLICT (id) DO NOTHING",
    [SIG_DIR_KEY_ADD] =
        "INSERT INTO keys (kid, tenant, secret, created_us) VALUES ($1, $2, $3, $4)",
    [SIG_DIR_KEY_LIST] = "SELECT kid, tenant, secret, created_us, disabled_us FROM keys"
                         " ORDER BY created_us, kid",
    [SIG_DIR_KEY_DISABLE] = "UPDATE keys SET disabled_us = $1 WHERE kid = $2 AND disabled_us = 0",
    [SIG_DIR_KEY_EXISTS] = "SELECT 1 FROM keys WHERE kid = $1",
    [SIG_DIR_ROOM_FIND] = "SELECT id, tenant, name, locked, max_participants FROM rooms"
                          " WHERE tenant = $1 AND name = $2",
    [SIG_DIR_ROOM_ADD] = "INSERT INTO rooms (id, tenant, name, created_us) VALUES ($1, $2, $3, $4)",
    [SIG_DIR_ROOM_LOCK] = "UPDATE rooms SET locked = $1 WHERE id = $2",
    [SIG_DIR_REVOKED_ADD] = "INSERT INTO revoked_tokens (token_id, expires_us) VALUES ($1, $2)"
                            " ON CONFLICT (token_id) DO NOTHING",
    [SIG_DIR_REVOKED_LIST] = "SELECT token_id, expires_us FROM revoked_tokens",
    [SIG_DIR_STREAMKEY_ADD] = "INSERT INTO streamkeys (id, tenant, room, name, hash, created_us)"
                              " VALUES ($1, $2, $3, $4, $5, $6)",
    [SIG_DIR_STREAMKEY_LIST] = "SELECT id, tenant, room, name, hash, created_us FROM streamkeys"
                               " WHERE revoked_us = 0 ORDER BY created_us, id",
    [SIG_DIR_STREAMKEY_REVOKE] = "UPDATE streamkeys SET revoked_us = $1 WHERE id = $2",
    [SIG_DIR_REVOKED_PURGE] = "DELETE FROM revoked_tokens WHERE expires_us < $1",
};

static const struct chat_db_schema schema = {
    .name = "directory",
    .migrations = migrations,
    .migration_count = SFU_ARRAY_LEN(migrations),
    .statements = statements,
    .statement_count = SIG_DIR_STATEMENT_COUNT,
};

const struct chat_db_schema *sig_dir_schema(void)
{
    return &schema;
}
