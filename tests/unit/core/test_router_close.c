/*
 * Ends: a peer goes while others look at it, twice, with orders on their way, with control deaf.
 */
#include "tests/unit/core/router_rig.h"

/* 1 publishes camera and screen, 2 watches. */
static void call(struct rig *rig)
{
    rig_join(rig, 1, 3, 0);
    rig_join(rig, 2, 0, 4);
    rig_map(rig, 2, 1, 11, true);
    rig_video(rig, 11, 0, true);
    rig_video(rig, 12, 0, true);
    rig_run(rig, 500000);
}

static void a_peer_that_goes_leaves_no_timer_behind(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_run(rig, 3000000);         /* nothing ticks any more */
    rig_map(rig, 2, 1, 12, false); /* the camera stays until the screen's key frame */
    rig_run(rig, 3000000);
    rig_close(rig, 1);
    sfu_router_flush(rig->router);
    assert_true(rig_link(rig, 1)->released);
    rig_run(rig, 100000);
    rig_join(rig, 3, 2, 0);
    rig_run(rig, 100000);
}

static void orders_for_a_closed_peer_are_refused(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig->control_full = true;
    rig_close(rig, 1);
    rig_close(rig, 2);
    sfu_router_flush(rig->router);
    for (uint64_t id = 1; id <= 2; id++) {
        struct sfu_plan *plan = rig_plan(id, 3, 4);
        assert_true(sfu_router_peer_apply(rig_peer(rig, id), plan) < 0);
        sfu_plan_destroy(plan);
    }
    rig_map(rig, 2, 1, 11, true);
    sfu_router_show(rig->router, 2, 1, 0, 0);
    sfu_router_mute(rig->router, 1, 11, true);
    sfu_router_key_frame(rig->router, 1, 11);
    rig_video(rig, 11, 1, true);
    rig_pli(rig, 2, rig_slot_ssrc(2, 1));
    rig_close(rig, 1);
    rig_run(rig, 1000000);
    assert_non_null(rig_peer(rig, 1));
    rig->control_full = false;
    unsigned from = rig->event_count;
    rig_run(rig, 1000);
    assert_null(rig_peer(rig, 1));
    assert_null(rig_peer(rig, 2));
    assert_int_equal(rig_events(rig, from, SFU_PLANE_PEER_STATE, 1, NULL), 1);
    assert_int_equal(rig_events(rig, from, SFU_PLANE_PEER_STATE, 2, NULL), 1);
}

/* The transport may have its own idea of what comes after the end. */
static void closed_is_the_last_state(void **state)
{
    struct rig *rig = *state;
    const struct sfu_plane_event *e = NULL;
    call(rig);
    rig->control_full = true;
    rig_close(rig, 1);
    sfu_router_peer_state(rig_peer(rig, 1), SFU_PEER_STALE, SFU_PEER_END_NONE);
    sfu_router_peer_state(rig_peer(rig, 1), SFU_PEER_CLOSED, SFU_PEER_END_CONSENT);
    rig->control_full = false;
    rig_run(rig, 1000);
    assert_null(rig_peer(rig, 1));
    (void)rig_events(rig, 0, SFU_PLANE_PEER_STATE, 1, &e);
    assert_int_equal(e->u.peer_state.state, SFU_PEER_CLOSED);
    assert_int_equal(e->u.peer_state.why, SFU_PEER_END_ASKED);
}

/* Everybody sees everybody, and a slot of one's own track: every order of leaving is safe. */
static void all_leave_in_any_order(void **state)
{
    struct rig *rig = *state;
    static const uint64_t orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 1, 3}, {2, 3, 1}};
    for (size_t o = 0; o < SFU_ARRAY_LEN(orders); o++) {
        for (uint64_t id = 1; id <= 3; id++) {
            rig_join(rig, id + o * 3, 3, 6);
        }
        for (uint64_t id = 1; id <= 3; id++) {
            for (uint64_t of = 1; of <= 3; of++) {
                uint64_t p = id + o * 3, t = (of + o * 3) * 10;
                rig_map(rig, p, 2 * ((unsigned)of - 1), t, true);
                rig_map(rig, p, 2 * ((unsigned)of - 1) + 1, t + 1, true);
            }
        }
        for (uint64_t of = 1; of <= 3; of++) {
            rig_video(rig, (of + o * 3) * 10 + 1, 0, true);
            rig_audio(rig, (of + o * 3) * 10, 0);
            rig_video(rig, (of + o * 3) * 10 + 2, 0, true);
        }
        rig_run(rig, 20000);
        for (uint64_t id = 1; id <= 3; id++) { /* cameras are held until the screens come */
            for (unsigned s = 0; s < 3; s++) {
                rig_map(rig, id + o * 3, 2 * s + 1, (s + 1 + o * 3) * 10 + 2, false);
            }
        }
        for (unsigned i = 0; i < 3; i++) {
            rig_close(rig, orders[o][i] + o * 3);
            rig_run(rig, i * 7000);
        }
        rig_run(rig, 1000);
        assert_int_equal(sfu_router_peer_count(rig->router), 0);
    }
}

static void a_router_ends_with_everything_under_way(void **state)
{
    struct rig *rig = *state;
    call(rig);
    rig_join(rig, 3, 3, 4);
    rig_map(rig, 3, 3, 31, true);
    rig_video(rig, 31, 0, true);
    rig_map(rig, 3, 1, 11, true); /* a still is due */
    rig_map(rig, 2, 1, 31, false);
    rig->control_full = true;
    rig_close(rig, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_peer_that_goes_leaves_no_timer_behind),
        RIG_TEST(orders_for_a_closed_peer_are_refused),
        RIG_TEST(closed_is_the_last_state),
        RIG_TEST(all_leave_in_any_order),
        RIG_TEST(a_router_ends_with_everything_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
