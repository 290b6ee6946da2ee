/* Shared modules: dlopen, the descriptor, nothing else of them is looked at. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/log.h"

int sfu_control_plugin_add(struct sfu_control *c, const struct sfu_plugin *plugin,
                           const json_t *conf)
{
    return sfu_plugin_host_add(c, plugin, conf, NULL);
}

static int load_failed(const char *file, const char *why)
{
    SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "not loaded", "file=%s why=%s", file, why ? why : "");
    return -EPROTO;
}

/* by_name: conf holds a section per plugin; else it is this plugin's own. */
static int load(struct sfu_control *c, const char *file, const json_t *conf, bool by_name)
{
    /* RTLD_LOCAL: plugins do not see each other */
    void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        return load_failed(file, dlerror());
    }
    const struct sfu_plugin *plugin = dlsym(module, SFU_PLUGIN_SYMBOL);
    const char *why = "no symbol " SFU_PLUGIN_SYMBOL;
    int err = plugin && sfu_plugin_host_check(plugin, &why) ? 0 : load_failed(file, why);
    if (err == 0) {
        const json_t *section = by_name ? json_object_get(conf, plugin->name) : conf;
        err = sfu_plugin_host_add(c, plugin, section, module);
    }
    if (err != 0) {
        dlclose(module);
    }
    return err;
}

int sfu_control_plugin_load(struct sfu_control *c, const char *file, const json_t *conf)
{
    return load(c, file, conf, false);
}

static int load_one(struct sfu_control *c, const char *dir, const char *file, const json_t *conf)
{
    char path[4096];
    struct sfu_str out;
    sfu_str_init_fixed(&out, path, sizeof path);
    sfu_str_printf(&out, "%s/%s.so", dir, file);
    return sfu_str_ok(&out) ? load(c, path, conf, true) : -ENAMETOOLONG;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names without ".so", sorted: the order of plugins must not depend on the file system. */
static int list_dir(const char *dir, char *ret_names[SFU_MAX_PLUGINS], size_t *ret_count)
{
    DIR *d = opendir(dir);
    if (!d) {
        return -errno;
    }
    int err = 0;
    size_t n = 0;
    for (struct dirent *e = readdir(d); e && err == 0; e = readdir(d)) {
        size_t len = strlen(e->d_name);
        if (len <= 3 || strcmp(e->d_name + len - 3, ".so") != 0) {
            continue;
        }
        ret_names[n] = n < SFU_MAX_PLUGINS - 1 ? strndup(e->d_name, len - 3) : NULL;
        err = ret_names[n] ? 0 : -ENOBUFS;
        n += err == 0;
    }
    closedir(d);
    qsort(ret_names, n, sizeof *ret_names, compare);
    *ret_count = n;
    return err;
}

int sfu_control_plugin_load_dir(struct sfu_control *c, const char *dir, const char *const *names,
                                const json_t *conf)
{
    char *found[SFU_MAX_PLUGINS] = {0};
    size_t count = 0;
    int err = names ? 0 : list_dir(dir, found, &count);
    for (size_t i = 0; err == 0 && (names ? names[i] != NULL : i < count); i++) {
        err = load_one(c, dir, names ? names[i] : found[i], conf);
    }
    for (size_t i = 0; i < count; i++) {
        free(found[i]);
    }
    return err;
}

void sfu_control_only_tables(struct sfu_control *c)
{
    c->only_tables = true;
}
