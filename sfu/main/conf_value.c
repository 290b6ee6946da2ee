/*
 * sfu/main/conf_value.c - one value into one field, by the kind and range of its key.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/main/conf_load.h"

static void error_head(struct conf_loader *l, const struct conf_place *place, struct sfu_str *s)
{
    if (place && place->variable) {
        sfu_str_printf(s, "%s: ", place->variable);
    } else if (place && place->line > 0) {
        sfu_str_printf(s, "%s:%u:%u: ", l->name, place->line, place->column);
        l->error->line = place->line;
        l->error->column = place->column;
    } else {
        sfu_str_printf(s, "%s: ", l->name);
    }
}

int conf_fail(struct conf_loader *l, int err, const struct conf_place *place, const char *fmt, ...)
{
    struct sfu_str s;
    va_list ap;
    *l->error = (struct sfu_conf_error){0};
    sfu_str_init_fixed(&s, l->error->text, sizeof l->error->text);
    error_head(l, place, &s);
    va_start(ap, fmt);
    sfu_str_vprintf(&s, fmt, ap);
    va_end(ap);
    return err;
}

static void *field(const struct conf_loader *l, const struct conf_key *key)
{
    return (char *)l->conf + key->offset;
}

static int out_of_memory(struct conf_loader *l, const struct conf_place *place)
{
    return conf_fail(l, -ENOMEM, place, "out of memory");
}

static bool is_choice(const char *choices, const char *text, size_t len)
{
    for (const char *word = choices; word;) {
        size_t n = strcspn(word, "|");
        if (n == len && memcmp(word, text, len) == 0) {
            return true;
        }
        word = word[n] == '|' ? word + n + 1 : NULL;
    }
    return false;
}

/* What a message may repeat of a value: nothing of a secret, not more than a line of the rest. */
static int shown(const struct conf_key *key, size_t len)
{
    return key->flags & CONF_SECRET ? 0 : len > 60 ? 60 : (int)len;
}

static int check_text(struct conf_loader *l, const struct conf_key *key,
                      const struct conf_place *place, const char *text, size_t len)
{
    if (!sfu_str_utf8_valid(text, len)) {
        return conf_fail(l, -EINVAL, place, "%s.%s: not valid UTF-8", key->section, key->key);
    }
    if (key->choices && !is_choice(key->choices, text, len)) {
        return conf_fail(l, -EINVAL, place, "%s.%s: '%.*s' is not one of %s", key->section,
                         key->key, shown(key, len), text, key->choices);
    }
    return 0;
}

static int set_bool(struct conf_loader *l, const struct conf_key *key,
                    const struct conf_place *place, const char *text, size_t len)
{
    bool yes = sfu_str_eq(text, len, "true");
    if (!yes && !sfu_str_eq(text, len, "false")) {
        return conf_fail(l, -EINVAL, place, "%s.%s: '%.*s' is not true or false", key->section,
                         key->key, shown(key, len), text);
    }
    *(bool *)field(l, key) = yes;
    return 0;
}

static int set_int(struct conf_loader *l, const struct conf_key *key,
                   const struct conf_place *place, const char *text, size_t len)
{
    uint32_t v = 0;
    int err = sfu_str_u32(text, len, key->lowest, key->highest, &v);
    if (err == -ERANGE) {
        return conf_fail(l, -EINVAL, place, "%s.%s: %.*s is not in %u..%u", key->section, key->key,
                         shown(key, len), text, key->lowest, key->highest);
    }
    if (err) {
        return conf_fail(l, -EINVAL, place, "%s.%s: '%.*s' is not a number", key->section, key->key,
                         shown(key, len), text);
    }
    *(uint32_t *)field(l, key) = v;
    return 0;
}

static int set_str(struct conf_loader *l, const struct conf_key *key,
                   const struct conf_place *place, const char *text, size_t len)
{
    if (len < key->lowest || len > key->highest) {
        return conf_fail(l, -EINVAL, place, "%s.%s: must have %u to %u bytes, has %zu",
                         key->section, key->key, key->lowest, key->highest, len);
    }
    int err = check_text(l, key, place, text, len);
    if (err) {
        return err;
    }
    const char *copy = sfu_arena_strndup(l->arena, text, len);
    if (!copy) {
        return out_of_memory(l, place);
    }
    *(const char **)field(l, key) = copy;
    return 0;
}

