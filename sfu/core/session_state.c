#include "sfu/core/session_state.h"

#define STAY(state)                                                                                \
    {                                                                                              \
        SFU_SESSION_##state, SFU_SESSION_DO_NOTHING                                                \
    }
#define GO(state, what)                                                                            \
    {                                                                                              \
        SFU_SESSION_##state, SFU_SESSION_DO_##what                                                 \
    }

static const struct sfu_session_step steps[SFU_SESSION_STATES][SFU_SESSION_EVENTS] = {
    [SFU_SESSION_OPENING] =
        {
            [SFU_SESSION_EV_OPENED] = GO(OPEN, ENTER),
            [SFU_SESSION_EV_ABSORBED] = GO(GONE, FORGET),
            [SFU_SESSION_EV_RESUMED] = STAY(OPENING),
            [SFU_SESSION_EV_LANE_LOST] = GO(GONE, DROP),
            [SFU_SESSION_EV_TIMEOUT] = GO(GONE, DROP),
            [SFU_SESSION_EV_END] = GO(GONE, DROP),
        },
    [SFU_SESSION_OPEN] =
        {
            [SFU_SESSION_EV_OPENED] = STAY(OPEN),
            [SFU_SESSION_EV_ABSORBED] = STAY(OPEN),
            [SFU_SESSION_EV_RESUMED] = GO(OPEN, BIND),
            [SFU_SESSION_EV_LANE_LOST] = GO(DETACHED, DETACH),
            [SFU_SESSION_EV_TIMEOUT] = GO(DETACHED, DETACH),
            [SFU_SESSION_EV_END] = GO(GONE, END),
        },
    [SFU_SESSION_DETACHED] =
        {
            [SFU_SESSION_EV_OPENED] = STAY(DETACHED),
            [SFU_SESSION_EV_ABSORBED] = STAY(DETACHED),
            [SFU_SESSION_EV_RESUMED] = GO(OPEN, BIND),
            [SFU_SESSION_EV_LANE_LOST] = STAY(DETACHED),
            [SFU_SESSION_EV_TIMEOUT] = GO(GONE, END),
            [SFU_SESSION_EV_END] = GO(GONE, END),
        },
    [SFU_SESSION_GONE] =
        {
            [SFU_SESSION_EV_OPENED] = STAY(GONE),
            [SFU_SESSION_EV_ABSORBED] = STAY(GONE),
            [SFU_SESSION_EV_RESUMED] = STAY(GONE),
            [SFU_SESSION_EV_LANE_LOST] = STAY(GONE),
            [SFU_SESSION_EV_TIMEOUT] = STAY(GONE),
            [SFU_SESSION_EV_END] = STAY(GONE),
        },
};

struct sfu_session_step sfu_session_next(enum sfu_session_state state, enum sfu_session_event event)
{
    return steps[state][event];
}

const char *sfu_session_state_name(enum sfu_session_state state)
{
    static const char *const names[SFU_SESSION_STATES] = {"opening", "open", "detached", "gone"};
    return names[state];
}
