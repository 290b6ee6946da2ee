/*
 * sfu/main/conf_env.c - STOA_SECTION_KEY, and STOA_SECTION_KEY_FILE for secrets.
 *
 * A variable that names a known section but no key of it is an error: it is a typing mistake, and
 * the server would start with something else than was asked for.
 */
#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/main/conf_load.h"

static const char prefix[] = "STOA_";

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How much of name[0..len) the word covers as a first word: its length and the '_' behind, or 0. */
static size_t leading_word(const char *name, size_t len, const char *word)
{
    size_t n = strlen(word);
    if (n >= len || name[n] != '_') {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        char c = word[i] == '-' ? '_' : upper(word[i]);
        if (name[i] != c) {
            return 0;
        }
    }
    return n + 1;
}

static bool is_key(const char *name, size_t len, const char *key)
{
    if (strlen(key) != len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] != upper(key[i])) {
            return false;
        }
    }
    return true;
}

static int set_from_file(struct conf_loader *l, const struct conf_key *key,
                         const struct conf_place *place, const char *path)
{
    char *text = NULL;
    size_t len = 0;
    int err = conf_read_file(l->arena, path, &text, &len);
    if (err) {
        return conf_fail(l, err, place, "cannot read %s: %s", path, strerror(-err));
    }
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--; /* the newline that editors leave is no part of a secret */
    }
    return conf_set_scalar(l, key, place, text, len, true);
}

/* Tries the variable on one key; *ret_hit tells whether it was meant. */
static int try_key(struct conf_loader *l, const struct conf_key *key,
                   const struct conf_place *place, const char *name, size_t len, const char *value,
                   bool *ret_hit)
{
    static const char suffix[] = "_FILE";
    size_t cut = sizeof suffix - 1;
    *ret_hit = true;
    if (is_key(name, len, key->key)) {
        if (key->unit && key->lowest == key->highest) {
            return conf_fail(l, -EINVAL, place, "%s.%s: fixed at %s", key->section, key->key,
                             key->def);
        }
        return key->kind == CONF_LIST ? conf_set_words(l, key, place, value)
                                      : conf_set_scalar(l, key, place, value, strlen(value), true);
    }
    if (key->flags & CONF_SECRET && len > cut && memcmp(name + len - cut, suffix, cut) == 0 &&
        is_key(name, len - cut, key->key)) {
        return set_from_file(l, key, place, value);
    }
    *ret_hit = false;
    return 0;
}

static int set_known(struct conf_loader *l, const struct conf_place *place, const char *name,
                     size_t len, const char *value, bool *ret_hit)
{
    bool in_section = false;
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        size_t skip = leading_word(name, len, key->section);
        if (skip == 0) {
            continue;
        }
        in_section = true;
        int err = try_key(l, key, place, name + skip, len - skip, value, ret_hit);
        if (err || *ret_hit) {
            return err;
        }
    }
    *ret_hit = in_section;
    return in_section ? conf_fail(l, -EINVAL, place, "names no key of its section") : 0;
}

/* STOA_CONFERENCE_KEY for a plugin that is loaded. */
static int set_plugin(struct conf_loader *l, const struct conf_place *place, const char *name,
                      size_t len, const char *value)
{
    const struct sfu_conf_list *load = &l->conf->plugins.load;
    for (size_t i = 0; i < load->count; i++) {
        size_t skip = leading_word(name, len, load->items[i]);
        if (skip == 0) {
            continue;
        }
        char *key = sfu_arena_strndup(l->arena, name + skip, len - skip);
        if (!key) {
            return conf_fail(l, -ENOMEM, place, "out of memory");
        }
        for (char *c = key; *c != '\0'; c++) {
            *c = lower(*c);
        }
        return conf_set_item(l, load->items[i], key, place, value, strlen(value));
    }
    return 0; /* STOA_SOMETHING of somebody else */
}

typedef int (*variable_fn)(struct conf_loader *l, const struct conf_place *place, const char *name,
                           size_t len, const char *value);

static int on_known(struct conf_loader *l, const struct conf_place *place, const char *name,
                    size_t len, const char *value)
{
    bool hit = false;
    return set_known(l, place, name, len, value, &hit);
}

static int on_plugin(struct conf_loader *l, const struct conf_place *place, const char *name,
                     size_t len, const char *value)
{
    for (size_t i = 0; i < conf_key_count(); i++) {
        if (leading_word(name, len, conf_key_at(i)->section) > 0) {
            return 0;
        }
    }
    return set_plugin(l, place, name, len, value);
}

static int each_variable(struct conf_loader *l, char *const *env, variable_fn fn)
{
    for (; *env; env++) {
        const char *eq = strchr(*env, '=');
        size_t skip = sizeof prefix - 1;
        if (!eq || strncmp(*env, prefix, skip) != 0) {
            continue;
        }
        size_t len = (size_t)(eq - *env);
        struct conf_place place = {0, 0, sfu_arena_strndup(l->arena, *env, len)};
        if (!place.variable) {
            return conf_fail(l, -ENOMEM, NULL, "out of memory");
        }
        int err = fn(l, &place, *env + skip, len - skip, eq + 1);
        if (err) {
            return err;
        }
    }
    return 0;
}

int conf_read_env(struct conf_loader *l, char *const *env)
{
    if (!env) {
        return 0;
    }
    /* plugins second: the first pass may change which are loaded */
    int err = each_variable(l, env, on_known);
    return err ? err : each_variable(l, env, on_plugin);
}
