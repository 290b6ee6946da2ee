#include "sfu/core/method_params.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sfu/base/str.h"

/* Where the check is, as the client writes it.  What does not fit the error's field is left out. */
struct check {
    struct sfu_error *error;
    struct sfu_str path;
    char buf[sizeof((struct sfu_error *)0)->field];
};

typedef bool (*check_fn)(struct check *ck, const struct sfu_param *row, const json_t *value);

static bool check_object(struct check *ck, const struct sfu_param *row, const json_t *value);
static bool check_array(struct check *ck, const struct sfu_param *row, const json_t *value);

static bool refuse(struct check *ck, const char *why)
{
    return sfu_error_set(ck->error, SFU_ERR_INVALID_PARAM, sfu_str_cstr(&ck->path), "%s", why);
}

static bool check_number(struct check *ck, const struct sfu_param *row, int64_t n, const char *unit)
{
    bool open = row->min == 0 && row->max == 0 && row->type == SFU_PARAM_INT;
    if (open || (n >= row->min && n <= sfu_params_max(row))) {
        return true;
    }
    return sfu_error_set(ck->error, SFU_ERR_INVALID_PARAM, sfu_str_cstr(&ck->path),
                         "must be %" PRId64 "..%" PRId64 "%s", row->min, sfu_params_max(row), unit);
}

static bool check_string(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    if (!json_is_string(value)) {
        return refuse(ck, "must be a string");
    }
    return check_number(ck, row, (int64_t)json_string_length(value), " bytes long");
}

static bool check_int(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    if (!json_is_integer(value)) {
        return refuse(ck, "must be an integer");
    }
    return check_number(ck, row, json_integer_value(value), "");
}

static bool check_real(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    double n = json_number_value(value);
    bool open = row->min == 0 && row->max == 0;
    if (!json_is_number(value) || (!open && (n < (double)row->min || n > (double)row->max))) {
        return refuse(ck, "must be a number within the range");
    }
    return true;
}

static bool check_bool(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    (void)row;
    return json_is_boolean(value) || refuse(ck, "must be true or false");
}

static bool check_enum(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    const char *text = json_string_value(value);
    for (size_t i = 0; text && row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) == 0) {
            return true;
        }
    }
    return refuse(ck, "must be one of the listed words");
}

static int count_bytes(const char *buf, size_t size, void *arg)
{
    (void)buf;
    *(size_t *)arg += size;
    return 0;
}

static bool check_json(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    if (!json_is_object(value)) {
        return refuse(ck, "must be an object");
    }
    size_t bytes = 0;
    if (json_dump_callback(value, count_bytes, &bytes, JSON_COMPACT) != 0) {
        return refuse(ck, "cannot be written");
    }
    return check_number(ck, row, (int64_t)bytes, " bytes of JSON");
}

static const struct {
    const char *name;
    check_fn fn;
    int64_t max; /* when the row says nothing */
} types[SFU_PARAM_TYPES] = {
    [SFU_PARAM_STRING] = {"string", check_string, SFU_PARAMS_TEXT_MAX},
    [SFU_PARAM_INT] = {"integer", check_int, INT64_MAX},
    [SFU_PARAM_BOOL] = {"boolean", check_bool, 0},
    [SFU_PARAM_ENUM] = {"word", check_enum, 0},
    [SFU_PARAM_OBJECT] = {"object", check_object, 0},
    [SFU_PARAM_ARRAY] = {"array", check_array, SFU_PARAMS_ROWS_MAX},
    [SFU_PARAM_JSON] = {"JSON object", check_json, SFU_PARAMS_TEXT_MAX},
    [SFU_PARAM_NUMBER] = {"number", check_real, 0},
};

const char *sfu_params_type_name(enum sfu_param_type type)
{
    return (unsigned)type < SFU_PARAM_TYPES && types[type].name ? types[type].name : "";
}

int64_t sfu_params_max(const struct sfu_param *row)
{
    return row->max ? row->max : types[row->type].max;
}

