#include "sfu/transport/stun_check.h"

#include <errno.h>
#include <string.h>
#include <stun/usages/ice.h>

enum {
    HEADER_BYTES = 20,
    ATTR_HEADER_BYTES = 4,
    INTEGRITY_BYTES = 20,
    FINGERPRINT_BYTES = 4,
    TYPE_BINDING_REQUEST = 0x0001,
};

static const uint16_t known_attributes[] = {
    STUN_ATTRIBUTE_USERNAME,
    STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
    STUN_ATTRIBUTE_PRIORITY,
    STUN_ATTRIBUTE_USE_CANDIDATE,
    0,
};

void sfu_stun_agent_init(StunAgent *agent)
{
    stun_agent_init(agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* Which of the attributes that libnice trusts were seen, to hold them to their order and length. */
struct layout {
    bool username, integrity, fingerprint;
};

static bool attr_ok(struct layout *seen, uint16_t type, size_t len)
{
    if (seen->fingerprint) {
        return false; /* FINGERPRINT is the last attribute (RFC 8489, 14.7) */
    }
    switch (type) {
    case STUN_ATTRIBUTE_USERNAME:
        seen->username |= !seen->integrity; /* what follows the integrity is not protected by it */
        return true;
    case STUN_ATTRIBUTE_MESSAGE_INTEGRITY:
        if (seen->integrity || len != INTEGRITY_BYTES) {
            return false;
        }
        seen->integrity = true;
        return true;
    case STUN_ATTRIBUTE_FINGERPRINT:
        seen->fingerprint = true;
        return len == FINGERPRINT_BYTES;
    default:
        return true;
    }
}

static int check_layout(const uint8_t *data, size_t len, struct layout *ret_seen)
{
    struct layout seen = {0};
    if (len < HEADER_BYTES || (len & 3) != 0 || (size_t)get16(data + 2) + HEADER_BYTES != len) {
        return -EBADMSG;
    }
    size_t at = HEADER_BYTES;
    while (at < len) { /* all lengths are multiples of 4, so a header always fits */
        size_t value = get16(data + at + 2);
        size_t padded = (value + 3) & ~(size_t)3;
        if (padded > len - at - ATTR_HEADER_BYTES || !attr_ok(&seen, get16(data + at), value)) {
            return -EBADMSG;
        }
        at += ATTR_HEADER_BYTES + padded;
    }
    *ret_seen = seen;
    return seen.fingerprint ? 0 : -EBADMSG;
}

struct lookup {
    sfu_stun_password_fn password;
    void *arg;
    bool found;
};

static bool find_password(StunAgent *agent, StunMessage *msg, uint8_t *username,
                          uint16_t username_len, uint8_t **password, size_t *password_len,
                          void *user_data)
{
    struct lookup *l = user_data;
    (void)agent;
    (void)msg;
    const char *found = username ? l->password(l->arg, username, username_len) : NULL;
    if (!found) {
        return false;
    }
    l->found = true;
    *password = (uint8_t *)(uintptr_t)found;
    *password_len = strlen(found);
    return true;
}

int sfu_stun_open(StunAgent *agent, const uint8_t *data, size_t len, sfu_stun_password_fn password,
                  void *arg, struct sfu_stun_check *ret_check)
{
    struct layout seen;
    struct sfu_stun_check check = {0};
    struct lookup lookup = {.password = password, .arg = arg};

    int rc = check_layout(data, len, &seen);
    if (rc != 0) {
        return rc;
    }
    if (get16(data) != TYPE_BINDING_REQUEST) {
        return -EPROTO;
    }
    if (!seen.username || !seen.integrity) {
        return -EACCES;
    }
    switch (stun_agent_validate(agent, &check.msg, data, len, find_password, &lookup)) {
    case STUN_VALIDATION_SUCCESS:
        break;
    case STUN_VALIDATION_UNKNOWN_REQUEST_ATTRIBUTE:
        check.unknown = true;
        break;
    case STUN_VALIDATION_UNAUTHORIZED:
        return lookup.found ? -EACCES : -ENOENT;
    default:
        return -EBADMSG;
    }
    uint64_t tie;
    check.controlled = stun_message_find64(&check.msg, STUN_ATTRIBUTE_ICE_CONTROLLED, &tie) ==
                       STUN_MESSAGE_RETURN_SUCCESS;
    check.use_candidate = stun_usage_ice_conncheck_use_candidate(&check.msg);
    *ret_check = check;
    return 0;
}

/*
 * Not stun_usage_ice_conncheck_create_reply(): it repeats USERNAME in the answer, which RFC
 * 8489, 9.1.4 forbids, and would switch our role, which a lite agent never does.
 */
size_t sfu_stun_answer(StunAgent *agent, const struct sfu_stun_check *check,
                       const struct sfu_addr *remote, uint8_t *reply, size_t cap)
{
    StunMessage msg;
    struct sockaddr_storage ss;
    socklen_t ss_len = sfu_addr_to_sockaddr(remote, 0, sfu_addr_is_v4(remote), &ss);

    if (!stun_agent_init_response(agent, &msg, reply, cap, &check->msg) ||
        stun_message_append_xor_addr(&msg, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &ss, ss_len) !=
            STUN_MESSAGE_RETURN_SUCCESS) {
        return 0;
    }
    return stun_agent_finish_message(agent, &msg, NULL, 0);
}

size_t sfu_stun_role_conflict(StunAgent *agent, const struct sfu_stun_check *check, uint8_t *reply,
                              size_t cap)
{
    StunMessage msg;
    if (!stun_agent_init_error(agent, &msg, reply, cap, &check->msg, STUN_ERROR_ROLE_CONFLICT)) {
        return 0;
    }
    return stun_agent_finish_message(agent, &msg, NULL, 0);
}

size_t sfu_stun_unknown(StunAgent *agent, const struct sfu_stun_check *check, uint8_t *reply,
                        size_t cap)
{
    StunMessage msg;
    return stun_agent_build_unknown_attributes_error(agent, &msg, reply, cap, &check->msg);
}
