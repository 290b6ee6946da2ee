#include "signaling/json.h"

#include <errno.h>
#include <stdbool.h>

#include "sfu/limits.h"

/* Before the parser, which recurses.  Brackets inside strings do not count. */
static bool depth_ok(const char *text, size_t len)
{
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > SFU_MAX_JSON_DEPTH) {
                return false;
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

int sig_json_object(const char *text, size_t len, json_t **ret_root)
{
    if (!depth_ok(text, len)) {
        return -EBADMSG;
    }
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return -EBADMSG;
    }
    *ret_root = root;
    return 0;
}

const char *sig_json_string(const json_t *object, const char *name, size_t *ret_len)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return NULL;
    }
    *ret_len = json_string_length(value);
    return json_string_value(value);
}
