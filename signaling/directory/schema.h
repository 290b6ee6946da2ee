/*
 * signaling/directory/schema.h - the directory's tables and every statement it runs.
 *
 * Const; any thread.  Migrations are only ever appended: released ones never change.
 */
#pragma once

#include "chat/db/backend.h"

enum sig_dir_statement {
    SIG_DIR_TENANT_ADD,       /* id, name, created_us */
    SIG_DIR_KEY_ADD,          /* kid, tenant, secret, created_us */
    SIG_DIR_KEY_LIST,         /* -> kid, tenant, secret, created_us, disabled_us */
    SIG_DIR_KEY_DISABLE,      /* disabled_us, kid */
    SIG_DIR_KEY_EXISTS,       /* kid -> 1 */
    SIG_DIR_ROOM_FIND,        /* tenant, name -> id, tenant, name, locked, max_participants */
    SIG_DIR_ROOM_ADD,         /* id, tenant, name, created_us */
    SIG_DIR_ROOM_LOCK,        /* locked, id */
    SIG_DIR_REVOKED_ADD,      /* token_id, expires_us */
    SIG_DIR_REVOKED_LIST,     /* -> token_id, expires_us */
    SIG_DIR_REVOKED_PURGE,    /* expires_us */
    SIG_DIR_STREAMKEY_ADD,    /* id, tenant, room, name, hash, created_us */
    SIG_DIR_STREAMKEY_LIST,   /* -> the same, of those in use */
    SIG_DIR_STREAMKEY_REVOKE, /* revoked_us, id */
    SIG_DIR_STATEMENT_COUNT
};

const struct chat_db_schema *sig_dir_schema(void);
