#include "sfu/core/session_revoke.h"

#include <string.h>

#include "sfu/core/control_own.h"
#include "sfu/log.h"

static bool tell(struct sfu_control *c, const char *token_id, int64_t expires_us)
{
    return c->directory.token_revoke(c->directory.self, token_id, expires_us) == 0;
}

void sfu_session_revoke(struct sfu_control *c, const struct sfu_claims *claims)
{
    if (tell(c, claims->token_id, claims->expires_us)) {
        return;
    }
    if (c->revoke_count == SFU_SESSION_REVOKES) {
        SFU_LOG(SFU_LOG_ERROR, SFU_COMP_SESSION, "revoked token not remembered", "identity=%s",
                claims->identity);
        return;
    }
    struct sfu_session_revoke *r = &c->revokes[c->revoke_count++];
    memcpy(r->token_id, claims->token_id, sizeof r->token_id);
    r->expires_us = claims->expires_us;
}

bool sfu_session_revoked(const struct sfu_control *c, const char *token_id)
{
    for (size_t i = 0; i < c->revoke_count; i++) {
        if (strcmp(c->revokes[i].token_id, token_id) == 0) {
            return true;
        }
    }
    return c->directory.token_revoked(c->directory.self, token_id);
}

void sfu_session_revoke_retry(struct sfu_control *c)
{
    while (c->revoke_count > 0) {
        struct sfu_session_revoke *last = &c->revokes[c->revoke_count - 1];
        if (!tell(c, last->token_id, last->expires_us)) {
            return;
        }
        c->revoke_count--;
    }
}
