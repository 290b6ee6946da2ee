/* docs/reference.md, printed from the same tables that check the calls. */
#include <inttypes.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/core/method_params.h"
#include "sfu/core/permission.h"
#include "sfu/core/plugin_host.h"

static void put_range(struct sfu_str *out, const struct sfu_param *row)
{
    if (row->type == SFU_PARAM_ENUM) {
        for (size_t i = 0; row->choices[i]; i++) {
            sfu_str_printf(out, " `%s`", row->choices[i]);
        }
    } else if (row->max != 0 && row->max == row->min) {
        sfu_str_printf(out, " %" PRId64, row->max);
    } else if (row->max == INT64_MAX) {
        sfu_str_printf(out, " >= %" PRId64, row->min);
    } else if (row->max != 0) {
        sfu_str_printf(out, " %" PRId64 "…%" PRId64, row->min, row->max);
    }
    static const char *const units[SFU_PARAM_TYPES] = {
        [SFU_PARAM_STRING] = " bytes", [SFU_PARAM_JSON] = " bytes", [SFU_PARAM_ARRAY] = " rows"};
    if (row->max != 0 && units[row->type]) {
        sfu_str_puts(out, units[row->type]);
    }
}

/* prefix: "tracks[]." for the rows of an array. */
static void put_rows(struct sfu_str *out, const struct sfu_param *table, const char *prefix)
{
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        char path[128];
        struct sfu_str name;
        bool array = row->type == SFU_PARAM_ARRAY;
        sfu_str_init_fixed(&name, path, sizeof path);
        sfu_str_printf(&name, "%s%s%s", prefix, row->name, array ? "[]" : "");
        const struct sfu_param *item = array && !row->fields[0].name[0] ? row->fields : row;
        sfu_str_printf(out, "| `%s` | %s", path,
                       sfu_params_type_name(array && item != row ? item->type : row->type));
        put_range(out, row);
        sfu_str_printf(out, " | %s | %s |\n", row->required ? "yes" : "", row->doc ? row->doc : "");
        if (row->fields && item == row) {
            sfu_str_putc(&name, '.');
            put_rows(out, row->fields, path);
        }
    }
}

static void put_table(struct sfu_str *out, const char *title, const struct sfu_param *table)
{
    if (!table || table->type == SFU_PARAM_END) {
        return;
    }
    sfu_str_printf(out, "\n%s\n\n| name | type | required | |\n|---|---|---|---|\n", title);
    put_rows(out, table, "");
}

static void put_errors(struct sfu_str *out, const struct sfu_method *m)
{
    if (!m->errors || m->errors[0] == SFU_ERR_NONE) {
        return;
    }
    sfu_str_puts(out, "\nErrors of its own:");
    for (size_t i = 0; m->errors[i] != SFU_ERR_NONE; i++) {
        sfu_str_printf(out, " `%s`", sfu_err_info(m->errors[i])->code);
    }
    sfu_str_puts(out, "\n");
}

static void put_method(struct sfu_str *out, const struct sfu_method *m)
{
    sfu_str_printf(out, "\n### `%s`\n\n%s\n\nNeeds: %s%s.%s\n", m->name, m->doc,
                   m->flags & SFU_METHOD_OPENS ? "a socket without a session"
                                               : sfu_permission_name(m->permit),
                   m->flags & SFU_METHOD_JOINED ? ", a participant" : "",
                   m->flags & SFU_METHOD_LARGE ? " Large: not over a data channel." : "");
    put_table(out, "Parameters:", m->params);
    put_table(out, "Result:", m->result);
    put_errors(out, m);
}

static void put_notification(struct sfu_str *out, const struct sfu_notification *n)
{
    sfu_str_printf(out, "\n### `%s`%s\n\n%s\n", n->name, n->ephemeral ? " (no seq)" : "", n->doc);
    put_table(out, "Parameters:", n->params);
}

static void put_routes(struct sfu_str *out, const struct sfu_plugin *p)
{
    if (!p->routes || !p->routes[0].method) {
        return;
    }
    sfu_str_puts(out, "\n### HTTP\n\n| method | path | needs | |\n|---|---|---|---|\n");
    for (const struct sfu_http_route *r = p->routes; r->method; r++) {
        sfu_str_printf(out, "| %s | `%s` | %s | %s |\n", r->method, r->path,
                       r->permit == SFU_PERMIT_SESSION ? "nothing" : sfu_permission_name(r->permit),
                       r->doc);
    }
}

static void put_counters(struct sfu_str *out, const struct sfu_plugin *p)
{
    if (!p->counters || !p->counters[0].name) {
        return;
    }
    sfu_str_puts(out, "\n### Counters\n\n| name | |\n|---|---|\n");
    for (const struct sfu_counter *k = p->counters; k->name; k++) {
        sfu_str_printf(out, "| `stoa_plugin_%s_%s_total` | %s |\n", p->name, k->name, k->doc);
    }
}

static void put_plugin(struct sfu_str *out, const struct sfu_plugin *p, bool core)
{
    sfu_str_printf(out, "\n## %s%s\n\n%s\n", core ? "" : "Plugin ", core ? "Core" : p->name,
                   p->doc ? p->doc : "");
    if (p->keys && p->keys[0].type != SFU_PARAM_END) {
        put_table(out, "Configuration:", p->keys);
    }
    for (const struct sfu_method *m = p->methods; m && m->name; m++) {
        put_method(out, m);
    }
    for (const struct sfu_notification *n = p->notifications; n && n->name; n++) {
        put_notification(out, n);
    }
    put_routes(out, p);
    put_counters(out, p);
}

void sfu_control_print_reference(const struct sfu_control *c, struct sfu_str *out)
{
    sfu_str_puts(out,
                 "# Reference: methods, notifications, routes\n\n"
                 "Printed by `stoad --reference` from the tables that check every call. How they "
                 "work together: [protocol.md](protocol.md).\n\n"
                 "Errors that every method has: `parse_error` `invalid_request` `method_not_found` "
                 "`invalid_param` (with `field`) `forbidden` `rate_limited` (with "
                 "`retry_after_ms`) `unavailable` `internal`; those that need a participant: "
                 "`not_joined`.\n");
    put_plugin(out, sfu_plugin_host_descriptor(c->core), true);
    for (size_t i = 0; i < c->plugin_count; i++) {
        put_plugin(out, sfu_plugin_host_descriptor(c->plugins[i]), false);
    }
}
