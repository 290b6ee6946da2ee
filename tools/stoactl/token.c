#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/stoactl/stoactl.h"

const char ctl_token_help[] =
    "usage: stoactl token --room ROOM --identity ID [OPTIONS]\n\n"
    "Prints a token that lets ID join ROOM.\n\n"
    "  --room ROOM       name of the room, 1..128 bytes (left out: only with the grant admin)\n"
    "  --identity ID     who this is, 1..128 bytes; one session per identity and room\n"
    "  --name NAME       the name that others see\n"
    "  --grant LIST      publish (all of microphone, camera, screen, screen_audio, which may be\n"
    "                    named singly), subscribe, data, record, admin\n"
    "                    [publish,subscribe,data]\n"
    "  --ttl TIME        how long it is valid: 90s, 15m, 6h, 30d [6h]\n"
    "  --key KID         the key to sign with [the newest one in use; else the development key]\n"
    "  --data DIR        data folder of stoad [STOA_DATA_DIR, else ./data]\n";

enum { OPT_ROOM = 1, OPT_IDENTITY, OPT_NAME, OPT_GRANT, OPT_TTL, OPT_KEY, OPT_DATA, OPT_HELP };

static const struct option options[] = {
    {"room", required_argument, NULL, OPT_ROOM},
    {"identity", required_argument, NULL, OPT_IDENTITY},
    {"name", required_argument, NULL, OPT_NAME},
    {"grant", required_argument, NULL, OPT_GRANT},
    {"ttl", required_argument, NULL, OPT_TTL},
    {"key", required_argument, NULL, OPT_KEY},
    {"data", required_argument, NULL, OPT_DATA},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct wanted {
    struct sig_token token;
    const char *grants, *ttl, *kid, *data;
    bool help;
};

static int parse(int argc, char **argv, struct wanted *ret)
{
    struct wanted w = {.grants = "publish,subscribe,data", .ttl = "6h"};
    const char **const targets[] = {
        [OPT_ROOM] = &w.token.room, [OPT_IDENTITY] = &w.token.identity,
        [OPT_NAME] = &w.token.name, [OPT_GRANT] = &w.grants,
        [OPT_TTL] = &w.ttl,         [OPT_KEY] = &w.kid,
        [OPT_DATA] = &w.data,
    };
    opterr = 0;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (opt == OPT_HELP || opt == 'h') {
            w.help = true;
        } else if (opt == '?') {
            return ctl_usage(ctl_token_help, "bad option '%s', or its value is missing",
                             argv[optind - 1]);
        } else {
            *targets[opt] = optarg;
        }
    }
    if (optind < argc) {
        return ctl_usage(ctl_token_help, "what is '%s'?", argv[optind]);
    }
    *ret = w;
    return 0;
}

static int check(struct wanted *w)
{
    const char *bad = NULL;
    if (sig_token_grants(w->grants, &w->token, &bad)) {
        return ctl_usage(ctl_token_help, "--grant: '%.*s' is no grant", (int)strcspn(bad, ","),
                         bad);
    }
    if (ctl_duration(w->ttl, &w->token.ttl_s)) {
        return ctl_usage(ctl_token_help, "--ttl: '%s' is not 1s..30d", w->ttl);
    }
    if (!w->token.identity) {
        return ctl_usage(ctl_token_help, "--identity is missing");
    }
    if (!w->token.room && !w->token.admin) {
        return ctl_usage(ctl_token_help, "--room is missing");
    }
    return 0;
}

/* The newest key in use, or the one named kid. */
static bool choose(const struct sig_dir_key *keys, size_t count, const char *kid,
                   struct sig_dir_key *ret_key)
{
    for (size_t i = count; i > 0; i--) {
        const struct sig_dir_key *key = &keys[i - 1];
        if (key->disabled_us == 0 && (!kid || strcmp(key->kid, kid) == 0)) {
            *ret_key = *key;
            return true;
        }
    }
    return false;
}

int ctl_signing_key(const char *data, const char *kid, struct sig_dir_key *ret_key)
{
    struct sig_dir *dir = NULL;
    int code = ctl_open(data, false, false, &dir);
    if (code) {
        return code;
    }
    struct sig_dir_key keys[SIG_DIR_MAX_KEYS];
    size_t count = 0;
    int err = sig_dir_key_list(dir, keys, SIG_DIR_MAX_KEYS, &count);
    sig_dir_close(dir);
    if (err) {
        return ctl_fail(NULL, "cannot read the keys: %s", strerror(-err));
    }
    bool found = choose(keys, count, kid, ret_key);
    explicit_bzero(keys, sizeof keys);
    if (found) {
        return 0;
    }
    if (kid) {
        return ctl_fail("'stoactl key list' shows the keys.", "no key '%s' in use", kid);
    }
    if (sig_dir_dev_key(data, false, 0, ret_key)) {
        return ctl_fail("Start stoad once, or make a key with 'stoactl key create'.",
                        "%s holds no key that can be used", data);
    }
    return 0;
}

int ctl_token(int argc, char **argv)
{
    struct wanted w = {.help = false};
    int code = parse(argc, argv, &w);
    if (code || w.help) {
        fputs(code ? "" : ctl_token_help, stdout);
        return code;
    }
    code = check(&w);
    struct sig_dir_key key;
    if (!code) {
        code = ctl_signing_key(ctl_data_dir(w.data), w.kid, &key);
    }
    if (code) {
        return code;
    }
    char *text = NULL;
    int err = sig_token_mint(&key, &w.token, sfu_clock_wall_us(sfu_clock_real()), &text);
    explicit_bzero(&key, sizeof key);
    if (err == -EINVAL) {
        return ctl_fail("1..128 bytes of UTF-8, no control characters, no white space at the ends.",
                        "room, identity or name cannot be used");
    }
    if (err) {
        return ctl_fail(NULL, "cannot sign: %s", strerror(-err));
    }
    puts(text);
    free(text);
    return EXIT_SUCCESS;
}
