/* Every method of the core and of our plugins, attacked by its own table: each parameter missing,
 * of the wrong type, out of its range; a parameter that is not in it.  Each is refused with the
 * field named, and nothing else happens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/core/control_methods.h"
#include "sfu/core/method_params.h"
#include "tests/support/control_world.h"

extern const struct sfu_plugin stoa_plugin_conference;
extern const struct sfu_plugin stoa_plugin_echo;
static const struct sfu_plugin *const plugins[] = {&stoa_plugin_conference, &stoa_plugin_echo,
                                                   NULL};
static const struct sfu_plugin *const all[] = {&sfu_control_methods, &stoa_plugin_conference,
                                               &stoa_plugin_echo};

static json_t *text_of(size_t len)
{
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = 0;
    json_t *value = json_string(text);
    free(text);
    return value;
}

static json_t *valid_object(const struct sfu_param *table);

static json_t *valid(const struct sfu_param *row)
{
    switch (row->type) {
    case SFU_PARAM_STRING:
        return text_of((size_t)row->min);
    case SFU_PARAM_INT:
        return json_integer(row->min);
    case SFU_PARAM_BOOL:
        return json_true();
    case SFU_PARAM_ENUM:
        return json_string(row->choices[0]);
    case SFU_PARAM_OBJECT:
        return valid_object(row->fields);
    case SFU_PARAM_ARRAY: {
        json_t *rows = json_array();
        json_array_append_new(rows, row->fields[0].name[0] ? valid_object(row->fields)
                                                           : valid(row->fields));
        return rows;
    }
    default:
        return json_object();
    }
}

static json_t *valid_object(const struct sfu_param *table)
{
    json_t *object = json_object();
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        json_object_set_new(object, row->name, valid(row));
    }
    return object;
}

struct attack {
    struct world *w;
    uint64_t lane;
    const struct sfu_method *method;
    json_t *params; /* the whole, changed in one place at a time */
    unsigned count;
};

static void expect(struct attack *a, const char *field, const char *what)
{
    size_t commands = a->w->command_count;
    json_t *reply = world_call(a->w, a->lane, a->method->name, json_deep_copy(a->params));
    if (strcmp(world_error(reply), "invalid_param") != 0 ||
        strcmp(world_field(reply), field) != 0) {
        print_error("%s: %s %s: %s at %s\n", a->method->name, field, what, world_error(reply),
                    world_field(reply));
    }
    assert_string_equal(world_error(reply), "invalid_param");
    assert_string_equal(world_field(reply), field);
    assert_int_equal(a->w->command_count, commands);
    json_decref(reply);
    a->count++;
}

static void with(struct attack *a, json_t *object, const struct sfu_param *row, json_t *value,
                 const char *path, const char *what)
{
    json_t *old = json_incref(json_object_get(object, row->name));
    json_object_set_new(object, row->name, value);
    expect(a, path, what);
    json_object_set_new(object, row->name, old);
}

static void attack_table(struct attack *a, json_t *object, const struct sfu_param *table,
                         const char *prefix);

static void attack_range(struct attack *a, json_t *object, const struct sfu_param *row,
                         const char *path)
{
    bool bounded = row->min != 0 || row->max != 0;
    if (row->type == SFU_PARAM_STRING && row->min > 0) {
        with(a, object, row, text_of((size_t)row->min - 1), path, "too short");
    }
    if (row->type == SFU_PARAM_STRING && sfu_params_max(row) < 500000) {
        with(a, object, row, text_of((size_t)sfu_params_max(row) + 1), path, "too long");
    }
    if (row->type == SFU_PARAM_INT && bounded) {
        with(a, object, row, json_integer(row->min - 1), path, "too small");
    }
    if (row->type == SFU_PARAM_INT && bounded && row->max < INT64_MAX) {
        with(a, object, row, json_integer(row->max + 1), path, "too large");
    }
    if (row->type == SFU_PARAM_ENUM) {
        with(a, object, row, json_string("no such word"), path, "unknown word");
    }
    if (row->type == SFU_PARAM_JSON) {
        with(a, object, row, json_pack("{s:o}", "k", text_of((size_t)sfu_params_max(row))), path,
             "too large");
    }
}

