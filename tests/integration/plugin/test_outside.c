/* Loads the module that was built outside the tree, and uses it: argv[1] is the file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/str.h"
#include "tests/support/control_world.h"

static const char *module;

static struct world *make(void)
{
    struct world *w = calloc(1, sizeof *w);
    json_t *conf = json_pack("{s:s}", "word", "Salve");
    world_init(w, NULL, NULL);
    assert_int_equal(sfu_control_plugin_load(w->c, module, conf), 0);
    json_decref(conf);
    return w;
}

static void end(struct world *w)
{
    world_fini(w);
    free(w);
}

static void its_method(void **state)
{
    struct world *w = make();
    (void)state;
    uint64_t ann = world_session(w, "demo/ann/", NULL);
    json_t *reply = world_call(w, ann, "greeter.hello", NULL);
    const char *text = json_string_value(json_object_get(json_object_get(reply, "result"), "text"));
    assert_string_equal(text, "Salve, Name of ann");
    json_decref(reply);
    json_t *said = world_take(w, ann, "greeter.said");
    assert_int_equal(json_integer_value(json_object_get(said, "seq")), 1);
    json_decref(said);
    reply = world_call(w, ann, "greeter.hello", json_pack("{s:s}", "name", ""));
    assert_string_equal(world_error(reply), "invalid_param");
    assert_string_equal(world_field(reply), "name");
    json_decref(reply);
    end(w);
}

static void its_route(void **state)
{
    struct world *w = make();
    (void)state;
    assert_int_equal(w->in.http(w->in.arg, 1,
                                &(struct sfu_lane_request){.method = "GET",
                                                           .path = "/v1/greeter",
                                                           .authorization = "Bearer demo/ann/"}),
                     0);
    assert_int_equal(w->in.http(w->in.arg, 2,
                                &(struct sfu_lane_request){.method = "GET", .path = "/v1/greeter"}),
                     0);
    world_turn(w);
    assert_int_equal(w->http[0].status, 200);
    assert_string_equal(w->http[0].body, "Salve, ann\n");
    assert_int_equal(w->http[1].status, 401);
    end(w);
}

static void two_instances_share_nothing(void **state)
{
    struct world *one = make(), *two = calloc(1, sizeof *two);
    (void)state;
    world_init(two, NULL, NULL);
    assert_int_equal(sfu_control_plugin_load(two->c, module, NULL), 0);
    uint64_t ann = world_session(one, "demo/ann/", NULL),
             bob = world_session(two, "demo/bob/", NULL);
    json_t *first = world_call(one, ann, "greeter.hello", NULL);
    json_t *second = world_call(two, bob, "greeter.hello", NULL);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(first, "result"), "text")),
        "Salve, Name of ann");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(second, "result"), "text")),
        "Hello, Name of bob");
    json_decref(first);
    json_decref(second);
    assert_int_equal(sfu_control_plugin_load(two->c, module, NULL), -EEXIST);
    end(one);
    end(two);
}

static void its_reference(void **state)
{
    struct world *w = make();
    struct sfu_str out;
    (void)state;
    sfu_str_init_grow(&out, 1 << 20);
    sfu_control_print_reference(w->c, &out);
    assert_non_null(strstr(out.buf, "### `greeter.hello`"));
    assert_non_null(
        strstr(out.buf, "| GET | `/v1/greeter` | token | Greets the holder of the token. |"));
    sfu_str_fini(&out);
    end(w);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_method),
        cmocka_unit_test(its_route),
        cmocka_unit_test(two_instances_share_nothing),
        cmocka_unit_test(its_reference),
    };
    if (argc < 2) {
        print_error("usage: %s module.so\n", argv[0]);
        return 2;
    }
    module = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
