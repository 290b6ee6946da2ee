#include "signaling/claims.h"

#include <errno.h>
#include <string.h>

#include "sfu/track.h"
#include "signaling/auth.h"
#include "signaling/directory/name.h"
#include "signaling/json.h"

static const struct {
    const char *name;
    uint32_t bit;
} sources[] = {
    {"microphone", 1U << SFU_MICROPHONE},
    {"camera", 1U << SFU_CAMERA},
    {"screen_audio", 1U << SFU_SCREEN_AUDIO},
    {"screen", 1U << SFU_SCREEN},
};

enum { ALL_SOURCES = (1U << SFU_SOURCE_COUNT) - 1U };

/* Year 9999: beyond it seconds do not fit what other tools can show, and microseconds overflow
 * later. */
static const double max_date_s = 253402300799.0;

struct reading {
    const json_t *payload;
    const json_t *grants; /* the member "stoa" */
    const struct sig_claims_rules *rules;
    struct sfu_claims *claims;
};

static bool to_us(const json_t *value, int64_t *ret_us)
{
    if (!json_is_number(value)) {
        return false;
    }
    double s = json_number_value(value);
    if (!(s >= 0 && s <= max_date_s)) {
        return false;
    }
    *ret_us = (int64_t)(s * 1e6);
    return true;
}

static int read_exp(struct reading *r)
{
    if (!to_us(json_object_get(r->payload, "exp"), &r->claims->expires_us)) {
        return -EBADMSG;
    }
    return r->rules->wall_us - r->rules->leeway_us < r->claims->expires_us ? 0 : -EACCES;
}

static int not_in_future(struct reading *r, const char *name)
{
    const json_t *value = json_object_get(r->payload, name);
    int64_t us = 0;
    if (!value) {
        return 0;
    }
    if (!to_us(value, &us)) {
        return -EBADMSG;
    }
    return us <= r->rules->wall_us + r->rules->leeway_us ? 0 : -EACCES;
}

static int read_nbf(struct reading *r)
{
    return not_in_future(r, "nbf");
}

static int read_iat(struct reading *r)
{
    return not_in_future(r, "iat");
}

static int read_iss(struct reading *r)
{
    const json_t *iss = json_object_get(r->payload, "iss");
    if (!iss) {
        return 0;
    }
    size_t len = 0;
    const char *text = sig_json_string(r->payload, "iss", &len);
    if (!text) {
        return -EBADMSG;
    }
    return strcmp(text, r->rules->kid) == 0 ? 0 : -EACCES;
}

/* One string or an array of them (RFC 7519, 4.1.3). */
static int read_aud(struct reading *r)
{
    const json_t *aud = json_object_get(r->payload, "aud");
    if (!aud) {
        return 0;
    }
    if (json_is_string(aud)) {
        return strcmp(json_string_value(aud), r->rules->audience) == 0 ? 0 : -EACCES;
    }
    if (!json_is_array(aud)) {
        return -EBADMSG;
    }
    bool named = false;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const json_t *one = json_array_get(aud, i);
        if (!json_is_string(one)) {
            return -EBADMSG;
        }
        named = named || strcmp(json_string_value(one), r->rules->audience) == 0;
    }
    return named ? 0 : -EACCES;
}

static int read_name(const json_t *object, const char *member, size_t max_bytes, bool required,
                     char *ret_name)
{
    if (!json_object_get(object, member) && !required) {
        return 0;
    }
    size_t len = 0;
    const char *text = sig_json_string(object, member, &len);
    if (!text) {
        return -EBADMSG;
    }
    if (len == 0 && !required) {
        return 0;
    }
    return sig_dir_name(text, len, max_bytes, ret_name) ? -EBADMSG : 0;
}

static int read_sub(struct reading *r)
{
    return read_name(r->payload, "sub", SFU_IDENTITY_BYTES, true, r->claims->identity);
}

static int read_display_name(struct reading *r)
{
    return read_name(r->payload, "name", SFU_NAME_BYTES, false, r->claims->name);
}

static int read_grants(struct reading *r)
{
    r->grants = json_object_get(r->payload, "stoa");
    return json_is_object(r->grants) ? 0 : -EBADMSG;
}

