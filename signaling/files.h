/*
 * signaling/files.h - the web app's files, read once into memory.
 *
 * A request is a look-up in a table of names made at start, so no request can reach the file
 * system: there is no path to traverse, no symbolic link to follow and no disk to wait for.
 * Immutable after create; any thread.
 */
#pragma once

#include <stddef.h>

#include "sfu/base/attr.h"

struct sig_files; /* body in files.c */

struct sig_file {
    const char *type; /* Content-Type */
    const char *data;
    size_t len;
    const char *gzip; /* of the neighbour NAME.gz, NULL without */
    size_t gzip_len;
    char etag[40];      /* strong, with its quotes */
    char etag_gzip[40]; /* another representation has another tag (RFC 9110, 8.8.3) */
    int immutable;      /* the name carries a hash of the contents */
};

enum { SIG_FILES_MAX = 4096, SIG_FILE_MAX_BYTES = 32 << 20, SIG_FILES_MAX_BYTES = 128 << 20 };

/* Adds everything below root under the URL prefix ("/" or "/sdk/"); names that start with a dot and
 * symbolic links are left out.  -ENOENT no such folder, -E2BIG a bound above, -EEXIST the name is
 * taken, -ENOMEM. */
SFU_MUST_CHECK int sig_files_create(struct sig_files **ret_files);
SFU_MUST_CHECK int sig_files_add(struct sig_files *files, const char *prefix, const char *root);
void sig_files_destroy(struct sig_files *files); /* NULL is allowed */

/* path: checked by sig_path_check.  "/x/" finds "/x/index.html".  NULL: not found. */
const struct sig_file *sig_files_find(const struct sig_files *files, const char *path, size_t len);
size_t sig_files_count(const struct sig_files *files);

/* By the end of the name; "application/octet-stream" when unknown. */
const char *sig_mime_type(const char *name);
