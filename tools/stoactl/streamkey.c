#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/track.h"
#include "tools/stoactl/stoactl.h"

const char ctl_streamkey_help[] =
    "usage: stoactl streamkey create --room ROOM [--name NAME]\n"
    "       stoactl streamkey list [--room ROOM]\n"
    "       stoactl streamkey revoke ID [--room ROOM]\n\n"
    "Keys for encoders that know only a URL and a bearer token: whoever has one may publish into\n"
    "ROOM by WHIP until it is revoked.  stoad must be running.\n\n"
    "  create    makes a key and prints it: it cannot be shown again\n"
    "  list      shows the keys in use, not their secrets\n"
    "  revoke    refuses the key from now on, and ends what streams with it\n\n"
    "  --url URL     where stoad listens [STOA_URL, else http://127.0.0.1:8080]\n"
    "  --key KID     the key to sign with [the newest one in use; else the development key]\n"
    "  --data DIR    data folder of stoad [STOA_DATA_DIR, else ./data]\n";

#define PATH "/admin/v1/streamkeys"

struct wanted {
    const char *room, *name, *url, *kid, *data;
    const char *action, *id;
};

static int admin_token(const struct wanted *w, char **ret_token)
{
    struct sig_dir_key key;
    struct sig_token token = {.room = w->room, .identity = "stoactl", .admin = true, .ttl_s = 60};
    int code = ctl_signing_key(ctl_data_dir(w->data), w->kid, &key);
    if (code) {
        return code;
    }
    int err = sig_token_mint(&key, &token, sfu_clock_wall_us(sfu_clock_real()), ret_token);
    explicit_bzero(&key, sizeof key);
    return err ? ctl_fail(NULL, "'%s' cannot be the name of a room", w->room ? w->room : "") : 0;
}

/* What the server said against it. */
static int refused(unsigned status, const json_t *answer)
{
    const char *title = json_string_value(json_object_get(answer, "title"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    return ctl_fail(NULL, "refused: %s (HTTP %u)", detail ? detail : title ? title : "", status);
}

static int call(const struct wanted *w, const char *method, const char *path, const char *body,
                json_t **ret_answer)
{
    char *token = NULL, *text = NULL;
    unsigned status = 0;
    int code = admin_token(w, &token);
    if (code) {
        return code;
    }
    const struct ctl_request request = {
        .url = w->url, .method = method, .path = path, .token = token, .body = body};
    code = ctl_http(&request, &status, &text);
    explicit_bzero(token, strlen(token));
    free(token);
    if (code) {
        return code;
    }
    *ret_answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    explicit_bzero(text, strlen(text));
    free(text);
    if (status >= 300) {
        code = refused(status, *ret_answer);
        json_decref(*ret_answer);
    }
    return code;
}

static int create(const struct wanted *w)
{
    json_t *body = json_pack("{s:s, s:s}", "room", w->room, "name", w->name ? w->name : "");
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_t *answer = NULL;
    json_decref(body);
    if (!text) {
        return ctl_fail(NULL, "room and name must be UTF-8");
    }
    int code = call(w, "POST", PATH, text, &answer);
    free(text);
    if (!code) {
        printf("id      %s\nkey     %s\n", json_string_value(json_object_get(answer, "id")),
               json_string_value(json_object_get(answer, "key")));
        json_decref(answer);
    }
    return code;
}

static int list(const struct wanted *w)
{
    json_t *answer = NULL, *row;
    size_t i;
    int code = call(w, "GET", PATH, NULL, &answer);
    if (code) {
        return code;
    }
    json_array_foreach(json_object_get(answer, "streamkeys"), i, row)
    {
        printf("%-32s room %s", json_string_value(json_object_get(row, "id")),
               json_string_value(json_object_get(row, "room")));
        const char *name = json_string_value(json_object_get(row, "name"));
        printf("%s%s\n", name && name[0] ? "  " : "", name ? name : "");
    }
    json_decref(answer);
    return EXIT_SUCCESS;
}

static int revoke(const struct wanted *w)
{
    char path[128];
    json_t *answer = NULL;
    int n = snprintf(path, sizeof path, PATH "/%s", w->id);
    if (n < 0 || n >= (int)sizeof path ||
        strspn(w->id, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(w->id)) {
        return ctl_fail("'stoactl streamkey list' shows the keys.", "no stream key '%s'", w->id);
    }
    int code = call(w, "DELETE", path, NULL, &answer);
    if (!code) {
        json_decref(answer);
    }
    return code;
}

static const struct {
    const char *name;
    bool room, id; /* needed */
    int (*run)(const struct wanted *w);
} actions[] = {
    {"create", true, false, create},
    {"list", false, false, list},
    {"revoke", false, true, revoke},
};

static int parse(int argc, char **argv, struct wanted *ret)
{
    static const struct option options[] = {
        {"room", required_argument, NULL, 'r'},
        {"name", required_argument, NULL, 'n'},
        {"url", required_argument, NULL, 'u'},
        {"key", required_argument, NULL, 'k'},
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char **const places[] = {['r'] = &ret->room,
                                   ['n'] = &ret->name,
                                   ['u'] = &ret->url,
                                   ['k'] = &ret->kid,
                                   ['d'] = &ret->data};
    opterr = 0;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (opt == 'h') {
            ret->action = "help";
            return 0;
        }
        if (opt == '?') {
            return ctl_usage(ctl_streamkey_help, "bad option '%s', or its value is missing",
                             argv[optind - 1]);
        }
        *places[opt] = optarg;
    }
    ret->action = optind < argc ? argv[optind++] : NULL;
    ret->id = optind < argc ? argv[optind++] : NULL;
    return ret->action && optind == argc ? 0
                                         : ctl_usage(ctl_streamkey_help, "create, list or revoke?");
}

int ctl_streamkey(int argc, char **argv)
{
    const char *env = getenv("STOA_URL");
    struct wanted w = {.url = env && env[0] ? env : "http://127.0.0.1:8080"};
    int code = parse(argc, argv, &w);
    if (code || !w.action) {
        return code;
    }
    if (strcmp(w.action, "help") == 0) {
        fputs(ctl_streamkey_help, stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(actions); i++) {
        if (strcmp(w.action, actions[i].name) != 0) {
            continue;
        }
        if (actions[i].room && !w.room) {
            return ctl_usage(ctl_streamkey_help, "--room is missing");
        }
        if (actions[i].id != (w.id != NULL)) {
            return ctl_usage(ctl_streamkey_help, actions[i].id ? "which one?" : "what is '%s'?",
                             w.id);
        }
        return actions[i].run(&w);
    }
    return ctl_usage(ctl_streamkey_help, "no such thing as 'streamkey %s'", w.action);
}