static void attack_row(struct attack *a, json_t *object, const struct sfu_param *row,
                       const char *prefix)
{
    char path[64];
    snprintf(path, sizeof path, "%s%s", prefix, row->name);
    json_t *const wrong[] = {json_null(), json_integer(7), json_string("x"), json_real(0.5),
                             json_true(), json_array(),    json_object()};
    static const unsigned fits[SFU_PARAM_TYPES] = {
        /* bits of wrong[] that are of the type */
        [SFU_PARAM_STRING] = 4, [SFU_PARAM_ENUM] = 4,   [SFU_PARAM_INT] = 2,
        [SFU_PARAM_BOOL] = 16,  [SFU_PARAM_ARRAY] = 32, [SFU_PARAM_OBJECT] = 64,
        [SFU_PARAM_JSON] = 64};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (fits[row->type] & (1u << i)) {
            json_decref(wrong[i]);
        } else {
            with(a, object, row, wrong[i], path, "wrong type");
        }
    }
    if (row->required) {
        json_t *old = json_incref(json_object_get(object, row->name));
        json_object_del(object, row->name);
        expect(a, path, "missing");
        json_object_set_new(object, row->name, old);
    }
    attack_range(a, object, row, path);
    if (row->type == SFU_PARAM_ARRAY && row->fields[0].name[0]) {
        snprintf(path, sizeof path, "%s%s[0].", prefix, row->name);
        attack_table(a, json_array_get(json_object_get(object, row->name), 0), row->fields, path);
    } else if (row->type == SFU_PARAM_OBJECT) {
        snprintf(path, sizeof path, "%s%s.", prefix, row->name);
        attack_table(a, json_object_get(object, row->name), row->fields, path);
    }
}

static void attack_table(struct attack *a, json_t *object, const struct sfu_param *table,
                         const char *prefix)
{
    char path[64];
    snprintf(path, sizeof path, "%sidentity", prefix); /* who acts is never a parameter */
    json_object_set_new(object, "identity", json_string("somebody else"));
    expect(a, path, "unknown");
    json_object_del(object, "identity");
    for (const struct sfu_param *row = table; row && row->type != SFU_PARAM_END; row++) {
        attack_row(a, object, row, prefix);
    }
}

static void every_parameter_of_every_method(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct sfu_control_conf conf;
    unsigned methods = 0, attacks = 0;
    (void)state;
    world_conf(w, &conf);
    conf.calls_per_s = conf.calls_burst = 1000000;
    world_init(w, &conf, plugins);
    uint64_t lane = world_session(w, "demo/ann/mcsarA", NULL);
    json_decref(world_join(w, lane));
    for (size_t p = 0; p < sizeof all / sizeof *all; p++) {
        for (const struct sfu_method *m = all[p]->methods; m->name; m++) {
            bool opens =
                strcmp(m->name, "session.open") == 0 || strcmp(m->name, "session.resume") == 0;
            if (opens) {
                continue; /* not in an open session: see below */
            }
            struct attack a = {
                .w = w, .lane = lane, .method = m, .params = valid_object(m->params)};
            attack_table(&a, a.params, m->params, "");
            json_decref(a.params);
            methods++;
            attacks += a.count;
        }
    }
    assert_true(methods >= 13);
    assert_true(attacks > 150);
    world_fini(w);
    free(w);
}

static void the_opening_methods(void **state)
{
    (void)state;
    for (const struct sfu_method *m = sfu_control_methods.methods; m->name; m++) {
        for (const struct sfu_param *row = m->params; row && row->type != SFU_PARAM_END; row++) {
            struct sfu_error error = {0};
            json_t *object = valid_object(m->params);
            assert_int_equal(sfu_params_check(m->params, object, &error), 0);
            json_object_set_new(object, row->name, json_null());
            assert_int_not_equal(sfu_params_check(m->params, object, &error), 0);
            assert_string_equal(error.field, row->name);
            json_decref(object);
        }
    }
}

/* What needs a grant is refused without it, before anything else of it is looked at. */
static void every_permission(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    (void)state;
    world_init(w, NULL, plugins);
    uint64_t lane = world_session(w, "demo/ann/", NULL);
    json_decref(world_join(w, lane));
    for (size_t p = 1; p < sizeof all / sizeof *all; p++) {
        for (const struct sfu_method *m = all[p]->methods; m->name; m++) {
            if (m->permit == SFU_PERMIT_SESSION) {
                continue;
            }
            json_t *reply = world_call(w, lane, m->name, NULL);
            assert_string_equal(world_error(reply), "forbidden");
            json_decref(reply);
        }
    }
    uint64_t bob = world_session(w, "demo/bob/mcsarA", NULL);
    for (size_t p = 1; p < sizeof all / sizeof *all; p++) {
        for (const struct sfu_method *m = all[p]->methods; m->name; m++) {
            if (m->flags & SFU_METHOD_JOINED) {
                json_t *reply = world_call(w, bob, m->name, NULL);
                assert_string_equal(world_error(reply), "not_joined");
                json_decref(reply);
            }
        }
    }
    world_fini(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_parameter_of_every_method),
        cmocka_unit_test(the_opening_methods),
        cmocka_unit_test(every_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
