#include "sfu/core/peer_state.h"

struct row {
    bool set;
    struct sfu_peer_step step;
};

#define GO(state)                                                                                  \
    {                                                                                              \
        true,                                                                                      \
        {                                                                                          \
            SFU_PEER_##state, SFU_PEER_END_NONE                                                    \
        }                                                                                          \
    }
#define END(why)                                                                                   \
    {                                                                                              \
        true,                                                                                      \
        {                                                                                          \
            SFU_PEER_CLOSED, SFU_PEER_END_##why                                                    \
        }                                                                                          \
    }

/* A cell that is not set keeps the state. */
static const struct row table[SFU_PEER_CLOSED + 1][SFU_PEER_EVENTS] = {
    [SFU_PEER_NEW] =
        {
            [SFU_PEER_EV_START] = GO(ICE),
            [SFU_PEER_EV_DEADLINE] = END(ICE_TIMEOUT),
            [SFU_PEER_EV_ASKED] = END(ASKED),
        },
    [SFU_PEER_ICE] =
        {
            [SFU_PEER_EV_PATH] = GO(DTLS),
            [SFU_PEER_EV_DEADLINE] = END(ICE_TIMEOUT),
            [SFU_PEER_EV_ASKED] = END(ASKED),
        },
    [SFU_PEER_DTLS] =
        {
            [SFU_PEER_EV_KEYS] = GO(UP),
            [SFU_PEER_EV_REFUSED] = END(DTLS_FAILED),
            [SFU_PEER_EV_DEADLINE] = END(DTLS_TIMEOUT),
            [SFU_PEER_EV_CONSENT] = END(CONSENT),
            [SFU_PEER_EV_BYE] = END(CLOSE_NOTIFY),
            [SFU_PEER_EV_ASKED] = END(ASKED),
        },
    [SFU_PEER_UP] =
        {
            [SFU_PEER_EV_SILENT] = GO(STALE),
            [SFU_PEER_EV_CONSENT] = END(CONSENT),
            [SFU_PEER_EV_BYE] = END(CLOSE_NOTIFY),
            [SFU_PEER_EV_ASKED] = END(ASKED),
        },
    [SFU_PEER_STALE] =
        {
            [SFU_PEER_EV_ALIVE] = GO(UP),
            [SFU_PEER_EV_CONSENT] = END(CONSENT),
            [SFU_PEER_EV_BYE] = END(CLOSE_NOTIFY),
            [SFU_PEER_EV_ASKED] = END(ASKED),
        },
};

struct sfu_peer_step sfu_peer_next(enum sfu_peer_state state, enum sfu_peer_event event)
{
    const struct row *row = &table[state][event];
    if (!row->set) {
        return (struct sfu_peer_step){state, SFU_PEER_END_NONE};
    }
    return row->step;
}

int64_t sfu_peer_deadline_us(const struct sfu_peer_times *times, enum sfu_peer_state state)
{
    switch (state) {
    case SFU_PEER_NEW:
    case SFU_PEER_ICE:
        return times->ice_us;
    case SFU_PEER_DTLS:
        return times->dtls_us;
    default:
        return INT64_MAX; /* a stale peer ends when consent does */
    }
}

const char *sfu_peer_state_name(enum sfu_peer_state state)
{
    static const char *const names[] = {"new", "ice", "dtls", "up", "stale", "closed"};
    return names[state];
}

const char *sfu_peer_end_name(enum sfu_peer_end end)
{
    static const char *const names[] = {"none",        "asked",   "ice_timeout",  "dtls_timeout",
                                        "dtls_failed", "consent", "close_notify", "memory"};
    return names[end];
}