static const struct sfu_param *find_row(const struct sfu_param *table, const char *name)
{
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        if (strcmp(row->name, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Cuts the path back to what it was before the last piece was put. */
static void path_back(struct check *ck, size_t len)
{
    ck->path.len = len;
    ck->path.bad = false;
    ck->buf[len] = 0;
}

static void path_name(struct check *ck, const char *name)
{
    if (ck->path.len > 0 && name[0]) {
        sfu_str_putc(&ck->path, '.');
    }
    sfu_str_puts(&ck->path, name);
}

static bool check_fields(struct check *ck, const struct sfu_param *table, const json_t *object)
{
    size_t len = ck->path.len;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!find_row(table, key)) {
            path_name(ck, key);
            return refuse(ck, "unknown parameter");
        }
    }
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        value = json_object_get(object, row->name);
        if (!value && !row->required) {
            continue;
        }
        path_name(ck, row->name);
        if (!value) {
            return refuse(ck, "is missing");
        }
        if (!types[row->type].fn(ck, row, value)) {
            return false;
        }
        path_back(ck, len);
    }
    return true;
}

static bool check_object(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    if (!json_is_object(value)) {
        return refuse(ck, "must be an object");
    }
    return check_fields(ck, row->fields, value);
}

static bool check_array(struct check *ck, const struct sfu_param *row, const json_t *value)
{
    if (!json_is_array(value)) {
        return refuse(ck, "must be an array");
    }
    if (!check_number(ck, row, (int64_t)json_array_size(value), " rows")) {
        return false;
    }
    const struct sfu_param *scalar = row->fields[0].name[0] ? NULL : row->fields;
    size_t len = ck->path.len;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        sfu_str_printf(&ck->path, "[%zu]", i);
        bool ok = scalar ? types[scalar->type].fn(ck, scalar, item) : check_object(ck, row, item);
        if (!ok) {
            return false;
        }
        path_back(ck, len);
    }
    return true;
}

int sfu_params_check(const struct sfu_param *table, const json_t *object,
                     struct sfu_error *ret_error)
{
    struct check ck = {.error = ret_error};
    sfu_str_init_fixed(&ck.path, ck.buf, sizeof ck.buf);
    if (object && !json_is_object(object)) {
        sfu_error_set(ret_error, SFU_ERR_INVALID_PARAM, "params", "must be an object");
        return -EINVAL;
    }
    if (!object) {
        const struct sfu_param *row = table;
        while (row && row->type != SFU_PARAM_END && !row->required) {
            row++;
        }
        if (!row || row->type == SFU_PARAM_END) {
            return 0;
        }
        sfu_error_set(ret_error, SFU_ERR_INVALID_PARAM, row->name, "is missing");
        return -EINVAL;
    }
    return check_fields(&ck, table, object) ? 0 : -EINVAL;
}

static bool table_ok(const struct sfu_param *table, unsigned depth, const char **ret_row);

static bool row_ok(const struct sfu_param *row, unsigned depth, const char **ret_row)
{
    bool array = row->type == SFU_PARAM_ARRAY;
    bool known = (unsigned)row->type < SFU_PARAM_TYPES && types[row->type].fn && row->name &&
                 row->min <= sfu_params_max(row);
    if (!known || (row->type == SFU_PARAM_ENUM && (!row->choices || !row->choices[0])) ||
        (array && (!row->fields || !row->fields[0].name))) {
        *ret_row = row->name ? row->name : "(no name)";
        return false;
    }
    bool nested = row->type == SFU_PARAM_OBJECT || array;
    return !nested || table_ok(row->fields, depth + 1, ret_row);
}

static bool table_ok(const struct sfu_param *table, unsigned depth, const char **ret_row)
{
    if (depth > SFU_PARAMS_NESTING) {
        *ret_row = "(too deep)";
        return false;
    }
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        if (!row_ok(row, depth, ret_row)) {
            return false;
        }
        if (find_row(table, row->name) != row) {
            *ret_row = row->name;
            return false;
        }
    }
    return true;
}

bool sfu_params_table_ok(const struct sfu_param *table, const char **ret_row)
{
    return table_ok(table, 0, ret_row);
}
