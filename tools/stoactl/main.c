#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/log.h"
#include "sfu/versions.h"
#include "tools/stoactl/stoactl.h"

static const struct {
    const char *name, *summary, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"token", "print a join token", ctl_token_help, ctl_token},
    {"key", "create, list and disable the keys that sign tokens", ctl_key_help, ctl_key},
    {"streamkey", "create, list and revoke the keys that encoders publish with", ctl_streamkey_help,
     ctl_streamkey},
};

static void print_help(FILE *out)
{
    fputs("usage: stoactl COMMAND [OPTIONS]\n\n", out);
    for (size_t i = 0; i < SFU_ARRAY_LEN(commands); i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fputs("\nstoactl COMMAND --help tells more; --version prints the version.\n", out);
}

static int help(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < SFU_ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            fputs(commands[i].help, stdout);
            return EXIT_SUCCESS;
        }
    }
    print_help(stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    sfu_log_set_all(SFU_LOG_ERROR);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return help(argc - 1, argv + 1);
    }
    if (strcmp(name, "--version") == 0) {
        printf("stoactl %s\n", sfu_version_string());
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < SFU_ARRAY_LEN(commands); i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "stoactl: no command '%s'\n\n", name);
    print_help(stderr);
    return EXIT_USAGE;
}
