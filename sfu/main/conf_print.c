/*
 * sfu/main/conf_print.c - the configuration and its table as YAML and as a reference page.
 */
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/main/conf.h"
#include "sfu/main/conf_keys.h"

enum { COMMENT_COLUMNS = 96 };

static void print_quoted(struct sfu_str *out, const char *text, size_t len)
{
    sfu_str_putc(out, '"');
    sfu_str_json(out, text, len);
    sfu_str_putc(out, '"');
}

static void print_list(struct sfu_str *out, const struct sfu_conf_list *list)
{
    sfu_str_putc(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        sfu_str_puts(out, i > 0 ? ", " : "");
        print_quoted(out, list->items[i], strlen(list->items[i]));
    }
    sfu_str_putc(out, ']');
}

static void print_value(struct sfu_str *out, const struct conf_key *key, const void *field)
{
    const char *text;
    switch (key->kind) {
    case CONF_BOOL:
        sfu_str_puts(out, *(const bool *)field ? "true" : "false");
        break;
    case CONF_INT:
        sfu_str_putu(out, *(const uint32_t *)field);
        break;
    case CONF_STR:
        text = *(const char *const *)field;
        text = key->flags & CONF_SECRET && *text != '\0' ? "********" : text;
        print_quoted(out, text, strlen(text));
        break;
    case CONF_LIST:
        print_list(out, field);
        break;
    }
}

static bool is_settable(const struct conf_key *key)
{
    return !key->unit || key->lowest != key->highest;
}

/* Starts the section of the key when it is another one than before. */
static void print_section(struct sfu_str *out, const char **current, const char *section)
{
    if (!*current || strcmp(*current, section) != 0) {
        sfu_str_printf(out, "%s%s:\n", *current ? "\n" : "", section);
        *current = section;
    }
}

void sfu_conf_print(const struct sfu_conf *conf, struct sfu_str *out)
{
    const char *section = NULL;
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        if (is_settable(key)) {
            print_section(out, &section, key->section);
            sfu_str_printf(out, "  %s: ", key->key);
            print_value(out, key, (const char *)conf + key->offset);
            sfu_str_putc(out, '\n');
        }
    }
    for (size_t i = 0; i < conf->plugin_item_count; i++) {
        const struct sfu_conf_item *item = &conf->plugin_items[i];
        bool again = false;
        for (size_t j = 0; j < i && !again; j++) {
            again = strcmp(conf->plugin_items[j].section, item->section) == 0;
        }
        if (again) {
            continue; /* printed with the first one of its section */
        }
        print_section(out, &section, item->section);
        for (size_t j = i; j < conf->plugin_item_count; j++) {
            const struct sfu_conf_item *one = &conf->plugin_items[j];
            if (strcmp(one->section, item->section) == 0) {
                sfu_str_puts(out, "  ");
                print_quoted(out, one->key, strlen(one->key));
                sfu_str_puts(out, ": ");
                print_quoted(out, one->value, strlen(one->value));
                sfu_str_putc(out, '\n');
            }
        }
    }
}

/* Words of text as comment lines. */
static void print_comment(struct sfu_str *out, const char *text)
{
    size_t column = 0;
    for (const char *p = text + strspn(text, " "); *p != '\0'; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (column == 0 || column + 1 + n > COMMENT_COLUMNS) {
            sfu_str_puts(out, column == 0 ? "  #" : "\n  #");
            column = 3;
        }
        sfu_str_putc(out, ' ');
        sfu_str_put(out, p, n);
        column += 1 + n;
        p += n;
    }
    sfu_str_putc(out, '\n');
}

static void print_range(struct sfu_str *out, const struct conf_key *key)
{
    if (key->choices) {
        sfu_str_printf(out, "%s", key->choices);
    } else if (key->kind == CONF_INT) {
        sfu_str_printf(out, "%u..%u", key->lowest, key->highest);
    } else if (key->kind == CONF_LIST) {
        sfu_str_printf(out, "%u..%u items", key->lowest, key->highest);
    } else {
        sfu_str_puts(out, key->kind == CONF_BOOL ? "true|false" : "text");
    }
}

static void print_default_list(struct sfu_str *out, const char *words)
{
    sfu_str_putc(out, '[');
    for (const char *p = words; *p != '\0';) {
        size_t n = strcspn(p, ",");
        print_quoted(out, p, n);
        p += n;
        if (*p == ',') {
            sfu_str_puts(out, ", ");
            p++;
        }
    }
    sfu_str_putc(out, ']');
}

static void print_default_value(struct sfu_str *out, const struct conf_key *key)
{
    if (key->kind == CONF_LIST) {
        print_default_list(out, key->def);
    } else if (key->kind == CONF_STR) {
        print_quoted(out, key->def, strlen(key->def));
    } else {
        sfu_str_puts(out, key->def);
    }
}

static void print_key_comment(struct sfu_str *out, const struct conf_key *key)
{
    char text[512];
    struct sfu_str s;
    sfu_str_init_fixed(&s, text, sizeof text);
    sfu_str_puts(&s, key->text);
    if (key->kind == CONF_INT || key->choices) {
        sfu_str_puts(&s, " (");
        print_range(&s, key);
        if (key->unit) {
            sfu_str_printf(&s, " %s", key->unit);
        }
        sfu_str_putc(&s, ')');
    }
    print_comment(out, text);
}

void sfu_conf_print_default(struct sfu_str *out)
{
    const char *section = NULL;
    sfu_str_puts(out,
                 "# The configuration of stoad. These are the defaults: a file needs only what "
                 "differs.\n"
                 "# The environment wins over the file: STOA_HTTP_PORT=9000, lists with commas "
                 "between the items.\n"
                 "# Secrets can be read from a file: STOA_HTTP_METRICS_TOKEN_FILE=/path.\n"
                 "# `stoad --check-config FILE` tells whether a file is right, `--print-config` "
                 "what is in force.\n\n");
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        if (is_settable(key)) {
            print_section(out, &section, key->section);
            print_key_comment(out, key);
            sfu_str_printf(out, "  %s: ", key->key);
            print_default_value(out, key);
            sfu_str_putc(out, '\n');
        }
    }
}

/* '|' would end the cell of a table. */
static void print_cell(struct sfu_str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            sfu_str_putc(out, '\\');
        }
        sfu_str_putc(out, *text);
    }
}

void sfu_conf_print_markdown(struct sfu_str *out)
{
    sfu_str_puts(out, "| key | default | may be | live | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        char range[160];
        struct sfu_str s;
        if (key->unit) {
            continue; /* the limits have a table of their own */
        }
        sfu_str_init_fixed(&s, range, sizeof range);
        print_range(&s, key);
        sfu_str_printf(out, "| `%s.%s` | `", key->section, key->key);
        print_default_value(out, key);
        sfu_str_puts(out, "` | ");
        print_cell(out, range);
        sfu_str_printf(out, "%s | %s | ", key->flags & CONF_SECRET ? ", secret" : "",
                       key->flags & CONF_LIVE ? "yes" : "no");
        print_cell(out, key->text);
        sfu_str_puts(out, " |\n");
    }
}
