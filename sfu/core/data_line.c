#include "sfu/core/data_line.h"

#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/rpc.h"

enum { PARTICIPANT_ID_MAX = 31 };

static int read_topic(struct sfu_data_line *line)
{
    const json_t *topic = json_object_get(line->root, "topic");
    if (!topic) {
        return 0;
    }
    line->topic = json_string_value(topic);
    return line->topic && json_string_length(topic) <= SFU_DATA_TOPIC_MAX ? 0 : -EPROTO;
}

static int read_to(struct sfu_data_line *line)
{
    const json_t *to = json_object_get(line->root, "to");
    if (!to) {
        return 0;
    }
    size_t n = json_array_size(to); /* 0 also for what is no array */
    if (n == 0 || n > SFU_DATA_TO_MAX) {
        return -EPROTO;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(to, i);
        line->to[i] = json_string_value(id);
        if (!line->to[i] || json_string_length(id) > PARTICIPANT_ID_MAX) {
            return -EPROTO;
        }
    }
    line->to_count = n;
    return 0;
}

int sfu_data_line_parse(const uint8_t *data, size_t len, struct sfu_data_line *ret_line,
                        enum sfu_data_refusal *ret_why)
{
    static const struct {
        int (*read)(struct sfu_data_line *line);
        enum sfu_data_refusal why;
    } members[] = {{read_topic, SFU_DATA_REFUSED_TOPIC}, {read_to, SFU_DATA_REFUSED_TO}};
    const uint8_t *end =
        len > 0 ? memchr(data, '\n', len < SFU_DATA_LINE_MAX ? len : SFU_DATA_LINE_MAX) : NULL;
    struct sfu_error error;
    if (!end) {
        *ret_why = SFU_DATA_REFUSED_LINE;
        return -EPROTO;
    }
    struct sfu_data_line line = {.len = (size_t)(end - data) + 1};
    if (line.len > 1) {
        line.root = sfu_rpc_json((const char *)data, line.len - 1, &error);
        if (!json_is_object(line.root)) {
            *ret_why = SFU_DATA_REFUSED_LINE;
            json_decref(line.root);
            return -EPROTO;
        }
    }
    for (size_t i = 0; line.root && i < SFU_ARRAY_LEN(members); i++) {
        if (members[i].read(&line) < 0) {
            *ret_why = members[i].why;
            json_decref(line.root);
            return -EPROTO;
        }
    }
    *ret_line = line;
    return 0;
}

void sfu_data_line_release(struct sfu_data_line *line)
{
    json_decref(line->root);
    line->root = NULL;
}

size_t sfu_data_line_write(const char *topic, const char *from, bool direct, char *buf, size_t cap)
{
    struct sfu_str out;
    sfu_str_init_fixed(&out, buf, cap);
    sfu_str_puts(&out, "{");
    if (topic) {
        sfu_str_puts(&out, "\"topic\":\"");
        sfu_str_json(&out, topic, strlen(topic));
        sfu_str_puts(&out, "\",");
    }
    sfu_str_puts(&out, "\"from\":\"");
    sfu_str_json(&out, from, strlen(from));
    sfu_str_puts(&out, direct ? "\",\"direct\":true}\n" : "\"}\n");
    return sfu_str_ok(&out) ? out.len : 0;
}
