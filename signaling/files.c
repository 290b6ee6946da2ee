#include "signaling/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sfu/base/map.h"
#include "sfu/base/str.h"
#include "sfu/limits.h"
#include "sfu/log.h"

enum { NAME_MAX_BYTES = 512, DEPTH_MAX = 8, ETAG_HASH_BYTES = 12, HASH_MIN_CHARS = 8 };

struct entry {
    struct sig_file file;
    char *data, *gzip;
};

struct sig_files {
    struct sfu_bmap *map; /* URL path -> struct entry */
    size_t bytes;
};

/* One folder on the way down. */
struct walk {
    struct sig_files *files;
    char url[NAME_MAX_BYTES];
    size_t url_len;
    unsigned depth;
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".ts", "text/plain; charset=utf-8"}, /* type declarations of the SDK, not MPEG */
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/plain; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".avif", "image/avif"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wav", "audio/wav"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
};

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name);
    size_t e = strlen(ending);
    return n > e && strcmp(name + n - e, ending) == 0;
}

const char *sig_mime_type(const char *name)
{
    for (size_t i = 0; i < SFU_ARRAY_LEN(types); i++) {
        if (ends_with(name, types[i].ending)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

int sig_files_create(struct sig_files **ret_files)
{
    struct sig_files *files = calloc(1, sizeof *files);
    if (!files) {
        return -ENOMEM;
    }
    int err = sfu_bmap_create(SIG_FILES_MAX, NAME_MAX_BYTES, &files->map);
    if (err) {
        free(files);
        return err;
    }
    *ret_files = files;
    return 0;
}

static void free_entry(struct entry *e)
{
    if (e) {
        free(e->data);
        free(e->gzip);
        free(e);
    }
}

void sig_files_destroy(struct sig_files *files)
{
    if (!files) {
        return;
    }
    struct sfu_map_iter it;
    void *value = NULL;
    const void *key = NULL;
    size_t len = 0;
    sfu_bmap_iter_init(files->map, &it);
    while (sfu_bmap_next(files->map, &it, &key, &len, &value)) {
        free_entry(value);
    }
    sfu_bmap_destroy(files->map);
    free(files);
}

size_t sig_files_count(const struct sig_files *files)
{
    return sfu_bmap_count(files->map);
}

/* "index-DiwrgTda.js", "logo.4f2a91bc.svg": what bundlers write.  A digit or capital keeps plain
 * words out. */
static bool has_hash(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot) {
        return false;
    }
    const char *start = dot;
    bool mixed = false;
    while (start > name && (isalnum((unsigned char)start[-1]) || start[-1] == '_')) {
        start--;
        mixed = mixed || isdigit((unsigned char)*start) || isupper((unsigned char)*start);
    }
    return mixed && dot - start >= HASH_MIN_CHARS && start > name &&
           (start[-1] == '-' || start[-1] == '.');
}

static int make_etag(const char *data, size_t len, char ret_etag[40])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1) {
        return -ENOMEM;
    }
    struct sfu_str s;
    sfu_str_init_fixed(&s, ret_etag, 40);
    sfu_str_putc(&s, '"');
    sfu_str_base64url(&s, digest, ETAG_HASH_BYTES);
    sfu_str_putc(&s, '"');
    return 0;
}

static int read_all(int fd, size_t len, char **ret_data)
{
    char *data = malloc(len + 1);
    if (!data) {
        return -ENOMEM;
    }
    size_t done = 0;
    while (done < len) {
        ssize_t n = read(fd, data + done, len - done);
        if (n <= 0) {
            free(data);
            return n < 0 ? -errno : -EIO; /* it shrank while we read */
        }
        done += (size_t)n;
    }
    data[len] = '\0';
    *ret_data = data;
    return 0;
}

static struct entry *find_or_add(struct sig_files *files, const char *url, size_t len)
{
    struct entry *e = sfu_bmap_get(files->map, url, len);
    if (e) {
        return e;
    }
    e = calloc(1, sizeof *e);
    if (e && sfu_bmap_put(files->map, url, len, e)) {
        free(e);
        e = NULL;
    }
    return e;
}

