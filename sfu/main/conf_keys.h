/*
 * sfu/main/conf_keys.h - the one table of configuration keys.
 *
 * Parser, environment, --print-config, conf/stoa.yaml and the reference page are all made from it.
 * Rows of sfu/limits.h that may be changed follow as section "limits".  Const; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/conf.h"

enum conf_kind { CONF_BOOL, CONF_INT, CONF_STR, CONF_LIST };

enum conf_flag {
    CONF_PLAIN = 0,
    CONF_SECRET = 1, /* masked in print-outs; may come from a file named by …_FILE */
    CONF_LIVE = 2,   /* a reload may change it */
};

/*
 * K(section, key, kind, default, lowest, highest, flags, choices, text)
 * Numbers: their range; strings: most bytes in highest; lists: fewest and most items.  A default of
 * a list is its items with commas between.  choices: words with '|' between, NULL: anything.
 */
/* clang-format off */
#define CONF_KEYS(K)                                                                               \
    K(http, bind, LIST, "127.0.0.1,::1", 1, 16, CONF_PLAIN, NULL,                                  \
      "Addresses of the HTTP port. Beyond the loopback the server wants real keys (auth).")        \
    K(http, port, INT, "8080", 0, 65535, CONF_PLAIN, NULL,                                         \
      "The one TCP port of web pages, API and signalling. 0 takes any free port.")                 \
    K(http, tls_cert, STR, "", 0, 4096, CONF_PLAIN, NULL,                                          \
      "PEM file with the certificate chain. With it and tls_key the port speaks TLS only.")        \
    K(http, tls_key, STR, "", 0, 4096, CONF_PLAIN, NULL,                                           \
      "PEM file with the private key of tls_cert.")                                                \
    K(http, origins, LIST, "", 0, 64, CONF_LIVE, NULL,                                             \
      "Web origins whose pages may use this server, besides its own: https://host[:port], or *.")  \
    K(http, metrics_token, STR, "", 0, 256, CONF_SECRET, NULL,                                     \
      "Bearer token for /metrics from other machines. Empty: only the loopback may read it.")      \
    K(media, bind, LIST, "", 0, 1, CONF_PLAIN, NULL,                                               \
      "Address of the media sockets. Empty: every local address, IPv6 and IPv4.")                  \
    K(media, port_base, INT, "20000", 1024, 65535, CONF_PLAIN, NULL,                               \
      "UDP port of the first media worker; the next one has the next port.")                       \
    K(media, workers, INT, "0", 0, SFU_MAX_WORKERS, CONF_PLAIN, NULL,                              \
      "Media threads. 0: one per core.")                                                           \
    K(media, announce, LIST, "", 0, SFU_MAX_ANNOUNCED_ADDRESSES, CONF_PLAIN, NULL,                 \
      "Addresses told to clients: address, address:port or [address]:port. Empty: those of the interfaces.") \
    K(media, tcp, BOOL, "true", 0, 0, CONF_PLAIN, NULL,                                            \
      "Take media over TCP too, on the same port numbers: for clients whose network drops UDP.")   \
    K(media, codecs, LIST, "opus,vp8,h264", 1, 8, CONF_PLAIN, "opus|vp8|h264|vp9|av1|red",       \
      "Codecs of rooms without a policy of their own, the preferred one first.")                   \
    K(media, socket_buffer_kib, INT, "4096", 64, 65536, CONF_PLAIN, NULL,                          \
      "Send and receive buffer asked from the kernel for each media socket.")                      \
    K(turn, urls, LIST, "", 0, SFU_MAX_ICE_SERVER_URLS, CONF_PLAIN, NULL,                          \
      "STUN and TURN servers that clients are told: stun:host, turn:host:3478?transport=tcp, turns:host.") \
    K(turn, secret_file, STR, "", 0, 4096, CONF_PLAIN, NULL,                                       \
      "File with the secret shared with the TURN servers (coturn: static-auth-secret). Clients get passwords made from it.") \
    K(turn, ttl_s, INT, "86400", 60, 604800, CONF_PLAIN, NULL,                                     \
      "Seconds for which such a password is good. A client gets a new one whenever it comes back.") \
    K(data, dir, STR, "./data", 1, 4096, CONF_PLAIN, NULL,                                         \
      "Folder of the database, the development key and recordings. Made when it is missing.")      \
    K(auth, dev_key, BOOL, "true", 0, 0, CONF_PLAIN, NULL,                                         \
      "Make and accept a development key. Only while http.bind is on the loopback.")               \
    K(auth, keys_file, STR, "", 0, 4096, CONF_PLAIN, NULL,                                         \
      "JSON Web Key Set with more keys that sign access tokens, besides those of stoactl key.")    \
    K(auth, audience, STR, "stoa", 1, 128, CONF_PLAIN, NULL,                                       \
      "What the claim aud of a token must name.")                                                  \
    K(auth, leeway_s, INT, "10", 0, 60,  CONF_PLAIN, NULL,                                         \
      "Seconds by which the clock of who issues tokens may differ from ours.")                     \
    K(log, level, STR, "info", 1, 16, CONF_LIVE, "off|error|warn|info|debug|trace",                \
      "Least important kind of line that is written.")                                             \
    K(log, components, STR, "", 0, 1024, CONF_LIVE, NULL,                                          \
      "Levels of single components: ice=debug,dtls=trace.")                                        \
    K(log, format, STR, "text", 1, 16, CONF_PLAIN, "text|json",                                    \
      "Form of a line on standard error.")                                                         \
    K(plugins, dir, STR, "", 0, 4096, CONF_PLAIN, NULL,                                            \
      "Folder of the plugins. Empty: the one that belongs to the program.")                        \
    K(plugins, load, LIST, "conference,echo,broadcast", 0, SFU_MAX_PLUGINS, CONF_PLAIN, NULL,                \
      "Plugins to load. A section with a plugin's name holds its own keys.")                       \
    K(web, root, STR, "", 0, 4096, CONF_PLAIN, NULL,                                               \
      "Folder of the web pages served at /. Empty: the one that belongs to the program.")
/* clang-format on */

struct conf_key {
    const char *section, *key;
    const char *def;
    const char *choices;
    const char *text;
    const char *unit; /* of limits, else NULL */
    size_t offset;    /* in struct sfu_conf */
    enum conf_kind kind;
    unsigned flags;
    uint32_t lowest, highest;
};

size_t conf_key_count(void);
const struct conf_key *conf_key_at(size_t i);
/* NULL: no such key. */
const struct conf_key *conf_key_find(const char *section, const char *key);
bool conf_section_known(const char *section);
size_t conf_key_index(const struct conf_key *key);
