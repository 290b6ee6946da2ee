/*
 * sfu/main/conf_yaml.c - the events of libyaml against the key table: {section: {key: value}}.
 *
 * Anchors, aliases, tags and a second document are refused: a configuration has no use for them.
 */
#include <errno.h>
#include <string.h>

#include <yaml.h>

#include "sfu/base/str.h"
#include "sfu/main/conf_load.h"

struct reader {
    struct conf_loader *l;
    yaml_parser_t parser;
    yaml_event_t event;
    struct conf_place place; /* of the event */
};

static int yaml_problem(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        return conf_fail(r->l, -ENOMEM, NULL, "out of memory");
    }
    struct conf_place place = {(unsigned)p->problem_mark.line + 1,
                               (unsigned)p->problem_mark.column + 1, NULL};
    return conf_fail(r->l, -EBADMSG, &place, "not YAML: %s%s%s",
                     p->problem ? p->problem : "unreadable", p->context ? " " : "",
                     p->context ? p->context : "");
}

/* The next event in r->event; the one before is gone. */
static int next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        memset(&r->event, 0, sizeof r->event);
        return yaml_problem(r);
    }
    r->place.line = (unsigned)r->event.start_mark.line + 1;
    r->place.column = (unsigned)r->event.start_mark.column + 1;
    bool fancy = r->event.type == YAML_ALIAS_EVENT;
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        fancy = r->event.data.scalar.anchor || r->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        fancy = r->event.data.sequence_start.anchor || r->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        fancy = r->event.data.mapping_start.anchor || r->event.data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (fancy) {
        return conf_fail(r->l, -EINVAL, &r->place, "anchors, aliases and tags are not allowed");
    }
    return 0;
}

static bool at(const struct reader *r, yaml_event_type_t type)
{
    return r->event.type == type;
}

/* A scalar as a C string in the arena, or an error that says what was expected instead. */
static int take_text(struct reader *r, const char *what, char **ret_text)
{
    if (!at(r, YAML_SCALAR_EVENT)) {
        (void)conf_fail(r->l, -EINVAL, &r->place, "expected %s", what);
        return -EINVAL;
    }
    const char *value = (const char *)r->event.data.scalar.value;
    size_t len = r->event.data.scalar.length;
    if (len > CONF_VALUE_BYTES || memchr(value, '\0', len)) {
        (void)conf_fail(r->l, -EINVAL, &r->place, "%s is too long or holds a NUL", what);
        return -EINVAL;
    }
    *ret_text = sfu_arena_strndup(r->l->arena, value, len);
    if (!*ret_text) {
        (void)conf_fail(r->l, -ENOMEM, &r->place, "out of memory");
        return -ENOMEM;
    }
    return 0;
}

static int read_list(struct reader *r, const struct conf_key *key, struct conf_place place)
{
    const char *items[64];
    size_t count = 0;
    for (;;) {
        int err = next(r);
        if (err) {
            return err;
        }
        if (at(r, YAML_SEQUENCE_END_EVENT)) {
            return conf_set_list(r->l, key, &place, items, count);
        }
        char *text = NULL;
        err = take_text(r, "an item of the list", &text);
        if (err) {
            return err;
        }
        if (count == SFU_ARRAY_LEN(items)) {
            return conf_fail(r->l, -EINVAL, &r->place, "%s.%s: too many items", key->section,
                             key->key);
        }
        items[count++] = text;
    }
}

/* The value of a known key; its event is the current one. */
static int read_value(struct reader *r, const struct conf_key *key)
{
    if (at(r, YAML_SEQUENCE_START_EVENT)) {
        return read_list(r, key, r->place);
    }
    char *text = NULL;
    int err = take_text(r, key->kind == CONF_LIST ? "a list" : "a value", &text);
    if (err) {
        return err;
    }
    bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return conf_set_scalar(r->l, key, &r->place, text, strlen(text), plain);
}

static int read_item(struct reader *r, const char *section, const char *key)
{
    char *text = NULL;
    int err = take_text(r, "a single value", &text);
    if (err) {
        return err;
    }
    return conf_set_item(r->l, section, key, &r->place, text, strlen(text));
}