/* NAME.gz is a representation of NAME, not a file of its own. */
static int store(struct walk *w, const char *name, char *data, size_t len)
{
    bool gzip = ends_with(name, ".gz");
    size_t name_len = strlen(name) - (gzip ? 3 : 0);
    if (w->url_len + name_len >= sizeof w->url) {
        return -ENAMETOOLONG;
    }
    char url[NAME_MAX_BYTES];
    memcpy(url, w->url, w->url_len);
    memcpy(url + w->url_len, name, name_len);
    url[w->url_len + name_len] = '\0';
    struct entry *e = find_or_add(w->files, url, w->url_len + name_len);
    if (!e) {
        return -E2BIG;
    }
    char **slot = gzip ? &e->gzip : &e->data;
    if (*slot) {
        return -EEXIST;
    }
    int err = make_etag(data, len, gzip ? e->file.etag_gzip : e->file.etag);
    if (err) {
        return err;
    }
    *slot = data;
    *(gzip ? &e->file.gzip : &e->file.data) = data;
    *(gzip ? &e->file.gzip_len : &e->file.len) = len;
    e->file.type = sig_mime_type(url);
    e->file.immutable = has_hash(url + w->url_len);
    return 0;
}

static int add_file(struct walk *w, int fd, const char *name, size_t len)
{
    if (len > SIG_FILE_MAX_BYTES || w->files->bytes + len > SIG_FILES_MAX_BYTES) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_HTTP, "web files are too large", "file=%s bytes=%zu", name,
                len);
        return -E2BIG;
    }
    char *data = NULL;
    int err = read_all(fd, len, &data);
    if (!err) {
        err = store(w, name, data, len);
        if (err) {
            free(data);
        } else {
            w->files->bytes += len;
        }
    }
    return err;
}

static int add_folder(struct walk *w, int fd);

static int add_child(struct walk *w, int dir_fd, const char *name)
{
    /* O_NOFOLLOW: a link may lead anywhere, so none is taken */
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        SFU_LOG(SFU_LOG_WARN, SFU_COMP_HTTP, "web file left out", "file=%s err=%d", name, errno);
        return 0;
    }
    struct stat st;
    int err = fstat(fd, &st) ? -errno : 0;
    if (!err && S_ISREG(st.st_mode)) {
        err = add_file(w, fd, name, (size_t)st.st_size);
    } else if (!err && S_ISDIR(st.st_mode) && w->depth < DEPTH_MAX) {
        struct walk below = *w;
        int n = snprintf(below.url + w->url_len, sizeof below.url - w->url_len, "%s/", name);
        below.depth++;
        below.url_len += (size_t)n;
        return below.url_len < sizeof below.url ? add_folder(&below, fd)
                                                : (close(fd), -ENAMETOOLONG);
    }
    close(fd);
    return err;
}

/* Takes fd. */
static int add_folder(struct walk *w, int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int err = -errno;
        close(fd);
        return err;
    }
    int err = 0;
    for (struct dirent *e; !err && (e = readdir(dir));) {
        if (e->d_name[0] != '.') {
            err = add_child(w, dirfd(dir), e->d_name);
        }
    }
    closedir(dir);
    return err;
}

int sig_files_add(struct sig_files *files, const char *prefix, const char *root)
{
    struct walk w = {.files = files};
    if (sfu_str_copy(w.url, sizeof w.url, prefix, strlen(prefix))) {
        return -EINVAL;
    }
    w.url_len = strlen(prefix);
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOTDIR ? -ENOENT : -errno;
    }
    return add_folder(&w, fd);
}

const struct sig_file *sig_files_find(const struct sig_files *files, const char *path, size_t len)
{
    static const char index[] = "index.html";
    char name[NAME_MAX_BYTES];
    if (len > 0 && path[len - 1] == '/') {
        if (len + sizeof index > sizeof name) {
            return NULL;
        }
        memcpy(name, path, len);
        memcpy(name + len, index, sizeof index);
        path = name;
        len += sizeof index - 1;
    }
    const struct entry *e = len <= NAME_MAX_BYTES ? sfu_bmap_get(files->map, path, len) : NULL;
    return e && e->data ? &e->file : NULL;
}