static int read_flags(struct reading *r)
{
    const struct {
        const char *name;
        bool *ret_flag;
    } flags[] = {
        {"subscribe", &r->claims->subscribe},
        {"data", &r->claims->data},
        {"record", &r->claims->record},
        {"admin", &r->claims->admin},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(flags); i++) {
        const json_t *value = json_object_get(r->grants, flags[i].name);
        if (value && !json_is_boolean(value)) {
            return -EBADMSG;
        }
        *flags[i].ret_flag = json_is_true(value);
    }
    return 0;
}

static uint32_t source_bit(const json_t *value)
{
    for (size_t i = 0; json_is_string(value) && i < SFU_ARRAY_LEN(sources); i++) {
        if (strcmp(json_string_value(value), sources[i].name) == 0) {
            return sources[i].bit;
        }
    }
    return 0;
}

static int read_publish(struct reading *r)
{
    const json_t *publish = json_object_get(r->grants, "publish");
    if (!publish || json_is_boolean(publish)) {
        r->claims->publish = json_is_true(publish) ? ALL_SOURCES : 0;
        return 0;
    }
    if (!json_is_array(publish)) {
        return -EBADMSG;
    }
    for (size_t i = 0; i < json_array_size(publish); i++) {
        uint32_t bit = source_bit(json_array_get(publish, i));
        if (bit == 0) {
            return -EBADMSG;
        }
        r->claims->publish |= bit;
    }
    return 0;
}

static int read_room(struct reading *r)
{
    int err = read_name(r->grants, "room", SFU_ROOM_NAME_BYTES, !r->claims->admin, r->claims->room);
    return err;
}

static const struct {
    int (*read)(struct reading *r);
    const char *malformed, *refused;
} steps[] = {
    {read_exp, "exp missing or not a date", "expired"},
    {read_nbf, "nbf is not a date", "not yet valid"},
    {read_iat, "iat is not a date", "issued in the future"},
    {read_iss, "iss is not a string", "iss is not the key"},
    {read_aud, "aud is not a string or list of strings", "audience"},
    {read_sub, "sub missing or not a name of 1..128 bytes", NULL},
    {read_display_name, "name is not a name of up to 128 bytes", NULL},
    {read_grants, "stoa missing or not an object", NULL},
    {read_flags, "a grant is not true or false", NULL},
    {read_publish, "publish is not true, false or a list of sources", NULL},
    {read_room, "room missing or not a name of 1..128 bytes", NULL},
};

int sig_claims_read(const json_t *payload, const struct sig_claims_rules *rules,
                    struct sfu_claims *ret_claims, const char **ret_why)
{
    struct sfu_claims claims;
    memset(&claims, 0, sizeof claims);
    struct reading r = {.payload = payload, .rules = rules, .claims = &claims};
    for (size_t i = 0; i < SFU_ARRAY_LEN(steps); i++) {
        int err = steps[i].read(&r);
        if (err) {
            *ret_why = err == -EBADMSG ? steps[i].malformed : steps[i].refused;
            return err;
        }
    }
    *ret_claims = claims;
    return 0;
}

static json_t *write_publish(uint32_t publish)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < SFU_ARRAY_LEN(sources); i++) {
        if ((publish & sources[i].bit) &&
            json_array_append_new(list, json_string(sources[i].name))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *sig_claims_write(const struct sig_token *token, const char *kid, int64_t wall_us)
{
    json_int_t now_s = wall_us / 1000000;
    json_t *publish = write_publish(token->publish);
    if (!publish) {
        return NULL;
    }
    /* s* and a NULL: the member is left out */
    return json_pack("{s:s, s:s, s:s*, s:I, s:I, s:{s:s*, s:o, s:b, s:b, s:b, s:b}}", "iss", kid,
                     "sub", token->identity, "name", token->name, "iat", now_s, "exp",
                     now_s + (json_int_t)token->ttl_s, "stoa", "room", token->room, "publish",
                     publish, "subscribe", token->subscribe, "data", token->data, "record",
                     token->record, "admin", token->admin);
}
