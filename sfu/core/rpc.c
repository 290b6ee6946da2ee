#include "sfu/core/rpc.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sfu/base/str.h"

/* What the parser would have to build: how deep, and about how many values. */
struct shape {
    unsigned depth, values;
};

/* Before the parser recurses and allocates; strings are skipped.  Text that is no JSON may give
 * any shape: the parser refuses it. */
static struct shape shape_of(const char *text, size_t len)
{
    struct shape shape = {.values = 1};
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char ch = text[i];
        if (quoted) {
            if (ch == '\\') {
                i++;
            } else if (ch == '"') {
                quoted = false;
            }
        } else if (ch == '"') {
            quoted = true;
        } else if (ch == ',') {
            shape.values++;
        } else if (ch == '{' || ch == '[') {
            shape.values++;
            shape.depth = ++depth > shape.depth ? depth : shape.depth;
        } else if ((ch == '}' || ch == ']') && depth > 0) {
            depth--;
        }
    }
    return shape;
}

static bool read_id(const json_t *root, struct sfu_rpc_request *ret)
{
    const json_t *id = json_object_get(root, "id");
    ret->wants_reply = id != NULL;
    if (!id) {
        return true;
    }
    if (!json_is_integer(id) &&
        (!json_is_string(id) || json_string_length(id) > SFU_RPC_ID_BYTES)) {
        return false;
    }
    size_t n = json_dumpb(id, ret->id, sizeof ret->id - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    if (n == 0 || n >= sizeof ret->id) {
        memcpy(ret->id, "null", sizeof "null");
        return false;
    }
    ret->id[n] = 0;
    return true;
}

static bool known_member(const char *key)
{
    static const char *const members[] = {"jsonrpc", "id", "method", "params"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(members); i++) {
        if (strcmp(key, members[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool envelope_ok(json_t *root, struct sfu_rpc_request *ret, struct sfu_error *err)
{
    if (!json_is_object(root)) {
        return sfu_error_set(err, SFU_ERR_INVALID_REQUEST, NULL, "must be one object");
    }
    if (!read_id(root, ret)) {
        return sfu_error_set(err, SFU_ERR_INVALID_REQUEST, "id",
                             "must be an integer or a short string");
    }
    const char *version = json_string_value(json_object_get(root, "jsonrpc"));
    if (!version || strcmp(version, "2.0") != 0) {
        return sfu_error_set(err, SFU_ERR_INVALID_REQUEST, "jsonrpc", "must be \"2.0\"");
    }
    const json_t *method = json_object_get(root, "method");
    if (!json_is_string(method) || json_string_length(method) > SFU_RPC_METHOD_BYTES) {
        return sfu_error_set(err, SFU_ERR_INVALID_REQUEST, "method", "must be a short string");
    }
    const json_t *params = json_object_get(root, "params");
    if (params && !json_is_object(params)) {
        return sfu_error_set(err, SFU_ERR_INVALID_PARAM, "params", "must be an object");
    }
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (!known_member(key)) {
            return sfu_error_set(err, SFU_ERR_INVALID_REQUEST, key, "unknown member");
        }
    }
    ret->method = json_string_value(method);
    ret->params = params;
    return true;
}

json_t *sfu_rpc_json(const char *text, size_t len, struct sfu_error *ret_error)
{
    if (len > SFU_RPC_TEXT_MAX) {
        sfu_error_set(ret_error, SFU_ERR_TOO_LARGE, "ws_message_bytes", NULL);
        return NULL;
    }
    struct shape shape = shape_of(text, len);
    if (shape.depth > SFU_RPC_DEPTH_MAX || shape.values > SFU_RPC_VALUES_MAX) {
        sfu_error_set(ret_error, SFU_ERR_PARSE_ERROR,
                      shape.depth > SFU_RPC_DEPTH_MAX ? "json_depth" : "json_values", NULL);
        return NULL;
    }
    json_error_t where;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!root) {
        sfu_error_set(ret_error, SFU_ERR_PARSE_ERROR, NULL, "line %d, column %d", where.line,
                      where.column);
    }
    return root;
}

int sfu_rpc_parse(const char *text, size_t len, struct sfu_rpc_request *ret,
                  struct sfu_error *ret_error)
{
    *ret = (struct sfu_rpc_request){.id = "null", .wants_reply = true};
    json_t *root = sfu_rpc_json(text, len, ret_error);
    if (!root) {
        return -EBADMSG;
    }
    if (!envelope_ok(root, ret, ret_error)) {
        ret->wants_reply = true;
        json_decref(root);
        return -EBADMSG;
    }
    ret->root = root;
    return 0;
}

void sfu_rpc_release(struct sfu_rpc_request *request)
{
    json_decref(request->root);
    *request = (struct sfu_rpc_request){.id = "null"};
}

static int put_bytes(const char *buf, size_t size, void *arg)
{
    struct sfu_str *out = arg;
    sfu_str_put(out, buf, size);
    return sfu_str_ok(out) ? 0 : -1;
}

void sfu_rpc_put_json(struct sfu_str *out, const json_t *value)
{
    if (json_dump_callback(value, put_bytes, out,
                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6)) != 0) {
        out->bad = true;
    }
}

static char *take(struct sfu_str *out, size_t *ret_len)
{
    size_t len = out->len;
    char *text = sfu_str_take(out);
    sfu_str_fini(out);
    if (text) {
        *ret_len = len;
    }
    return text;
}

char *sfu_rpc_result(const char *id, const json_t *result, size_t *ret_len)
{
    struct sfu_str out;
    sfu_str_init_grow(&out, 4 * SFU_RPC_TEXT_MAX);
    sfu_str_puts(&out, "{\"jsonrpc\":\"2.0\",\"id\":");
    sfu_str_puts(&out, id);
    sfu_str_puts(&out, ",\"result\":");
    if (result) {
        sfu_rpc_put_json(&out, result);
    } else {
        sfu_str_puts(&out, "{}");
    }
    sfu_str_putc(&out, '}');
    return take(&out, ret_len);
}

static void put_text(struct sfu_str *out, const char *before, const char *text)
{
    sfu_str_puts(out, before);
    sfu_str_json(out, text, strlen(text));
    sfu_str_putc(out, '"');
}

char *sfu_rpc_error(const char *id, const struct sfu_error *error, size_t *ret_len)
{
    const struct sfu_err_info *info = sfu_err_info(error->code);
    struct sfu_str out;
    sfu_str_init_grow(&out, 4096);
    sfu_str_printf(&out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d", id, info->rpc);
    put_text(&out, ",\"message\":\"", sfu_error_text(error));
    put_text(&out, ",\"data\":{\"code\":\"", info->code);
    if (error->field[0]) {
        put_text(&out, ",\"field\":\"", error->field);
    }
    if (error->retry_after_ms > 0) {
        sfu_str_printf(&out, ",\"retry_after_ms\":%u", error->retry_after_ms);
    }
    sfu_str_puts(&out, "}}}");
    return take(&out, ret_len);
}

char *sfu_rpc_notification(const char *method, const char *body, size_t body_len, uint64_t seq,
                           size_t *ret_len)
{
    struct sfu_str out;
    sfu_str_init_grow(&out, body_len + 256);
    sfu_str_printf(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", method);
    if (seq == 0) {
        sfu_str_put(&out, body, body_len);
    } else {
        sfu_str_put(&out, body, body_len - 1); /* without its closing brace */
        sfu_str_printf(&out, "%s\"seq\":%" PRIu64 "}", body_len > 2 ? "," : "", seq);
    }
    sfu_str_putc(&out, '}');
    return take(&out, ret_len);
}
