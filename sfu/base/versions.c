/*
 * sfu/base/versions.c - look-ups in the table of sfu/versions.h.
 */
#include "sfu/versions.h"

#include "sfu/base/str.h"

static const struct sfu_version_info infos[SFU_VERSION_COUNT] = {
#define VERSION_ROW(id, name_, number_, oldest_, where_)                                           \
    [SFU_VERSION_##                                                                                \
        id] = {.name = (name_), .where = (where_), .number = (number_), .oldest = (oldest_)},
    SFU_VERSIONS(VERSION_ROW)
#undef VERSION_ROW
};

const struct sfu_version_info *sfu_version_info(enum sfu_version v)
{
    return &infos[v];
}

const char *sfu_version_string(void)
{
    return STOA_VERSION;
}

void sfu_version_print_markdown(struct sfu_str *out)
{
    sfu_str_puts(out, "| format | version | oldest understood | where |\n|---|---|---|---|\n");
    for (unsigned i = 0; i < SFU_VERSION_COUNT; i++) {
        const struct sfu_version_info *v = &infos[i];
        sfu_str_printf(out, "| `%s` | %u | %u | %s |\n", v->name, v->number, v->oldest, v->where);
    }
}
