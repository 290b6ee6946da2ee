#include "sfu/core/permission.h"

static bool permit_anybody(const struct sfu_claims *claims)
{
    (void)claims;
    return true;
}

static bool permit_publish(const struct sfu_claims *claims)
{
    return claims && (claims->publish & ((1u << SFU_SOURCE_COUNT) - 1u)) != 0;
}

static bool permit_subscribe(const struct sfu_claims *claims)
{
    return claims && claims->subscribe;
}

static bool permit_data(const struct sfu_claims *claims)
{
    return claims && claims->data;
}

static bool permit_media(const struct sfu_claims *claims)
{
    return permit_publish(claims) || permit_subscribe(claims) || permit_data(claims);
}

static bool permit_record(const struct sfu_claims *claims)
{
    return claims && claims->record;
}

static bool permit_admin(const struct sfu_claims *claims)
{
    return claims && claims->admin;
}

static bool permit_token(const struct sfu_claims *claims)
{
    return claims != NULL;
}

static const struct {
    const char *name;
    bool (*has)(const struct sfu_claims *claims);
} permits[SFU_PERMIT_COUNT] = {
    [SFU_PERMIT_SESSION] = {"session", permit_anybody},
    [SFU_PERMIT_PUBLISH] = {"publish", permit_publish},
    [SFU_PERMIT_SUBSCRIBE] = {"subscribe", permit_subscribe},
    [SFU_PERMIT_MEDIA] = {"publish, subscribe or data", permit_media},
    [SFU_PERMIT_DATA] = {"data", permit_data},
    [SFU_PERMIT_RECORD] = {"record", permit_record},
    [SFU_PERMIT_ADMIN] = {"admin", permit_admin},
    [SFU_PERMIT_TOKEN] = {"token", permit_token},
};

bool sfu_permission_has(const struct sfu_claims *claims, enum sfu_permit permit)
{
    return (unsigned)permit < SFU_PERMIT_COUNT && permits[permit].has(claims);
}

const char *sfu_permission_name(enum sfu_permit permit)
{
    return (unsigned)permit < SFU_PERMIT_COUNT ? permits[permit].name : "";
}
