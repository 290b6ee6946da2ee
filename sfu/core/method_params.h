/*
 * sfu/core/method_params.h - checks parameters against the tables of sfu/plugin.h.
 *
 * Pure; any thread.  What a method gets has passed here: types, ranges, nothing missing, nothing
 * unknown.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "sfu/base/attr.h"
#include "sfu/plugin.h"

enum {
    SFU_PARAMS_TEXT_MAX = 65536, /* bytes of a text whose row says nothing */
    SFU_PARAMS_ROWS_MAX = 1024,  /* of an array whose row says nothing */
    SFU_PARAMS_NESTING = 8,      /* deepest table */
};

/* table NULL: takes no parameters.  object NULL counts as {}.  0, or -EINVAL with *ret_error naming
 * the field, such as "tracks[0].mid". */
SFU_MUST_CHECK int sfu_params_check(const struct sfu_param *table, const json_t *object,
                                    struct sfu_error *ret_error);

/* Is the table itself well formed?  *ret_row names the bad row. */
SFU_MUST_CHECK bool sfu_params_table_ok(const struct sfu_param *table, const char **ret_row);

const char *sfu_params_type_name(enum sfu_param_type type);
/* What a row of the table takes at most. */
int64_t sfu_params_max(const struct sfu_param *row);
