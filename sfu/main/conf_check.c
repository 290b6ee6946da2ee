/*
 * sfu/main/conf_check.c - rules over the whole configuration, after all values are in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/log.h"
#include "sfu/main/conf_load.h"

struct address {
    int family; /* 0: not an address */
    uint8_t bytes[16];
};

static struct address parse_address(const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    struct address a = {0};
    if (sfu_str_copy(copy, sizeof copy, text, len)) {
        return a;
    }
    if (inet_pton(AF_INET, copy, a.bytes) == 1) {
        a.family = AF_INET;
    } else if (inet_pton(AF_INET6, copy, a.bytes) == 1) {
        a.family = AF_INET6;
    }
    return a;
}

static bool is_loopback(const struct address *a)
{
    static const uint8_t six[16] = {[15] = 1};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (a->family == AF_INET) {
        return a->bytes[0] == 127;
    }
    return memcmp(a->bytes, six, 16) == 0 ||
           (memcmp(a->bytes, mapped, 12) == 0 && a->bytes[12] == 127);
}

static const struct conf_place *place_of(const struct conf_loader *l, const char *section,
                                         const char *key)
{
    return &l->places[conf_key_index(conf_key_find(section, key))];
}

static bool was_given(const struct conf_place *place)
{
    return place->line > 0 || place->variable;
}

static int check_addresses(struct conf_loader *l, const char *section, const char *key,
                           const struct sfu_conf_list *list, bool *ret_loopback)
{
    *ret_loopback = true;
    for (size_t i = 0; i < list->count; i++) {
        struct address a = parse_address(list->items[i], strlen(list->items[i]));
        if (a.family == 0) {
            return conf_fail(l, -EINVAL, place_of(l, section, key),
                             "%s.%s: '%.60s' is not an IP address", section, key, list->items[i]);
        }
        *ret_loopback = *ret_loopback && is_loopback(&a);
    }
    return 0;
}

/* "192.0.2.1", "192.0.2.1:4000", "2001:db8::1", "[2001:db8::1]:4000" */
static bool is_announcement(const char *text)
{
    size_t len = strlen(text);
    if (parse_address(text, len).family != 0) {
        return true;
    }
    const char *colon = strrchr(text, ':');
    uint32_t port = 0;
    if (!colon || sfu_str_u32(colon + 1, strlen(colon + 1), 1, 65535, &port)) {
        return false;
    }
    size_t host = (size_t)(colon - text);
    if (host > 2 && text[0] == '[' && text[host - 1] == ']') {
        return parse_address(text + 1, host - 2).family == AF_INET6;
    }
    return parse_address(text, host).family == AF_INET;
}

static int check_announce(struct conf_loader *l)
{
    const struct sfu_conf_list *list = &l->conf->media.announce;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_announcement(list->items[i])) {
            return conf_fail(l, -EINVAL, place_of(l, "media", "announce"),
                             "media.announce: '%.60s' is not address, address:port or "
                             "[address]:port",
                             list->items[i]);
        }
    }
    return 0;
}

/* scheme://host[:port] and nothing behind (RFC 6454, 6.2) */
static bool is_origin(const char *text)
{
    const char *host = NULL;
    if (strncmp(text, "https://", 8) == 0) {
        host = text + 8;
    } else if (strncmp(text, "http://", 7) == 0) {
        host = text + 7;
    }
    return host && *host != '\0' && !host[strcspn(host, "/?#@ ")];
}

static int check_origins(struct conf_loader *l)
{
    const struct sfu_conf_list *list = &l->conf->http.origins;
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], "*") != 0 && !is_origin(list->items[i])) {
            return conf_fail(l, -EINVAL, place_of(l, "http", "origins"),
                             "http.origins: '%.60s' is not * or https://host[:port]",
                             list->items[i]);
        }
    }
    return 0;
}

/* scheme:host… of RFC 7064 and 7065, without a character that would end a header's quotes */
static bool is_ice_server(const char *text)
{
    static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:"};
    for (size_t i = 0; i < SFU_ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncmp(text, schemes[i], len) == 0) {
            const char *rest = text + len;
            return *rest != '\0' && rest[strspn(rest, "abcdefghijklmnopqrstuvwxyz"
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                      "0123456789-._:[]?=")] == '\0';
        }
    }
    return false;
}