static bool item_seen(const struct conf_loader *l, const char *section, const char *key)
{
    for (size_t i = 0; i < l->item_count; i++) {
        if (strcmp(l->items[i].section, section) == 0 && strcmp(l->items[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* One "key: value"; the key's event is the current one. */
static int read_pair(struct reader *r, const char *section)
{
    char *name = NULL;
    int err = take_text(r, "a key", &name);
    if (err) {
        return err;
    }
    const struct conf_key *key = conf_key_find(section, name);
    bool known = conf_section_known(section);
    if (known && !key) {
        return conf_fail(r->l, -EINVAL, &r->place, "%s.%s: unknown key", section, name);
    }
    if (key && key->unit && key->lowest == key->highest) {
        return conf_fail(r->l, -EINVAL, &r->place, "%s.%s: fixed at %s", section, name, key->def);
    }
    if (key ? r->l->places[conf_key_index(key)].line > 0 : item_seen(r->l, section, name)) {
        return conf_fail(r->l, -EINVAL, &r->place, "%s.%s: given twice", section, name);
    }
    err = next(r);
    if (err) {
        return err;
    }
    return key ? read_value(r, key) : read_item(r, section, name);
}

/* The pairs of a section; "section:" with nothing below is an empty one. */
static int read_section(struct reader *r, const char *section)
{
    int err = next(r);
    if (err) {
        return err;
    }
    if (at(r, YAML_SCALAR_EVENT) && r->event.data.scalar.length == 0) {
        return 0;
    }
    if (!at(r, YAML_MAPPING_START_EVENT)) {
        return conf_fail(r->l, -EINVAL, &r->place, "%s: expected keys below the section", section);
    }
    for (;;) {
        err = next(r);
        if (err || at(r, YAML_MAPPING_END_EVENT)) {
            return err;
        }
        err = read_pair(r, section);
        if (err) {
            return err;
        }
    }
}

static int read_sections(struct reader *r)
{
    const char *seen[64];
    size_t count = 0;
    for (;;) {
        int err = next(r);
        if (err || at(r, YAML_MAPPING_END_EVENT)) {
            return err;
        }
        char *section = NULL;
        err = take_text(r, "a section", &section);
        if (err) {
            return err;
        }
        for (size_t i = 0; i < count; i++) {
            if (strcmp(seen[i], section) == 0) {
                return conf_fail(r->l, -EINVAL, &r->place, "%s: section given twice", section);
            }
        }
        if (count == SFU_ARRAY_LEN(seen)) {
            return conf_fail(r->l, -EINVAL, &r->place, "too many sections");
        }
        seen[count++] = section;
        /* whether it names a plugin is known at the end: an empty key keeps its place until then */
        struct conf_place place = r->place;
        if (!conf_section_known(section)) {
            err = conf_set_item(r->l, section, "", &place, "", 0);
        }
        err = err ? err : read_section(r, section);
        if (err) {
            return err;
        }
    }
}

static int read_document(struct reader *r)
{
    int err = next(r); /* stream start */
    err = err ? err : next(r);
    if (err || at(r, YAML_STREAM_END_EVENT)) {
        return err; /* an empty file is a configuration of defaults */
    }
    err = next(r); /* behind document start */
    if (err) {
        return err;
    }
    if (at(r, YAML_MAPPING_START_EVENT)) {
        err = read_sections(r);
    } else if (!at(r, YAML_SCALAR_EVENT) || r->event.data.scalar.length > 0) {
        err = conf_fail(r->l, -EINVAL, &r->place, "expected sections");
    }
    err = err ? err : next(r); /* document end */
    err = err ? err : next(r);
    if (!err && !at(r, YAML_STREAM_END_EVENT)) {
        err = conf_fail(r->l, -EINVAL, &r->place, "a second document is not allowed");
    }
    return err;
}

int conf_read_yaml(struct conf_loader *l, const char *text, size_t len)
{
    struct reader r = {.l = l};
    if (!yaml_parser_initialize(&r.parser)) {
        return conf_fail(l, -ENOMEM, NULL, "out of memory");
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    int err = read_document(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return err;
}