int conf_set_scalar(struct conf_loader *l, const struct conf_key *key,
                    const struct conf_place *place, const char *text, size_t len, bool plain)
{
    static int (*const set[])(struct conf_loader *, const struct conf_key *,
                              const struct conf_place *, const char *, size_t) = {
        [CONF_BOOL] = set_bool,
        [CONF_INT] = set_int,
        [CONF_STR] = set_str,
    };
    if (key->kind == CONF_LIST) {
        return conf_fail(l, -EINVAL, place, "%s.%s: needs a list", key->section, key->key);
    }
    if (key->kind != CONF_STR && !plain) {
        return conf_fail(l, -EINVAL, place, "%s.%s: needs a %s, not a quoted text", key->section,
                         key->key, key->kind == CONF_INT ? "number" : "true or false");
    }
    l->places[conf_key_index(key)] = *place;
    return set[key->kind](l, key, place, text, len);
}

int conf_set_list(struct conf_loader *l, const struct conf_key *key, const struct conf_place *place,
                  const char *const *items, size_t count)
{
    if (key->kind != CONF_LIST) {
        return conf_fail(l, -EINVAL, place, "%s.%s: needs one value, not a list", key->section,
                         key->key);
    }
    if (count < key->lowest || count > key->highest) {
        return conf_fail(l, -EINVAL, place, "%s.%s: must have %u to %u items, has %zu",
                         key->section, key->key, key->lowest, key->highest, count);
    }
    const char **copy = sfu_arena_alloc(l->arena, (count + 1) * sizeof *copy);
    if (!copy) {
        return out_of_memory(l, place);
    }
    for (size_t i = 0; i < count; i++) {
        int err = check_text(l, key, place, items[i], strlen(items[i]));
        if (err) {
            return err;
        }
        copy[i] = sfu_arena_strndup(l->arena, items[i], strlen(items[i]));
        if (!copy[i]) {
            return out_of_memory(l, place);
        }
    }
    l->places[conf_key_index(key)] = *place;
    *(struct sfu_conf_list *)field(l, key) = (struct sfu_conf_list){copy, count};
    return 0;
}

int conf_set_words(struct conf_loader *l, const struct conf_key *key,
                   const struct conf_place *place, const char *text)
{
    const char *items[64];
    size_t count = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        size_t skip = strspn(text, " ");
        size_t len = skip < n ? n - skip : 0;
        while (len > 0 && text[skip + len - 1] == ' ') {
            len--;
        }
        if (count == SFU_ARRAY_LEN(items)) {
            return conf_fail(l, -EINVAL, place, "%s.%s: too many items", key->section, key->key);
        }
        items[count] = sfu_arena_strndup(l->arena, text + (len > 0 ? skip : 0), len);
        if (!items[count++]) {
            return out_of_memory(l, place);
        }
        text += n;
        text += *text == ',';
    }
    return conf_set_list(l, key, place, items, count);
}

static struct sfu_conf_item *item_find(struct conf_loader *l, const char *section, const char *key)
{
    for (size_t i = 0; i < l->item_count; i++) {
        if (strcmp(l->items[i].section, section) == 0 && strcmp(l->items[i].key, key) == 0) {
            return &l->items[i];
        }
    }
    return NULL;
}

int conf_set_item(struct conf_loader *l, const char *section, const char *key,
                  const struct conf_place *place, const char *text, size_t len)
{
    struct sfu_conf_item *item = item_find(l, section, key);
    if (!item && l->item_count == CONF_PLUGIN_ITEMS) {
        return conf_fail(l, -EINVAL, place, "%s.%s: too many keys of plugins", section, key);
    }
    if (!sfu_str_utf8_valid(text, len)) {
        return conf_fail(l, -EINVAL, place, "%s.%s: not valid UTF-8", section, key);
    }
    struct sfu_conf_item value = {
        .section = sfu_arena_strndup(l->arena, section, strlen(section)),
        .key = sfu_arena_strndup(l->arena, key, strlen(key)),
        .value = sfu_arena_strndup(l->arena, text, len),
        .line = place->line,
        .column = place->column,
    };
    if (!value.section || !value.key || !value.value) {
        return out_of_memory(l, place);
    }
    if (!item) {
        item = &l->items[l->item_count++];
    }
    *item = value;
    return 0;
}