static int read_turn_secret(struct conf_loader *l)
{
    const struct conf_place *place = place_of(l, "turn", "secret_file");
    const char *path = l->conf->turn.secret_file;
    char *text = NULL;
    size_t len = 0;
    l->conf->turn.secret = "";
    if (path[0] == '\0') {
        return 0;
    }
    int err = conf_read_file(l->arena, path, &text, &len);
    if (err) {
        return conf_fail(l, err, place, "turn.secret_file: cannot read %s: %s", path,
                         strerror(-err));
    }
    len = strcspn(text, "\r\n");
    text[len] = '\0';
    if (len == 0 || len > 256) {
        return conf_fail(l, -EINVAL, place,
                         "turn.secret_file: the first line of %s must hold 1 to 256 bytes", path);
    }
    l->conf->turn.secret = text;
    return 0;
}

static int check_turn(struct conf_loader *l)
{
    const struct sfu_conf_list *list = &l->conf->turn.urls;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_ice_server(list->items[i])) {
            return conf_fail(l, -EINVAL, place_of(l, "turn", "urls"),
                             "turn.urls: '%.60s' is not stun:host or turn:host[:port]",
                             list->items[i]);
        }
        if (list->items[i][0] == 't' && l->conf->turn.secret_file[0] == '\0') {
            return conf_fail(l, -EINVAL, place_of(l, "turn", "urls"),
                             "turn.urls: '%.60s' needs turn.secret_file", list->items[i]);
        }
    }
    return read_turn_secret(l);
}

static int check_tls(struct conf_loader *l)
{
    bool cert = l->conf->http.tls_cert[0] != '\0';
    bool key = l->conf->http.tls_key[0] != '\0';
    if (cert == key) {
        return 0;
    }
    return conf_fail(l, -EINVAL, place_of(l, "http", cert ? "tls_cert" : "tls_key"),
                     "http.tls_cert and http.tls_key need each other");
}

static int check_ports(struct conf_loader *l)
{
    uint32_t workers = l->conf->media.workers > 0 ? l->conf->media.workers : 1;
    if (l->conf->media.port_base + workers - 1 <= 65535) {
        return 0;
    }
    return conf_fail(l, -EINVAL, place_of(l, "media", "port_base"),
                     "media.port_base: %u workers from %u on end beyond 65535", workers,
                     l->conf->media.port_base);
}

static int check_dev_key(struct conf_loader *l)
{
    const struct conf_place *place = place_of(l, "auth", "dev_key");
    if (l->conf->loopback_only || !l->conf->auth.dev_key) {
        return 0;
    }
    if (was_given(place)) {
        return conf_fail(l, -EINVAL, place,
                         "auth.dev_key: only while every address of http.bind is on the loopback");
    }
    l->conf->auth.dev_key = false;
    return 0;
}

static int check_log(struct conf_loader *l)
{
    if (sfu_log_check_spec(l->conf->log.components) == 0) {
        return 0;
    }
    return conf_fail(l, -EINVAL, place_of(l, "log", "components"),
                     "log.components: '%.60s' is not component=level,...", l->conf->log.components);
}

static bool is_loaded(const struct sfu_conf *conf, const char *plugin)
{
    for (size_t i = 0; i < conf->plugins.load.count; i++) {
        if (strcmp(conf->plugins.load.items[i], plugin) == 0) {
            return true;
        }
    }
    return false;
}

/* Sections must belong to a loaded plugin; their place markers go. */
static int check_sections(struct conf_loader *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->item_count; i++) {
        const struct sfu_conf_item *item = &l->items[i];
        if (!is_loaded(l->conf, item->section)) {
            struct conf_place place = {item->line, item->column, NULL};
            return conf_fail(l, -EINVAL, &place,
                             "%s: unknown section, and no plugin that is loaded", item->section);
        }
        if (item->key[0] != '\0') {
            l->items[kept++] = *item;
        }
    }
    l->item_count = kept;
    return 0;
}

static bool is_plugin_name(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static int check_plugins(struct conf_loader *l)
{
    const struct sfu_conf_list *load = &l->conf->plugins.load;
    for (size_t i = 0; i < load->count; i++) {
        /* a name becomes part of a path */
        if (!is_plugin_name(load->items[i]) || conf_section_known(load->items[i])) {
            return conf_fail(l, -EINVAL, place_of(l, "plugins", "load"),
                             "plugins.load: '%.60s' cannot be the name of a plugin",
                             load->items[i]);
        }
    }
    return check_sections(l);
}

int conf_check(struct conf_loader *l)
{
    static int (*const checks[])(struct conf_loader *) = {
        check_announce, check_origins, check_tls,     check_ports,
        check_dev_key,  check_log,     check_plugins, check_turn,
    };
    bool ignored;
    int err = check_addresses(l, "http", "bind", &l->conf->http.bind, &l->conf->loopback_only);
    err = err ? err : check_addresses(l, "media", "bind", &l->conf->media.bind, &ignored);
    for (size_t i = 0; i < SFU_ARRAY_LEN(checks) && !err; i++) {
        err = checks[i](l);
    }
    return err;
}
