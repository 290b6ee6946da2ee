/*
 * sfu/include/sfu/conf.h - the configuration, typed and checked.
 *
 * Made by sfu_conf_load() (sfu/main/conf.h) from the key table, a YAML file and the environment;
 * read-only from then on, for any thread.  Strings are never NULL; "" means "not set".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/limits.h"

struct sfu_conf_list {
    const char *const *items;
    size_t count;
};

/* A scalar of a section named after a loaded plugin, not yet checked against the plugin's own keys.
 */
struct sfu_conf_item {
    const char *section; /* the plugin's name */
    const char *key;
    const char *value;
    unsigned line, column; /* 0: from the environment */
};

struct sfu_conf {
    struct {
        struct sfu_conf_list bind; /* addresses */
        uint32_t port;             /* 0: any free one */
        const char *tls_cert, *tls_key;
        struct sfu_conf_list origins; /* web origins besides our own; "*": any */
        const char *metrics_token;    /* secret; "": /metrics answers loopback only */
    } http;
    struct {
        struct sfu_conf_list bind; /* one address; none: every local address */
        uint32_t port_base;        /* UDP port of worker 0; worker n has port_base + n */
        uint32_t workers;          /* 0: one per core */
        struct sfu_conf_list
            announce; /* "address" or "address:port", "[v6]:port"; none: interfaces */
        bool tcp;     /* ICE over TCP on the same port numbers */
        struct sfu_conf_list codecs; /* in order of preference */
        uint32_t socket_buffer_kib;
    } media;
    struct {
        struct sfu_conf_list urls; /* stun:, stuns:, turn:, turns: */
        const char *secret_file;
        const char *secret; /* what that file holds; secret */
        uint32_t ttl_s;
    } turn;
    struct {
        const char *dir;
    } data;
    struct {
        bool dev_key; /* false as soon as http.bind leaves the loopback */
        const char *keys_file;
        const char *audience;
        uint32_t leeway_s;
    } auth;
    struct {
        const char *level, *format, *components;
    } log;
    struct {
        const char *dir;
        struct sfu_conf_list load;
    } plugins;
    struct {
        const char *root;
    } web;
    uint32_t limits[SFU_LIMIT_COUNT]; /* by enum sfu_limit; rows without a key hold their default */

    const struct sfu_conf_item *plugin_items;
    size_t plugin_item_count;
    bool loopback_only; /* every address of http.bind is on the loopback */
};

static inline uint32_t sfu_conf_limit(const struct sfu_conf *conf, enum sfu_limit limit)
{
    return conf->limits[limit];
}
