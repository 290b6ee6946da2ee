/*
 * Every transition of the peer's life: one row per (state, event); what has no row keeps the state.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/core/peer_state.h"

struct row {
    enum sfu_peer_state state;
    enum sfu_peer_event event;
    enum sfu_peer_state next;
    enum sfu_peer_end why;
};

static const struct row rows[] = {
    {SFU_PEER_NEW, SFU_PEER_EV_START, SFU_PEER_ICE, SFU_PEER_END_NONE},
    {SFU_PEER_NEW, SFU_PEER_EV_DEADLINE, SFU_PEER_CLOSED, SFU_PEER_END_ICE_TIMEOUT},
    {SFU_PEER_NEW, SFU_PEER_EV_ASKED, SFU_PEER_CLOSED, SFU_PEER_END_ASKED},
    {SFU_PEER_ICE, SFU_PEER_EV_PATH, SFU_PEER_DTLS, SFU_PEER_END_NONE},
    {SFU_PEER_ICE, SFU_PEER_EV_DEADLINE, SFU_PEER_CLOSED, SFU_PEER_END_ICE_TIMEOUT},
    {SFU_PEER_ICE, SFU_PEER_EV_ASKED, SFU_PEER_CLOSED, SFU_PEER_END_ASKED},
    {SFU_PEER_DTLS, SFU_PEER_EV_KEYS, SFU_PEER_UP, SFU_PEER_END_NONE},
    {SFU_PEER_DTLS, SFU_PEER_EV_REFUSED, SFU_PEER_CLOSED, SFU_PEER_END_DTLS_FAILED},
    {SFU_PEER_DTLS, SFU_PEER_EV_DEADLINE, SFU_PEER_CLOSED, SFU_PEER_END_DTLS_TIMEOUT},
    {SFU_PEER_DTLS, SFU_PEER_EV_CONSENT, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT},
    {SFU_PEER_DTLS, SFU_PEER_EV_BYE, SFU_PEER_CLOSED, SFU_PEER_END_CLOSE_NOTIFY},
    {SFU_PEER_DTLS, SFU_PEER_EV_ASKED, SFU_PEER_CLOSED, SFU_PEER_END_ASKED},
    {SFU_PEER_UP, SFU_PEER_EV_SILENT, SFU_PEER_STALE, SFU_PEER_END_NONE},
    {SFU_PEER_UP, SFU_PEER_EV_CONSENT, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT},
    {SFU_PEER_UP, SFU_PEER_EV_BYE, SFU_PEER_CLOSED, SFU_PEER_END_CLOSE_NOTIFY},
    {SFU_PEER_UP, SFU_PEER_EV_ASKED, SFU_PEER_CLOSED, SFU_PEER_END_ASKED},
    {SFU_PEER_STALE, SFU_PEER_EV_ALIVE, SFU_PEER_UP, SFU_PEER_END_NONE},
    {SFU_PEER_STALE, SFU_PEER_EV_CONSENT, SFU_PEER_CLOSED, SFU_PEER_END_CONSENT},
    {SFU_PEER_STALE, SFU_PEER_EV_BYE, SFU_PEER_CLOSED, SFU_PEER_END_CLOSE_NOTIFY},
    {SFU_PEER_STALE, SFU_PEER_EV_ASKED, SFU_PEER_CLOSED, SFU_PEER_END_ASKED},
};

static const struct row *row_of(enum sfu_peer_state state, enum sfu_peer_event event)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].state == state && rows[i].event == event) {
            return &rows[i];
        }
    }
    return NULL;
}

static void every_transition(void **unused)
{
    (void)unused;
    for (unsigned s = SFU_PEER_NEW; s <= SFU_PEER_CLOSED; s++) {
        for (unsigned e = 0; e < SFU_PEER_EVENTS; e++) {
            const struct row *row = row_of((enum sfu_peer_state)s, (enum sfu_peer_event)e);
            struct sfu_peer_step step =
                sfu_peer_next((enum sfu_peer_state)s, (enum sfu_peer_event)e);
            assert_int_equal(step.next, row ? row->next : s);
            assert_int_equal(step.why, row ? row->why : SFU_PEER_END_NONE);
        }
    }
}

static void every_state_before_up_has_a_deadline(void **unused)
{
    (void)unused;
    const struct sfu_peer_times times = {.ice_us = 1, .dtls_us = 2, .stale_us = 3};
    assert_int_equal(sfu_peer_deadline_us(&times, SFU_PEER_NEW), 1);
    assert_int_equal(sfu_peer_deadline_us(&times, SFU_PEER_ICE), 1);
    assert_int_equal(sfu_peer_deadline_us(&times, SFU_PEER_DTLS), 2);
    assert_true(sfu_peer_deadline_us(&times, SFU_PEER_UP) == INT64_MAX);
    assert_true(sfu_peer_deadline_us(&times, SFU_PEER_STALE) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_transition),
        cmocka_unit_test(every_state_before_up_has_a_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
