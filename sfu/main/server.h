/*
 * sfu/main/server.h - the parts of stoad, made in order, wired together, and taken down in reverse.
 *
 * Owned by main(), on the main thread.
 */
#pragma once

#include "sfu/base/attr.h"
#include "sfu/conf.h"

struct server; /* body in server.c */

/* Logs what went wrong.  conf is borrowed for the server's life.  extra_plugins: files to load
 * besides those of the configuration, ends with NULL. */
SFU_MUST_CHECK int server_create(const struct sfu_conf *conf, const char *const *extra_plugins,
                                 struct server **ret_server);
SFU_MUST_CHECK int server_start(struct server *s);
/* Every so often (<= 500 ms) while it runs: ends the process when a thread has stopped turning. */
void server_watch(struct server *s);
void server_url(const struct server *s, char *ret_url, size_t size);
/* No new sessions from now on. */
void server_drain(struct server *s);
void server_destroy(struct server *s); /* stops what runs; NULL is allowed */

/* stoad --reference: every method, notification, route and table, as Markdown, on stdout. */
SFU_MUST_CHECK int server_print_reference(const struct sfu_conf *conf,
                                          const char *const *extra_plugins);
