/*
 * sfu/include/sfu/versions.h - every format that two programs or two releases must agree on.
 *
 * A number grows when the other side would misread the new form.  The table is const; any thread.
 */
#pragma once

#include <stdint.h>

struct sfu_str;

/* X(ID, name, number, oldest number still understood, where it is seen) */
/* clang-format off */
#define SFU_VERSIONS(X)                                                                            \
    X(SIGNALLING, "signalling", 1, 1, "WebSocket sub-protocol stoa.v1, paths /v1/")                \
    X(PLUGIN_ABI, "plugin_abi", 3, 3, "struct sfu_plugin in sfu/plugin.h")                         \
    X(SPOOL, "spool", 1, 1, "header of a recording journal")                                       \
    X(RECORDER_SOCKET, "recorder_socket", 1, 1, "hello of the unix socket to stoa-recorder")       \
    X(SCHEMA, "schema", 2, 1, "table schema_migrations of the database")                           \
    X(CONFIG, "config", 1, 1, "conf/stoa.yaml")
/* clang-format on */

enum sfu_version {
#define SFU_VERSION_ROW(id, ...) SFU_VERSION_##id,
    SFU_VERSIONS(SFU_VERSION_ROW)
#undef SFU_VERSION_ROW
        SFU_VERSION_COUNT
};

/* The numbers as constants: SFU_VERSION_PLUGIN_ABI_NUMBER …. */
enum {
#define SFU_VERSION_ROW(id, name, number, oldest, where) SFU_VERSION_##id##_NUMBER = (number),
    SFU_VERSIONS(SFU_VERSION_ROW)
#undef SFU_VERSION_ROW
};

struct sfu_version_info {
    const char *name;
    const char *where;
    uint32_t number, oldest;
};

const struct sfu_version_info *sfu_version_info(enum sfu_version v);
const char *sfu_version_string(void); /* of the product: "0.1.0" */
void sfu_version_print_markdown(struct sfu_str *out);
