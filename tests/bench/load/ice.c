#include "tests/bench/load/ice.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stun/usages/ice.h>

#include "tests/bench/load/alloc.h"

enum {
    BUFFER_BYTES = 512,
    PRIORITY = 1853824767, /* peer reflexive, as RFC 8445, 7.1.1 wants it in checks */
};

static const int64_t first_retry_ns = 20000000, last_retry_ns = 400000000;
static const int64_t consent_every_ns = 5000000000, consent_lost_ns = 30000000000;
static const int64_t start_lost_ns = 10000000000;

struct load_ice {
    struct load_ice_conf conf;
    StunAgent agent;
    char ufrag[9], pwd[33], remote_pwd[257];
    char ours[300], theirs[300]; /* user names of requests that come, and that go */
    bool started, controlling, answered, nominated, connected, failed, open;
    uint64_t tie;
    uint8_t check[BUFFER_BYTES]; /* the request that is under way */
    size_t check_len;
    int64_t start_ns, next_ns, retry_ns, heard_ns;
};

static void random_text(char *out, size_t len)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[64];
    RAND_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < len; i++) {
        out[i] = set[bytes[i] & 63];
    }
    out[len] = '\0';
}

struct load_ice *load_ice_create(const struct load_ice_conf *conf)
{
    static const uint16_t known[] = {STUN_ATTRIBUTE_USERNAME,
                                     STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                     STUN_ATTRIBUTE_PRIORITY,
                                     STUN_ATTRIBUTE_USE_CANDIDATE,
                                     STUN_ATTRIBUTE_ICE_CONTROLLING,
                                     STUN_ATTRIBUTE_ICE_CONTROLLED,
                                     STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                     STUN_ATTRIBUTE_ERROR_CODE,
                                     0};
    struct load_ice *ice = load_alloc(1, sizeof *ice);
    ice->conf = *conf;
    stun_agent_init(&ice->agent, known, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
    random_text(ice->ufrag, sizeof ice->ufrag - 1);
    random_text(ice->pwd, sizeof ice->pwd - 1);
    RAND_bytes((uint8_t *)&ice->tie, sizeof ice->tie);
    return ice;
}

void load_ice_destroy(struct load_ice *ice)
{
    free(ice);
}

const char *load_ice_ufrag(const struct load_ice *ice)
{
    return ice->ufrag;
}

const char *load_ice_pwd(const struct load_ice *ice)
{
    return ice->pwd;
}

static void new_check(struct load_ice *ice)
{
    StunMessage m;
    if (ice->open) {
        StunTransactionId id;
        m = (StunMessage){.buffer = ice->check, .buffer_len = ice->check_len};
        stun_message_id(&m, id);
        (void)stun_agent_forget_transaction(&ice->agent, id);
    }
    ice->check_len = stun_usage_ice_conncheck_create(
        &ice->agent, &m, ice->check, sizeof ice->check, (const uint8_t *)ice->theirs,
        strlen(ice->theirs), (const uint8_t *)ice->remote_pwd, strlen(ice->remote_pwd),
        ice->controlling, ice->controlling, PRIORITY, ice->tie, NULL,
        STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    ice->open = true;
    ice->retry_ns = first_retry_ns;
}

void load_ice_start(struct load_ice *ice, const char *ufrag, const char *pwd, bool controlling,
                    int64_t now_ns)
{
    (void)snprintf(ice->remote_pwd, sizeof ice->remote_pwd, "%s", pwd);
    (void)snprintf(ice->theirs, sizeof ice->theirs, "%s:%s", ufrag, ice->ufrag);
    (void)snprintf(ice->ours, sizeof ice->ours, "%s:%s", ice->ufrag, ufrag);
    ice->controlling = controlling;
    ice->started = true;
    ice->start_ns = ice->heard_ns = now_ns;
    new_check(ice);
    ice->next_ns = now_ns;
    load_ice_tick(ice, now_ns);
}

static void settle(struct load_ice *ice)
{
    if (!ice->connected && ice->answered && (ice->controlling || ice->nominated)) {
        ice->connected = true;
        ice->conf.connected(ice->conf.arg);
    }
}

static void on_request(struct load_ice *ice, StunMessage *request, const struct sockaddr_in *from)
{
    StunMessage reply;
    uint8_t buf[BUFFER_BYTES];
    size_t len = sizeof buf;
    struct sockaddr_storage source = {0};
    bool control = ice->controlling;
    memcpy(&source, from, sizeof *from);
    (void)stun_usage_ice_conncheck_create_reply(&ice->agent, request, &reply, buf, &len, &source,
                                                sizeof *from, &control, ice->tie,
                                                STUN_USAGE_ICE_COMPATIBILITY_RFC5245);
    if (len > 0) {
        ice->conf.send(ice->conf.arg, buf, len);
    }
    ice->nominated |= stun_usage_ice_conncheck_use_candidate(request);
}

static void on_response(struct load_ice *ice, int64_t now_ns)
{
    ice->open = false;
    ice->answered = true;
    ice->heard_ns = now_ns;
    ice->next_ns = now_ns + consent_every_ns;
}

void load_ice_input(struct load_ice *ice, const struct sockaddr_in *from, const uint8_t *data,
                    size_t len, int64_t now_ns)
{
    StunMessage m;
    StunDefaultValidaterData ours[] = {
        {(uint8_t *)ice->ours, strlen(ice->ours), (uint8_t *)ice->pwd, strlen(ice->pwd)}, {0}};
    if (!ice->started ||
        stun_agent_validate(&ice->agent, &m, data, len, stun_agent_default_validater, ours) !=
            STUN_VALIDATION_SUCCESS) {
        return;
    }
    switch (stun_message_get_class(&m)) {
    case STUN_REQUEST:
        on_request(ice, &m, from);
        break;
    case STUN_RESPONSE:
        on_response(ice, now_ns);
        break;
    case STUN_INDICATION:
    case STUN_ERROR:
        break;
    }
    settle(ice);
}

void load_ice_tick(struct load_ice *ice, int64_t now_ns)
{
    if (!ice->started || ice->failed || now_ns < ice->next_ns) {
        return;
    }
    if (now_ns - ice->heard_ns > (ice->connected ? consent_lost_ns : start_lost_ns)) {
        ice->failed = true;
        ice->conf.failed(ice->conf.arg);
        return;
    }
    if (!ice->open) {
        new_check(ice);
    }
    ice->conf.send(ice->conf.arg, ice->check, ice->check_len);
    ice->next_ns = now_ns + ice->retry_ns;
    ice->retry_ns = ice->retry_ns * 2 < last_retry_ns ? ice->retry_ns * 2 : last_retry_ns;
}
