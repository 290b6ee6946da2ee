/*
 * sfu/main/conf.c - defaults, file, environment, checks, in this order.
 */
#include "sfu/main/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sfu/main/conf_load.h"

struct box {
    struct sfu_conf conf;
    struct sfu_arena *arena;
    struct sfu_conf_item items[CONF_PLUGIN_ITEMS];
};

static int read_all(int fd, char *buf, size_t cap, size_t *ret_len)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, buf + len, cap - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            *ret_len = len;
            return n < 0 ? -errno : 0;
        }
        len += (size_t)n;
        if (len == cap) {
            return -EFBIG;
        }
    }
}

int conf_read_file(struct sfu_arena *arena, const char *path, char **ret_text, size_t *ret_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int err = -ENOMEM;
    char *buf = malloc(CONF_FILE_BYTES + 1);
    size_t len = 0;
    if (buf) {
        err = read_all(fd, buf, CONF_FILE_BYTES + 1, &len);
    }
    close(fd);
    if (!err) {
        *ret_text = sfu_arena_strndup(arena, buf, len);
        *ret_len = len;
        err = *ret_text ? 0 : -ENOMEM;
    }
    free(buf);
    return err;
}

static int set_defaults(struct conf_loader *l)
{
    static const struct conf_place nowhere = {0, 0, NULL};
    _Static_assert(SFU_LIMIT_COUNT + 64 < CONF_KEYS_MAX, "places[] is too small");
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        int err = key->kind == CONF_LIST
                      ? conf_set_words(l, key, &nowhere, key->def)
                      : conf_set_scalar(l, key, &nowhere, key->def, strlen(key->def), true);
        if (err) {
            return err;
        }
    }
    return 0;
}

static int box_create(struct box **ret_box)
{
    struct box *box = calloc(1, sizeof *box);
    if (!box) {
        return -ENOMEM;
    }
    int err = sfu_arena_create(16384, CONF_ARENA_BYTES, &box->arena);
    if (err) {
        free(box);
        return err;
    }
    *ret_box = box;
    return 0;
}

/* text NULL: from path; both NULL: no file. */
static int load(struct conf_loader *l, const char *path, const char *text, size_t len,
                char *const *env)
{
    int err = set_defaults(l);
    if (!err && path) {
        char *file = NULL;
        err = conf_read_file(l->arena, path, &file, &len);
        if (err) {
            return conf_fail(l, err, NULL, "%s", strerror(-err));
        }
        text = file;
    }
    if (!err && text) {
        err = conf_read_yaml(l, text, len);
    }
    err = err ? err : conf_read_env(l, env);
    return err ? err : conf_check(l);
}

static int load_into_box(const char *name, const char *path, const char *text, size_t len,
                         char *const *env, struct sfu_conf **ret_conf,
                         struct sfu_conf_error *ret_error)
{
    struct box *box = NULL;
    struct conf_loader l = {.name = name, .error = ret_error};
    int err = box_create(&box);
    if (err) {
        return conf_fail(&l, err, NULL, "out of memory");
    }
    l.conf = &box->conf;
    l.arena = box->arena;
    l.items = box->items;
    err = load(&l, path, text, len, env);
    if (err) {
        sfu_conf_destroy(&box->conf);
        return err;
    }
    box->conf.plugin_items = box->items;
    box->conf.plugin_item_count = l.item_count;
    *ret_conf = &box->conf;
    return 0;
}

int sfu_conf_load(const char *path, char *const *env, struct sfu_conf **ret_conf,
                  struct sfu_conf_error *ret_error)
{
    return load_into_box(path ? path : "defaults", path, NULL, 0, env, ret_conf, ret_error);
}

int sfu_conf_parse(const char *name, const char *text, size_t len, char *const *env,
                   struct sfu_conf **ret_conf, struct sfu_conf_error *ret_error)
{
    return load_into_box(name, NULL, text, len, env, ret_conf, ret_error);
}

void sfu_conf_destroy(struct sfu_conf *conf)
{
    if (conf) {
        struct box *box = SFU_CONTAINER_OF(conf, struct box, conf);
        sfu_arena_destroy(box->arena);
        free(box);
    }
}

static bool lists_equal(const struct sfu_conf_list *a, const struct sfu_conf_list *b)
{
    bool equal = a->count == b->count;
    for (size_t i = 0; i < a->count && equal; i++) {
        equal = strcmp(a->items[i], b->items[i]) == 0;
    }
    return equal;
}

static bool values_equal(const struct conf_key *key, const void *a, const void *b)
{
    switch (key->kind) {
    case CONF_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case CONF_INT:
        return *(const uint32_t *)a == *(const uint32_t *)b;
    case CONF_STR:
        return strcmp(*(const char *const *)a, *(const char *const *)b) == 0;
    case CONF_LIST:
        return lists_equal(a, b);
    }
    return false;
}

void sfu_conf_diff(const struct sfu_conf *a, const struct sfu_conf *b, sfu_conf_diff_fn fn,
                   void *arg)
{
    for (size_t i = 0; i < conf_key_count(); i++) {
        const struct conf_key *key = conf_key_at(i);
        if (!values_equal(key, (const char *)a + key->offset, (const char *)b + key->offset)) {
            fn(key->section, key->key, key->flags & CONF_LIVE, arg);
        }
    }
}
