/*
 * tools/stoactl/stoactl.h - what the commands of stoactl share.  One thread.
 */
#pragma once

#include <getopt.h>

#include "signaling/auth.h"
#include "signaling/directory/directory.h"

enum { EXIT_USAGE = 2 };

/* "error: …" with a hint how to go on (may be NULL); returns EXIT_FAILURE or EXIT_USAGE. */
int ctl_fail(const char *hint, const char *fmt, ...) SFU_PRINTF(2, 3);
int ctl_usage(const char *help, const char *fmt, ...) SFU_PRINTF(2, 3);

/* --data, else STOA_DATA_DIR, else what stoad takes by default. */
const char *ctl_data_dir(const char *option);
/* Opens the directory of that folder; 0, or an exit code after telling why not. */
SFU_MUST_CHECK int ctl_open(const char *data_dir, bool create, bool development,
                            struct sig_dir **ret_dir);
/* The newest key in use, or the one named kid (NULL: any); 0 or an exit code, told. */
SFU_MUST_CHECK int ctl_signing_key(const char *data, const char *kid, struct sig_dir_key *ret_key);

/* One request to a running stoad by plain HTTP: *ret_status, *ret_body (heap, NUL behind).  0, or an
 * exit code after telling why not. */
struct ctl_request {
    const char *url; /* "http://127.0.0.1:8080" */
    const char *method, *path, *token;
    const char *body; /* JSON; NULL: none */
};
SFU_MUST_CHECK int ctl_http(const struct ctl_request *request, unsigned *ret_status,
                            char **ret_body);

/* "90", "90s", "15m", "6h", "30d" in seconds.  -EINVAL. */
SFU_MUST_CHECK int ctl_duration(const char *text, uint32_t *ret_s);

/* Commands: argv[0] is their name.  They return the exit code. */
int ctl_token(int argc, char **argv);
int ctl_key(int argc, char **argv);
int ctl_streamkey(int argc, char **argv);

extern const char ctl_token_help[];
extern const char ctl_key_help[];
extern const char ctl_streamkey_help[];
