#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sfu/base/str.h"
#include "tools/stoactl/stoactl.h"

const char ctl_key_help[] =
    "usage: stoactl key create|list [--data DIR]\n"
    "       stoactl key disable KID [--data DIR]\n\n"
    "  create    makes a random key and prints its id and secret (HS256, base64url): give them to\n"
    "            the program that signs tokens.  With a key of its own stoad may listen on any\n"
    "            address, and at its next start it no longer takes the development key\n"
    "  list      shows the keys, not their secrets\n"
    "  disable   refuses new sessions whose token was signed with KID; takes effect within 2 s\n\n"
    "  --data DIR    data folder of stoad [STOA_DATA_DIR, else ./data]\n";

static int create(struct sig_dir *dir, const char *arg)
{
    (void)arg;
    struct sig_dir_key key;
    int err = sig_dir_key_create(dir, &key);
    if (err) {
        return ctl_fail(NULL, "cannot make a key: %s", strerror(-err));
    }
    char secret[64];
    struct sfu_str s;
    sfu_str_init_fixed(&s, secret, sizeof secret);
    sfu_str_base64url(&s, key.secret, sizeof key.secret);
    printf("kid     %s\nsecret  %s\n", key.kid, secret);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(&key, sizeof key);
    return EXIT_SUCCESS;
}

static void print_time(int64_t wall_us)
{
    time_t t = (time_t)(wall_us / 1000000);
    struct tm tm;
    char text[32] = "";
    if (gmtime_r(&t, &tm)) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    fputs(text, stdout);
}

static int list(struct sig_dir *dir, const char *arg)
{
    (void)arg;
    struct sig_dir_key keys[SIG_DIR_MAX_KEYS];
    size_t count = 0;
    int err = sig_dir_key_list(dir, keys, SIG_DIR_MAX_KEYS, &count);
    if (err) {
        return ctl_fail(NULL, "cannot read the keys: %s", strerror(-err));
    }
    for (size_t i = 0; i < count; i++) {
        printf("%-32s created ", keys[i].kid);
        print_time(keys[i].created_us);
        if (keys[i].disabled_us) {
            fputs("  disabled ", stdout);
            print_time(keys[i].disabled_us);
        }
        putchar('\n');
    }
    if (count == 0) {
        fputs("no keys: stoad makes do with its development key, on this machine only\n", stderr);
    }
    explicit_bzero(keys, sizeof keys);
    return EXIT_SUCCESS;
}

static int disable(struct sig_dir *dir, const char *kid)
{
    int err = sig_dir_key_disable(dir, kid);
    if (err == -ENOENT) {
        return ctl_fail("'stoactl key list' shows the keys.", "no key '%s'", kid);
    }
    return err ? ctl_fail(NULL, "cannot disable it: %s", strerror(-err)) : EXIT_SUCCESS;
}

static const struct {
    const char *name;
    bool create; /* the database, when there is none */
    int args;
    int (*run)(struct sig_dir *dir, const char *arg);
} actions[] = {
    {"create", true, 0, create},
    {"list", false, 0, list},
    {"disable", false, 1, disable},
};

static int run(size_t action, const char *data, const char *arg)
{
    struct sig_dir *dir = NULL;
    int code = ctl_open(data, actions[action].create, false, &dir);
    if (!code) {
        code = actions[action].run(dir, arg);
        sig_dir_close(dir);
    }
    return code;
}

int ctl_key(int argc, char **argv)
{
    static const struct option options[] = {
        {"data", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *data = NULL;
    opterr = 0;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (opt == 'h') {
            fputs(ctl_key_help, stdout);
            return EXIT_SUCCESS;
        }
        if (opt == '?') {
            return ctl_usage(ctl_key_help, "bad option '%s', or its value is missing",
                             argv[optind - 1]);
        }
        data = optarg;
    }
    if (optind == argc) {
        return ctl_usage(ctl_key_help, "create, list or disable?");
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(actions); i++) {
        if (strcmp(argv[optind], actions[i].name) == 0) {
            int args = argc - optind - 1;
            return args == actions[i].args
                       ? run(i, ctl_data_dir(data), args ? argv[optind + 1] : NULL)
                       : ctl_usage(ctl_key_help, "'key %s' takes %d argument(s)", argv[optind],
                                   actions[i].args);
        }
    }
    return ctl_usage(ctl_key_help, "no such thing as 'key %s'", argv[optind]);
}
