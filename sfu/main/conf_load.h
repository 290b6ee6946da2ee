/*
 * sfu/main/conf_load.h - what the parts of the loader share; private to conf*.c.
 */
#pragma once

#include "sfu/base/arena.h"
#include "sfu/main/conf.h"
#include "sfu/main/conf_keys.h"

enum {
    CONF_FILE_BYTES = 1 << 20, /* of the YAML file and of a secret's file */
    CONF_ARENA_BYTES = 4 << 20,
    CONF_PLUGIN_ITEMS = 256,
    CONF_VALUE_BYTES = 4096,
    CONF_KEYS_MAX = 256,
};

/* Where a value came from: a place in the file, or a variable of the environment. */
struct conf_place {
    unsigned line, column; /* 0: not the file */
    const char *variable;  /* NULL: not the environment */
};

struct conf_loader {
    struct sfu_conf *conf;
    struct sfu_arena *arena; /* owns every string of conf */
    const char *name;        /* of the file, for messages */
    struct sfu_conf_error *error;
    struct conf_place places[CONF_KEYS_MAX]; /* by conf_key_index(); all zero: the default */
    struct sfu_conf_item *items;             /* CONF_PLUGIN_ITEMS of them */
    size_t item_count;
};

/* Fills the error and returns err. */
SFU_COLD int conf_fail(struct conf_loader *l, int err, const struct conf_place *place,
                       const char *fmt, ...) SFU_PRINTF(4, 5);

/* plain: the text was not quoted in YAML.  -EINVAL with the error filled, -ENOMEM. */
SFU_MUST_CHECK int conf_set_scalar(struct conf_loader *l, const struct conf_key *key,
                                   const struct conf_place *place, const char *text, size_t len,
                                   bool plain);
SFU_MUST_CHECK int conf_set_list(struct conf_loader *l, const struct conf_key *key,
                                 const struct conf_place *place, const char *const *items,
                                 size_t count);
/* Items with commas between; "" is the empty list. */
SFU_MUST_CHECK int conf_set_words(struct conf_loader *l, const struct conf_key *key,
                                  const struct conf_place *place, const char *text);
/* Adds a key of a plugin's section, or replaces the value that the file gave. */
SFU_MUST_CHECK int conf_set_item(struct conf_loader *l, const char *section, const char *key,
                                 const struct conf_place *place, const char *text, size_t len);

SFU_MUST_CHECK int conf_read_yaml(struct conf_loader *l, const char *text, size_t len);
SFU_MUST_CHECK int conf_read_env(struct conf_loader *l, char *const *env);
/* Rules that concern more than one value, or the form of addresses. */
SFU_MUST_CHECK int conf_check(struct conf_loader *l);
/* The file's bytes and a NUL, in the arena.  Negative errno. */
SFU_MUST_CHECK int conf_read_file(struct sfu_arena *arena, const char *path, char **ret_text,
                                  size_t *ret_len);
