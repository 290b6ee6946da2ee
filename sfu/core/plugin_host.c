#include "sfu/core/plugin_host.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/control_methods.h"
#include "sfu/core/method.h"
#include "sfu/core/method_params.h"
#include "sfu/core/plugin_host_own.h"
#include "sfu/log.h"

/* ---- is it a plugin of ours? ---- */

static bool name_ok(const char *name)
{
    if (!name || name[0] < 'a' || name[0] > 'z' || strlen(name) > 32) {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static bool methods_ok(const struct sfu_plugin *p)
{
    const char *row;
    size_t len = strlen(p->name);
    for (const struct sfu_method *m = p->methods; m && m->name; m++) {
        bool own = strncmp(m->name, p->name, len) == 0 && m->name[len] == '.';
        if (!own || (m->flags & SFU_METHOD_OPENS) || !m->fn || !m->doc ||
            strlen(m->name) > SFU_CONTROL_METHOD_BYTES || (unsigned)m->permit >= SFU_PERMIT_COUNT ||
            !sfu_params_table_ok(m->params, &row) || !sfu_params_table_ok(m->result, &row)) {
            SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "bad method", "plugin=%s method=%s", p->name,
                    m->name);
            return false;
        }
    }
    return true;
}

static bool tables_ok(const struct sfu_plugin *p)
{
    const char *row;
    for (const struct sfu_notification *n = p->notifications; n && n->name; n++) {
        if (!n->doc || !sfu_params_table_ok(n->params, &row)) {
            return false;
        }
    }
    for (const struct sfu_http_route *r = p->routes; r && r->method; r++) {
        if (!r->fn || !r->doc || !r->path || r->path[0] != '/' ||
            (unsigned)r->permit >= SFU_PERMIT_COUNT) {
            return false;
        }
    }
    size_t counters = 0;
    while (p->counters && p->counters[counters].name) {
        counters++;
    }
    return counters <= SFU_PLUGIN_COUNTERS && sfu_params_table_ok(p->keys, &row);
}

bool sfu_plugin_host_check(const struct sfu_plugin *p, const char **ret_why)
{
    *ret_why = NULL;
    if (p->abi != SFU_PLUGIN_ABI) {
        *ret_why = "another plugin ABI";
    } else if (p->size != sizeof *p) {
        *ret_why = "another size of the descriptor";
    } else if (!name_ok(p->name) || !p->version) {
        *ret_why = "no proper name or version";
    } else if (!methods_ok(p)) {
        *ret_why = "a method is not described properly";
    } else if (!tables_ok(p)) {
        *ret_why = "a table is not proper";
    }
    return *ret_why == NULL;
}

/* ---- instances ---- */

static void on_tick(struct sfu_timer *timer, void *arg)
{
    struct sfu_plugin_instance *in = arg;
    sfu_timer_set(in->c->wheel, timer, in->c->now_us + (int64_t)in->plugin->tick_ms * 1000);
    in->plugin->tick(in->state, in->c->now_us);
}

static void free_instance(struct sfu_plugin_instance *in)
{
    if (in && in->module) {
        dlclose(in->module);
    }
    free(in);
}

static struct sfu_plugin_instance *make_instance(struct sfu_control *c, const struct sfu_plugin *p)
{
    struct sfu_plugin_instance *in = calloc(1, sizeof *in);
    if (!in) {
        return NULL;
    }
    in->c = c;
    in->plugin = p;
    while (p->counters && p->counters[in->counter_count].name) {
        in->counter_count++;
    }
    in->host = (struct sfu_host){
        .abi = SFU_PLUGIN_ABI, .size = sizeof in->host, .self = in, .instance = p->name};
    sfu_plugin_host_fill_base(&in->host);
    sfu_plugin_host_fill_room(&in->host);
    sfu_plugin_host_fill_media(&in->host);
    sfu_plugin_host_fill_http(&in->host);
    sfu_plugin_host_fill_data(&in->host);
    sfu_timer_init(&in->tick, on_tick, in);
    return in;
}

int sfu_plugin_host_open(struct sfu_control *c)
{
    c->core = make_instance(c, &sfu_control_methods);
    if (!c->core) {
        return -ENOMEM;
    }
    c->core->state = c;
    return sfu_method_register(c, c->core, sfu_control_methods.methods);
}

/* A configuration file knows texts only: those that the table calls numbers or truths become such.
 */
static json_t *typed(const struct sfu_param *keys, const json_t *conf)
{
    json_t *copy = conf ? json_deep_copy(conf) : json_object();
    for (const struct sfu_param *row = keys; copy && row && row->type != SFU_PARAM_END; row++) {
        const json_t *value = json_object_get(copy, row->name);
        const char *text = json_string_value(value);
        json_t *better = NULL;
        int64_t n;
        if (text && row->type == SFU_PARAM_INT &&
            sfu_str_i64(text, json_string_length(value), INT64_MIN, INT64_MAX, &n) == 0) {
            better = json_integer(n);
        } else if (text && row->type == SFU_PARAM_BOOL &&
                   (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
            better = json_boolean(text[0] == 't');
        }
        if (better && json_object_set_new(copy, row->name, better) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

static int init_instance(struct sfu_plugin_instance *in, const json_t *conf)
{
    const struct sfu_plugin *p = in->plugin;
    struct sfu_error error = {0};
    json_t *section = typed(p->keys, conf);
    int err = 0;
    if (!section) {
        return -ENOMEM;
    }
    if (sfu_params_check(p->keys, section, &error) != 0) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "wrong configuration", "plugin=%s key=%s why=%s",
                p->name, error.field, sfu_error_text(&error));
        err = -EINVAL;
    } else if (!in->c->only_tables && p->init) {
        err = p->init(&in->host, section, &in->state);
        in->ready = err == 0;
    }
    json_decref(section);
    return err;
}

static bool taken(const struct sfu_control *c, const struct sfu_plugin *p)
{
    for (const struct sfu_http_route *r = p->routes; r && r->method; r++) {
        if (sfu_control_has_route(c, r->method, r->path)) {
            return true;
        }
    }
    for (size_t i = 0; i < c->plugin_count; i++) {
        if (strcmp(c->plugins[i]->plugin->name, p->name) == 0) {
            return true;
        }
    }
    return strcmp(p->name, sfu_control_methods.name) == 0;
}

int sfu_plugin_host_add(struct sfu_control *c, const struct sfu_plugin *p, const json_t *conf,
                        void *module)
{
    const char *why;
    if (!sfu_plugin_host_check(p, &why)) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_PLUGIN, "refused", "why=%s", why);
        return -EPROTO;
    }
    if (c->plugin_count >= SFU_ARRAY_LEN(c->plugins)) {
        return -ENOBUFS;
    }
    if (taken(c, p)) {
        return -EEXIST;
    }
    struct sfu_plugin_instance *in = make_instance(c, p);
    if (!in) {
        return -ENOMEM;
    }
    int err = init_instance(in, conf);
    if (err == 0) {
        err = sfu_method_register(c, in, p->methods);
    }
    if (err != 0) {
        if (in->ready && p->fini) {
            p->fini(in->state);
        }
        free(in);
        return err;
    }
    in->module = module;
    c->plugins[c->plugin_count++] = in;
    sfu_stat_gauge_add(SFU_M_OPEN_PLUGINS, 1);
    SFU_LOG(SFU_LOG_INFO, SFU_COMP_PLUGIN, "loaded", "plugin=%s version=%s", p->name, p->version);
    return 0;
}

void sfu_plugin_host_close(struct sfu_control *c)
{
    while (c->plugin_count > 0) {
        struct sfu_plugin_instance *in = c->plugins[--c->plugin_count];
        sfu_timer_cancel(c->wheel, &in->tick);
        if (in->ready && in->plugin->fini) {
            in->plugin->fini(in->state);
        }
        sfu_stat_gauge_add(SFU_M_OPEN_PLUGINS, -1);
        free_instance(in);
    }
    free_instance(c->core);
    c->core = NULL;
}

void sfu_plugin_host_start(struct sfu_control *c)
{
    for (size_t i = 0; i < c->plugin_count; i++) {
        struct sfu_plugin_instance *in = c->plugins[i];
        if (in->plugin->tick && in->plugin->tick_ms > 0) {
            sfu_timer_set(c->wheel, &in->tick, c->now_us + (int64_t)in->plugin->tick_ms * 1000);
        }
    }
}

void sfu_plugin_host_event(struct sfu_control *c, const struct sfu_event *event)
{
    c->event_depth++;
    for (size_t i = 0; i < c->plugin_count; i++) {
        struct sfu_plugin_instance *in = c->plugins[i];
        if (in->ready && in->plugin->event) {
            in->plugin->event(in->state, event);
        }
    }
    c->event_depth--;
}

void sfu_plugin_host_data(struct sfu_control *c, const struct sfu_data_message *message)
{
    for (size_t i = 0; i < c->plugin_count; i++) {
        struct sfu_plugin_instance *in = c->plugins[i];
        if (in->ready && in->plugin->data_message) {
            in->plugin->data_message(in->state, message);
        }
    }
}

bool sfu_plugin_host_in_event(const struct sfu_control *c)
{
    return c->event_depth > 0;
}

void *sfu_plugin_host_state(const struct sfu_plugin_instance *instance)
{
    return instance->state;
}

const char *sfu_plugin_host_name(const struct sfu_plugin_instance *instance)
{
    return instance->plugin->name;
}

const struct sfu_plugin *sfu_plugin_host_descriptor(const struct sfu_plugin_instance *instance)
{
    return instance->plugin;
}

void sfu_control_plugin_counters(const struct sfu_control *c,
                                 void (*fn)(void *arg, const char *plugin, const char *name,
                                            const char *doc, uint64_t value),
                                 void *arg)
{
    for (size_t i = 0; i < c->plugin_count; i++) {
        const struct sfu_plugin_instance *in = c->plugins[i];
        for (size_t k = 0; k < in->counter_count; k++) {
            const struct sfu_counter *counter = &in->plugin->counters[k];
            fn(arg, in->plugin->name, counter->name, counter->doc, atomic_load(&in->counters[k]));
        }
    }
}
