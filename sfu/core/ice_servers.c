#include "sfu/core/ice_servers.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SHA1_BYTES = 20 };

int sfu_ice_servers_credentials(const char *secret, const char *id, int64_t end_s,
                                char ret_user[SFU_ICE_SERVER_USER_BYTES],
                                char ret_pass[SFU_ICE_SERVER_PASS_BYTES])
{
    char user[SFU_ICE_SERVER_USER_BYTES];
    uint8_t mac[SHA1_BYTES], text[SFU_ICE_SERVER_PASS_BYTES];
    unsigned len = 0;
    int n = snprintf(user, sizeof user, "%" PRId64 ":%s", end_s, id);
    if (n < 0 || (size_t)n >= sizeof user) {
        return -EINVAL;
    }
    if (!HMAC(EVP_sha1(), secret, (int)strlen(secret), (const uint8_t *)user, (size_t)n, mac,
              &len) ||
        len != sizeof mac || EVP_EncodeBlock(text, mac, sizeof mac) != (int)sizeof text - 1) {
        return -EIO;
    }
    memcpy(ret_user, user, (size_t)n + 1);
    memcpy(ret_pass, text, sizeof text);
    return 0;
}

static bool is_turn(const char *url)
{
    return strncmp(url, "turn", 4) == 0;
}

static json_t *urls_json(const struct sfu_ice_servers_conf *conf, bool turn)
{
    json_t *urls = json_array();
    for (size_t i = 0; i < conf->url_count; i++) {
        if (is_turn(conf->urls[i]) == turn &&
            json_array_append_new(urls, json_string(conf->urls[i])) != 0) {
            json_decref(urls);
            return NULL;
        }
    }
    return urls;
}

/* One object for all of one kind, so that a client gathers with one set of credentials. */
static int add(json_t *list, json_t *urls, const char *user, const char *pass)
{
    if (!urls || json_array_size(urls) == 0) {
        json_decref(urls);
        return urls ? 0 : -ENOMEM;
    }
    json_t *server =
        user ? json_pack("{s:o, s:s, s:s}", "urls", urls, "username", user, "credential", pass)
             : json_pack("{s:o}", "urls", urls);
    return json_array_append_new(list, server) == 0 ? 0 : -ENOMEM;
}

json_t *sfu_ice_servers_json(const struct sfu_ice_servers_conf *conf, const char *id,
                             int64_t wall_us)
{
    char user[SFU_ICE_SERVER_USER_BYTES], pass[SFU_ICE_SERVER_PASS_BYTES];
    json_t *list = json_array();
    int rc = list ? add(list, urls_json(conf, false), NULL, NULL) : -ENOMEM;
    if (rc == 0 && conf->secret && conf->secret[0]) {
        rc = sfu_ice_servers_credentials(conf->secret, id, wall_us / 1000000 + conf->ttl_s, user,
                                         pass);
        rc = rc < 0 ? rc : add(list, urls_json(conf, true), user, pass);
    }
    if (rc < 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}
