#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/str.h"
#include "tools/stoactl/stoactl.h"

static void complain(const char *fmt, va_list ap) SFU_PRINTF(1, 0);

static void complain(const char *fmt, va_list ap)
{
    fputs("stoactl: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

int ctl_fail(const char *hint, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    complain(fmt, ap);
    va_end(ap);
    if (hint) {
        fprintf(stderr, "%s\n", hint);
    }
    return EXIT_FAILURE;
}

int ctl_usage(const char *help, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    complain(fmt, ap);
    va_end(ap);
    fprintf(stderr, "\n%s", help);
    return EXIT_USAGE;
}

const char *ctl_data_dir(const char *option)
{
    const char *env = getenv("STOA_DATA_DIR");
    return option ? option : env && env[0] ? env : "./data";
}

static int explain(const char *data_dir, int err)
{
    static const struct {
        int err;
        const char *what, *hint;
    } rows[] = {
        {-ENOENT, "no directory there",
         "Start stoad once, name its folder with --data, or make a key with 'stoactl key create'."},
        {-ENOTSUP, "the database was written by a newer version",
         "Use the stoactl of that version."},
        {-EACCES, "no permission", "Run as the user who runs stoad."},
        {-EROFS, "no permission to write", "Run as the user who runs stoad."},
        {-EPERM, "others may read the development key", "chmod 600 dev.key, or remove it."},
        {-EBADMSG, "a file is damaged", NULL},
        {-EBUSY, "another program holds the database", "Try again."},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        if (rows[i].err == err) {
            return ctl_fail(rows[i].hint, "%s: %s", data_dir, rows[i].what);
        }
    }
    return ctl_fail(NULL, "%s: %s", data_dir, strerror(-err));
}

int ctl_open(const char *data_dir, bool create, bool development, struct sig_dir **ret_dir)
{
    struct sig_dir_conf conf = {.data_dir = data_dir,
                                .create = create,
                                .development = development,
                                .clock = sfu_clock_real()};
    int err = sig_dir_open(&conf, ret_dir);
    return err ? explain(data_dir, err) : 0;
}

int ctl_duration(const char *text, uint32_t *ret_s)
{
    static const struct {
        char unit;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t len = strlen(text);
    uint32_t factor = 1;
    for (size_t i = 0; len > 0 && i < SFU_ARRAY_LEN(units); i++) {
        if (text[len - 1] == units[i].unit) {
            factor = units[i].seconds;
            len--;
            break;
        }
    }
    uint32_t n = 0;
    if (sfu_str_u32(text, len, 1, SIG_TOKEN_MAX_TTL_S / factor, &n)) {
        return -EINVAL;
    }
    *ret_s = n * factor;
    return 0;
}
