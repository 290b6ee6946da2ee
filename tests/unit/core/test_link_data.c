/*
 * What passes through a peer's transport for its data channels.
 */
#include "sfu/core/link.h"

#include <errno.h>

#include "tests/support/link_world.h"
#include "tests/unit/transport/unit.h"

static void data_passes_only_where_the_plan_says_so(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 8; k++) {
        bool data = k & 1, media = k & 4;
        struct call call;
        call_init(&call, &(struct call_conf){.data = data, .active = k & 2});
        assert_int_equal(sfu_link_send_data(call.link, (const uint8_t *)"early", 5), -ENOTCONN);
        call_connect(&call);
        if (media) {
            assert_int_equal(call_open_rtp(&call, 1, 1), 0); /* after it idle buffers are gone */
        }
        assert_int_equal(SSL_write(call.c.ssl, "from them", 9), 9);
        call_shake(&call);
        assert_int_equal(call.h.data_count, data);
        assert_string_equal(call.h.data, data ? "from them" : "");
        assert_int_equal(sfu_link_send_data(call.link, (const uint8_t *)"from us", 7),
                         data ? 0 : -ENOTCONN);
        sfu_udp_flush(call.h.env.udp);
        assert_int_equal(call.h.sent_count, data);
        assert_int_equal(sfu_link_state(call.link), SFU_PEER_UP);
        call_fini(&call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_passes_only_where_the_plan_says_so),
    };
    return cmocka_run_group_tests(tests, link_world_setup, link_world_teardown);
}
