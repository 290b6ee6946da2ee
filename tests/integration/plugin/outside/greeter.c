/* A plugin of somebody else: one method, one notification, one HTTP route, one setting. */
#include <sfu/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct greeter {
    const struct sfu_host *host;
    char word[65];
};

static int greeter_init(const struct sfu_host *host, const json_t *conf, void **ret_state)
{
    const char *word = json_string_value(json_object_get(conf, "word"));
    struct greeter *g = calloc(1, sizeof *g);
    if (!g) {
        return -ENOMEM;
    }
    g->host = host;
    snprintf(g->word, sizeof g->word, "%s", word ? word : "Hello");
    *ret_state = g;
    return 0;
}

static void greeter_fini(void *state)
{
    free(state);
}

static int greeter_hello(void *state, struct sfu_call *call, const json_t *params,
                         json_t **ret_result)
{
    struct greeter *g = state;
    struct sfu_session_info who;
    const char *name = json_string_value(json_object_get(params, "name"));
    char text[512];
    int err = g->host->session_info(g->host, call->session, &who);
    if (err != 0) {
        return err;
    }
    snprintf(text, sizeof text, "%s, %s", g->word, name ? name : who.name);
    json_t *said = json_pack("{s:s}", "text", text);
    err = said ? g->host->notify(g->host, call->session, "greeter.said", said) : -ENOMEM;
    g->host->count(g->host, 0, 1);
    if (err != 0) {
        json_decref(said);
        return err;
    }
    *ret_result = said;
    return 0;
}

static void greeter_page(void *state, const struct sfu_http_request *request)
{
    struct greeter *g = state;
    char body[256];
    int len = snprintf(body, sizeof body, "%s, %s\n", g->word, request->claims->identity);
    (void)g->host->http_reply(g->host, request->id, 200, "text/plain; charset=utf-8", body,
                              (size_t)len);
}

static const struct sfu_param keys[] = {
    {.name = "word", .type = SFU_PARAM_STRING, .min = 1, .max = 64, .doc = "how it greets"}, {0}};
static const struct sfu_param hello_params[] = {{.name = "name",
                                                 .type = SFU_PARAM_STRING,
                                                 .min = 1,
                                                 .max = 128,
                                                 .doc = "whom; oneself when absent"},
                                                {0}};
static const struct sfu_param said[] = {
    {.name = "text", .type = SFU_PARAM_STRING, .required = true, .doc = "the greeting"}, {0}};
static const struct sfu_method methods[] = {{.name = "greeter.hello",
                                             .fn = greeter_hello,
                                             .params = hello_params,
                                             .result = said,
                                             .doc = "Greets somebody."},
                                            {0}};
static const struct sfu_notification notifications[] = {
    {.name = "greeter.said", .params = said, .doc = "What was said."}, {0}};
static const struct sfu_http_route routes[] = {{.method = "GET",
                                                .path = "/v1/greeter",
                                                .permit = SFU_PERMIT_TOKEN,
                                                .fn = greeter_page,
                                                .doc = "Greets the holder of the token."},
                                               {0}};
static const struct sfu_counter counters[] = {{"greetings", "greetings"}, {0}};

const struct sfu_plugin SFU_PLUGIN = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "greeter",
    .version = "2.5.0",
    .doc = "Greets.",
    .keys = keys,
    .methods = methods,
    .notifications = notifications,
    .routes = routes,
    .counters = counters,
    .init = greeter_init,
    .fini = greeter_fini,
};
