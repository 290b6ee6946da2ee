/* The session machine: every state with every event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/core/participant.h"
#include "sfu/core/session_state.h"

struct row {
    enum sfu_session_state state;
    enum sfu_session_event event;
    enum sfu_session_state next;
    enum sfu_session_do what;
};

#define R(state, event, next, what)                                                                \
    {                                                                                              \
        SFU_SESSION_##state, SFU_SESSION_EV_##event, SFU_SESSION_##next, SFU_SESSION_DO_##what     \
    }

static const struct row rows[] = {
    R(OPENING, OPENED, OPEN, ENTER),        R(OPENING, ABSORBED, GONE, FORGET),
    R(OPENING, RESUMED, OPENING, NOTHING),  R(OPENING, LANE_LOST, GONE, DROP),
    R(OPENING, TIMEOUT, GONE, DROP),        R(OPENING, END, GONE, DROP),
    R(OPEN, OPENED, OPEN, NOTHING),         R(OPEN, ABSORBED, OPEN, NOTHING),
    R(OPEN, RESUMED, OPEN, BIND),           R(OPEN, LANE_LOST, DETACHED, DETACH),
    R(OPEN, TIMEOUT, DETACHED, DETACH),     R(OPEN, END, GONE, END),
    R(DETACHED, OPENED, DETACHED, NOTHING), R(DETACHED, ABSORBED, DETACHED, NOTHING),
    R(DETACHED, RESUMED, OPEN, BIND),       R(DETACHED, LANE_LOST, DETACHED, NOTHING),
    R(DETACHED, TIMEOUT, GONE, END),        R(DETACHED, END, GONE, END),
    R(GONE, OPENED, GONE, NOTHING),         R(GONE, ABSORBED, GONE, NOTHING),
    R(GONE, RESUMED, GONE, NOTHING),        R(GONE, LANE_LOST, GONE, NOTHING),
    R(GONE, TIMEOUT, GONE, NOTHING),        R(GONE, END, GONE, NOTHING),
};

static void every_state_and_event(void **state)
{
    bool seen[SFU_SESSION_STATES][SFU_SESSION_EVENTS] = {{false}};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct sfu_session_step step = sfu_session_next(rows[i].state, rows[i].event);
        assert_int_equal(step.next, rows[i].next);
        assert_int_equal(step.what, rows[i].what);
        assert_false(seen[rows[i].state][rows[i].event]);
        seen[rows[i].state][rows[i].event] = true;
    }
    assert_int_equal(SFU_ARRAY_LEN(rows), SFU_SESSION_STATES * SFU_SESSION_EVENTS);
}

static void gone_is_final(void **state)
{
    (void)state;
    for (int e = 0; e < SFU_SESSION_EVENTS; e++) {
        assert_int_equal(sfu_session_next(SFU_SESSION_GONE, (enum sfu_session_event)e).next,
                         SFU_SESSION_GONE);
    }
}

static void reconnecting_is_seen_by_others(void **state)
{
    static const struct {
        bool attached;
        enum sfu_participant_media media;
        bool reconnecting;
    } table[] = {
        {true, SFU_MEDIA_NONE, false},  {true, SFU_MEDIA_LIVE, false},
        {true, SFU_MEDIA_LOST, true},   {false, SFU_MEDIA_NONE, true},
        {false, SFU_MEDIA_LIVE, false}, {false, SFU_MEDIA_LOST, true},
    };
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(table); i++) {
        assert_int_equal(sfu_participant_reconnecting(table[i].attached, table[i].media),
                         table[i].reconnecting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_and_event),
        cmocka_unit_test(gone_is_final),
        cmocka_unit_test(reconnecting_is_seen_by_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
