#include "tests/impair/command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 48 };

struct key {
    const char *name;
    size_t field;
    double unit;
    double min, max; /* as written */
};

static const struct key keys[] = {
    {"rate_kbps", offsetof(struct impair_settings, rate_bps), 1e3, 0, 1e6},
    {"queue_bytes", offsetof(struct impair_settings, queue_bytes), 1, 0, 1e7},
    {"delay_ms", offsetof(struct impair_settings, delay_us), 1e3, 0, 1e4},
    {"jitter_ms", offsetof(struct impair_settings, jitter_us), 1e3, 0, 1e4},
    {"loss_percent", offsetof(struct impair_settings, loss), 1e-2, 0, 100},
    {"burst_percent", offsetof(struct impair_settings, burst), 1e-2, 0, 100},
    {"burst_pkts", offsetof(struct impair_settings, burst_pkts), 1, 1, 1e4},
};

static const struct {
    const char *name;
    bool ways[IMPAIR_WAYS];
} targets[] = {
    {"up", {true, false}},
    {"down", {false, true}},
    {"both", {true, true}},
};

void impair_settings_init(struct impair_settings *ret)
{
    *ret = (struct impair_settings){.queue_bytes = 64000, .burst_pkts = 1};
}

/* The next word of the line; false: there is none, or it is too long, which no word of ours is. */
static bool next_word(const char **line, char ret_word[WORD])
{
    *line += strspn(*line, " \t\r\n");
    size_t len = strcspn(*line, " \t\r\n");
    if (len == 0 || len >= WORD) {
        return false;
    }
    memcpy(ret_word, *line, len);
    ret_word[len] = '\0';
    *line += len;
    return true;
}

static int read_pair(const char *word, struct impair_settings *s)
{
    const char *equals = strchr(word, '=');
    for (size_t i = 0; equals && i < sizeof keys / sizeof keys[0]; i++) {
        const struct key *key = &keys[i];
        size_t len = (size_t)(equals - word);
        if (strlen(key->name) != len || memcmp(key->name, word, len) != 0) {
            continue;
        }
        char *end;
        double value = strtod(equals + 1, &end);
        if (end == equals + 1 || *end != '\0' || !(value >= key->min && value <= key->max)) {
            return -EBADMSG;
        }
        value *= key->unit;
        memcpy((char *)s + key->field, &value, sizeof value);
        return 0;
    }
    return -EBADMSG;
}

static int read_target(const char *word, const bool **ret_ways)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        if (strcmp(targets[i].name, word) == 0) {
            *ret_ways = targets[i].ways;
            return 0;
        }
    }
    return -EBADMSG;
}

static bool at_end(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

int impair_command_read(const char *line, struct impair_settings ways[IMPAIR_WAYS],
                        enum impair_verb *ret_verb)
{
    struct impair_settings changed[IMPAIR_WAYS];
    char word[WORD];
    const bool *to;

    if (!next_word(&line, word)) {
        return -EBADMSG;
    }
    if (strcmp(word, "stat") == 0 && at_end(line)) {
        *ret_verb = IMPAIR_VERB_STAT;
        return 0;
    }
    if (read_target(word, &to) < 0 || at_end(line)) {
        return -EBADMSG;
    }
    memcpy(changed, ways, sizeof changed);
    while (next_word(&line, word)) {
        for (unsigned i = 0; i < IMPAIR_WAYS; i++) {
            if (to[i] && read_pair(word, &changed[i]) < 0) {
                return -EBADMSG;
            }
        }
    }
    if (!at_end(line)) {
        return -EBADMSG;
    }
    memcpy(ways, changed, sizeof changed);
    *ret_verb = IMPAIR_VERB_SET;
    return 0;
}
