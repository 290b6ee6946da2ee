/*
 * sfu/main/conf.h - loads the configuration: defaults, then a YAML file, then the environment.
 *
 * One key table (conf_keys.h) gives types, defaults, ranges, documentation, names of environment
 * variables (STOA_SECTION_KEY; for secrets also STOA_SECTION_KEY_FILE) and conf/stoa.yaml.  Runs on
 * the main thread before others start, and for a reload.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"
#include "sfu/conf.h"

struct sfu_str;

/* Where and what is wrong: "stoa.yaml:12:9: http.port: 70000 is not in 0..65535". */
struct sfu_conf_error {
    unsigned line, column; /* 1..; 0: not in the file */
    char text[400];        /* the whole message, path and place included */
};

/*
 * path NULL: no file.  env: as environ(7), borrowed during the call; NULL: none.
 * -EBADMSG not YAML, -EINVAL a key or value is wrong, -ENOENT or another errno of open and read,
 * -ENOMEM.  On failure *ret_error is filled and *ret_conf untouched.
 */
SFU_MUST_CHECK int sfu_conf_load(const char *path, char *const *env, struct sfu_conf **ret_conf,
                                 struct sfu_conf_error *ret_error);
/* The same from memory; name stands for the path in messages. */
SFU_MUST_CHECK int sfu_conf_parse(const char *name, const char *text, size_t len, char *const *env,
                                  struct sfu_conf **ret_conf, struct sfu_conf_error *ret_error);
void sfu_conf_destroy(struct sfu_conf *conf); /* NULL is allowed */

/* As YAML that loads to the same configuration, but secrets are "********". */
void sfu_conf_print(const struct sfu_conf *conf, struct sfu_str *out);
/* The commented default: conf/stoa.yaml, byte for byte. */
void sfu_conf_print_default(struct sfu_str *out);
/* The table of keys for docs/reference-config.md. */
void sfu_conf_print_markdown(struct sfu_str *out);

/* Calls fn for every key ("log.level") that differs; live: may be applied without a restart. */
typedef void (*sfu_conf_diff_fn)(const char *section, const char *key, bool live, void *arg);
void sfu_conf_diff(const struct sfu_conf *a, const struct sfu_conf *b, sfu_conf_diff_fn fn,
                   void *arg);
