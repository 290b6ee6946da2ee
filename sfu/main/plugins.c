#include "sfu/main/plugins.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sfu/core/control.h"
#include "sfu/log.h"

/* Beside the executable: bin/../plugins of a build folder, or bin/../lib/stoa/plugins of an
 * installation. */
static int default_dir(char *ret_dir, size_t size)
{
    static const char *const places[] = {"../plugins", "../lib/stoa/plugins"};
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) {
        return -ENOENT;
    }
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    for (size_t i = 0; i < SFU_ARRAY_LEN(places); i++) {
        int len = snprintf(ret_dir, size, "%s/%s", exe, places[i]);
        if (len > 0 && (size_t)len < size && access(ret_dir, R_OK) == 0) {
            return 0;
        }
    }
    return -ENOENT;
}

/* {"conference": {"key": "value"}}: the host checks it against the plugin's own table. */
static json_t *sections(const struct sfu_conf *conf)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < conf->plugin_item_count; i++) {
        const struct sfu_conf_item *item = &conf->plugin_items[i];
        json_t *section = json_object_get(root, item->section);
        if (!section) {
            section = json_object();
            if (json_object_set_new(root, item->section, section) < 0) {
                json_decref(root);
                return NULL;
            }
        }
        if (json_object_set_new(section, item->key, json_string(item->value)) < 0) {
            json_decref(root);
            return NULL;
        }
    }
    return root;
}

static int load_extra(struct sfu_control *control, const char *const *extra)
{
    for (; extra && *extra; extra++) {
        int rc = sfu_control_plugin_load(control, *extra, NULL);
        if (rc < 0) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "not loaded", "file=%s err=%s", *extra,
                    strerror(-rc));
            return rc;
        }
    }
    return 0;
}

int plugins_load(struct sfu_control *control, const struct sfu_conf *conf, const char *const *extra)
{
    char found[PATH_MAX];
    const char *dir = conf->plugins.dir;
    if (!dir[0]) {
        int rc = default_dir(found, sizeof found);
        if (rc < 0) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "no folder of plugins; set plugins.dir");
            return rc;
        }
        dir = found;
    }
    const char **names = calloc(conf->plugins.load.count + 1, sizeof *names);
    json_t *conf_json = sections(conf);
    int rc = names && conf_json ? 0 : -ENOMEM;
    if (rc == 0) {
        for (size_t i = 0; i < conf->plugins.load.count; i++) {
            names[i] = conf->plugins.load.items[i];
        }
        rc = sfu_control_plugin_load_dir(control, dir, names, conf_json);
    }
    json_decref(conf_json);
    free(names);
    return rc < 0 ? rc : load_extra(control, extra);
}
