#include "sfu/transport/stun_check.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/transport/stun_build.h"
#include "tests/unit/transport/unit.h"

/* RFC 5769, 2.1: sample request with ICE-CONTROLLED, username "evtj:h6vY", padding of spaces. */
static const uint8_t sample_request[] =
    "\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x10STUN test client"
    "\x00\x24\x00\x04\x6e\x00\x01\xff"
    "\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
    "\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
    "\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71"
    "\xa2"
    "\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/* RFC 5769, 2.2 and 2.3: the answers to it for 192.0.2.1:32853 and for an IPv6 address. */
static const uint8_t sample_answer_v4[] =
    "\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
    "\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7"
    "\xd7"
    "\x80\x28\x00\x04\xc0\x7d\x4c\x96";
static const uint8_t sample_answer_v6[] =
    "\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
    "\x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20"
    "\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9"
    "\xd9"
    "\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed"
    "\x41"
    "\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

#define SAMPLE_PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static const char *sample_password(void *arg, const uint8_t *username, size_t len)
{
    (void)arg;
    return len == 9 && memcmp(username, "evtj:h6vY", 9) == 0 ? SAMPLE_PASSWORD : NULL;
}

static const char *no_password(void *arg, const uint8_t *username, size_t len)
{
    (void)arg;
    (void)username;
    (void)len;
    return NULL;
}

static void sample_request_is_understood(void **state)
{
    StunAgent agent;
    struct sfu_stun_check check;
    (void)state;
    sfu_stun_agent_init(&agent);
    assert_int_equal(sfu_stun_open(&agent, sample_request, sizeof sample_request - 1,
                                   sample_password, NULL, &check),
                     0);
    assert_true(check.controlled);
    assert_false(check.use_candidate);
    assert_false(check.unknown);
    assert_int_equal(
        sfu_stun_open(&agent, sample_request, sizeof sample_request - 1, no_password, NULL, &check),
        -ENOENT);
}

static const struct {
    const char *addr;
    const uint8_t *expected;
    size_t len;
} answers[] = {
    {"192.0.2.1:32853", sample_answer_v4, sizeof sample_answer_v4 - 1},
    {"[2001:db8:1234:5678:11:2233:4455:6677]:32853", sample_answer_v6, sizeof sample_answer_v6 - 1},
};

/* The samples hold a SOFTWARE attribute that we do not send: the mapped address must be the same,
 * bit by bit. */
static void sample_answers_are_reproduced(void **state)
{
    StunAgent agent;
    struct sfu_stun_check check;
    (void)state;
    sfu_stun_agent_init(&agent);
    for (size_t i = 0; i < SFU_ARRAY_LEN(answers); i++) {
        struct sfu_addr addr;
        uint8_t reply[128];
        size_t want_len, got_len;
        assert_true(stun_b_verify(answers[i].expected, answers[i].len, SAMPLE_PASSWORD));
        assert_int_equal(sfu_addr_parse(answers[i].addr, 0, &addr), 0);
        assert_int_equal(sfu_stun_open(&agent, sample_request, sizeof sample_request - 1,
                                       sample_password, NULL, &check),
                         0);
        size_t len = sfu_stun_answer(&agent, &check, &addr, reply, sizeof reply);
        assert_true(stun_b_verify(reply, len, SAMPLE_PASSWORD));
        const uint8_t *want =
            stun_b_find(answers[i].expected, answers[i].len, STUN_B_XOR_MAPPED, &want_len);
        const uint8_t *got = stun_b_find(reply, len, STUN_B_XOR_MAPPED, &got_len);
        assert_non_null(got);
        assert_int_equal(got_len, want_len);
        assert_memory_equal(got, want, want_len);
        assert_memory_equal(reply + 4, answers[i].expected + 4, 16); /* cookie and transaction */
        assert_int_equal(sfu_stun_open(&agent, answers[i].expected, answers[i].len, sample_password,
                                       NULL, &check),
                         -EPROTO);
    }
}

/* libnice remembers requests it has sent, and we send none: answering must never fill its table. */
static void agent_keeps_no_state(void **state)
{
    StunAgent agent;
    (void)state;
    sfu_stun_agent_init(&agent);
    for (int i = 0; i < 1000; i++) {
        struct sfu_stun_check check;
        struct sfu_addr addr = {.port = 1};
        uint8_t reply[128];
        assert_int_equal(sfu_stun_open(&agent, sample_request, sizeof sample_request - 1,
                                       sample_password, NULL, &check),
                         0);
        assert_true(sfu_stun_answer(&agent, &check, &addr, reply, sizeof reply) > 0);
        assert_true(sfu_stun_role_conflict(&agent, &check, reply, sizeof reply) > 0);
    }
}

static void short_room_gives_no_answer(void **state)
{
    StunAgent agent;
    struct sfu_stun_check check;
    struct sfu_addr addr = {.port = 1};
    uint8_t reply[128];
    (void)state;
    sfu_stun_agent_init(&agent);
    assert_int_equal(sfu_stun_open(&agent, sample_request, sizeof sample_request - 1,
                                   sample_password, NULL, &check),
                     0);
    size_t need = sfu_stun_answer(&agent, &check, &addr, reply, sizeof reply);
    assert_in_range(need, 1, sizeof reply);
    for (size_t cap = 0; cap < need; cap++) {
        assert_int_equal(sfu_stun_answer(&agent, &check, &addr, reply, cap), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sample_request_is_understood),
        cmocka_unit_test(sample_answers_are_reproduced),
        cmocka_unit_test(agent_keeps_no_state),
        cmocka_unit_test(short_room_gives_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
