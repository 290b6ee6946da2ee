#include "sfu/core/method.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void unregister(struct sfu_control *c, const struct sfu_method *table,
                       const struct sfu_method *end)
{
    for (const struct sfu_method *m = table; m != end; m++) {
        free(sfu_bmap_get(c->methods, m->name, strlen(m->name)));
        sfu_bmap_del(c->methods, m->name, strlen(m->name));
    }
}

int sfu_method_register(struct sfu_control *c, struct sfu_plugin_instance *owner,
                        const struct sfu_method *table)
{
    for (const struct sfu_method *m = table; m && m->name; m++) {
        struct sfu_method_entry *entry = calloc(1, sizeof *entry);
        int err = entry ? sfu_bmap_put(c->methods, m->name, strlen(m->name), entry) : -ENOMEM;
        if (err != 0) {
            free(entry);
            unregister(c, table, m);
            return err;
        }
        entry->method = m;
        entry->owner = owner;
        entry->opening = (m->flags & SFU_METHOD_OPENS) != 0;
    }
    return 0;
}

const struct sfu_method_entry *sfu_method_find(const struct sfu_control *c, const char *name)
{
    size_t len = strnlen(name, SFU_CONTROL_METHOD_BYTES + 1);
    return len <= SFU_CONTROL_METHOD_BYTES ? sfu_bmap_get(c->methods, name, len) : NULL;
}

void sfu_method_free_all(struct sfu_control *c)
{
    struct sfu_map_iter it;
    void *entry;
    if (!c->methods) {
        return;
    }
    sfu_bmap_iter_init(c->methods, &it);
    while (sfu_bmap_next(c->methods, &it, NULL, NULL, &entry)) {
        free(entry);
    }
}
