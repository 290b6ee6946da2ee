#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sfu/base/rand.h"
#include "sfu/base/str.h"
#include "sfu/log.h"
#include "signaling/directory/directory.h"

/* One line: key id, space, base64url of the secret. */
enum { FILE_BYTES = 256, PATH_BYTES = 4096 };

static int file_path(const char *data_dir, const char *suffix, char *ret_path)
{
    int n = snprintf(ret_path, PATH_BYTES, "%s/%s%s", data_dir, SIG_DIR_DEV_KEY_FILE, suffix);
    return n > 0 && n < PATH_BYTES ? 0 : -ENAMETOOLONG;
}

static int parse(const char *text, size_t len, struct sig_dir_key *ret_key)
{
    const char *space = memchr(text, ' ', len);
    if (!space || len == 0 || text[len - 1] != '\n') {
        return -EBADMSG;
    }
    size_t kid_len = (size_t)(space - text);
    size_t secret_len = len - kid_len - 2;
    struct sig_dir_key key = {.development = true};
    if (!sfu_id_valid("dev", text, kid_len) ||
        sfu_str_copy(key.kid, sizeof key.kid, text, kid_len) ||
        sfu_str_copy(key.tenant, sizeof key.tenant, SIG_DIR_DEFAULT_TENANT,
                     strlen(SIG_DIR_DEFAULT_TENANT)) ||
        sfu_str_unbase64url(space + 1, secret_len, key.secret, sizeof key.secret) !=
            SIG_DIR_SECRET_BYTES) {
        return -EBADMSG;
    }
    *ret_key = key;
    return 0;
}

static int read_key(const char *path, struct sig_dir_key *ret_key)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -errno;
    }
    struct stat st;
    char text[FILE_BYTES];
    int err = fstat(fd, &st) ? -errno : 0;
    if (!err && (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)) {
        err = -EPERM;
    }
    ssize_t n = err ? 0 : read(fd, text, sizeof text);
    if (n < 0) {
        err = -errno;
    }
    close(fd);
    return err ? err : parse(text, (size_t)n, ret_key);
}

static int write_all(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return -errno;
    }
    int err = fchmod(fd, 0600) ? -errno : 0;
    if (!err && write(fd, text, len) != (ssize_t)len) {
        err = -EIO;
    }
    if (!err && fsync(fd)) {
        err = -errno;
    }
    close(fd);
    return err;
}

/* link() makes the finished file appear at once, and only if nobody else was first. */
static int make_key(const char *data_dir, const char *path, int64_t wall_us)
{
    char tmp[PATH_BYTES];
    char suffix[32];
    snprintf(suffix, sizeof suffix, ".%ld", (long)getpid());
    int err = file_path(data_dir, suffix, tmp);
    if (err) {
        return err;
    }
    char kid[SFU_ID_SIZE];
    char secret[SFU_SECRET_SIZE(SIG_DIR_SECRET_BYTES)];
    char text[FILE_BYTES];
    sfu_id_make("dev", wall_us, kid);
    sfu_secret_make(SIG_DIR_SECRET_BYTES, secret);
    int n = snprintf(text, sizeof text, "%s %s\n", kid, secret);
    err = write_all(tmp, text, (size_t)n);
    explicit_bzero(text, sizeof text);
    explicit_bzero(secret, sizeof secret);
    if (!err && link(tmp, path) && errno != EEXIST) {
        err = -errno;
    }
    unlink(tmp);
    if (!err) {
        SFU_LOG(SFU_LOG_INFO, SFU_COMP_AUTH, "development key made", "file=%s", path);
    }
    return err;
}

int sig_dir_dev_key(const char *data_dir, bool make, int64_t wall_us, struct sig_dir_key *ret_key)
{
    char path[PATH_BYTES];
    int err = file_path(data_dir, "", path);
    if (err) {
        return err;
    }
    struct sig_dir_key key;
    err = read_key(path, &key);
    if (err == -ENOENT && make) {
        err = make_key(data_dir, path, wall_us);
        err = err ? err : read_key(path, &key);
    }
    if (err == -EPERM || err == -EBADMSG || err == -ELOOP) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_AUTH,
                err == -EBADMSG ? "not a key file: remove it to get a new key"
                                : "others may read the development key: chmod 600, or remove it",
                "file=%s", path);
        err = err == -ELOOP ? -EPERM : err;
    }
    if (!err) {
        *ret_key = key;
    }
    return err;
}
