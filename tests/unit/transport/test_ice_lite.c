#include "sfu/transport/ice_lite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/stun_build.h"
#include "tests/unit/transport/unit.h"

#define SECOND_US ((int64_t)1000000)
#define CONSENT_US (30 * SECOND_US)
#define REMOTE "wXyZ"

enum { BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101, BINDING_ERROR = 0x0111 };

static const struct sfu_ice_creds creds_a = {"AAAAaaaa", "passwordpasswordpassword"};
static const struct sfu_ice_creds creds_b = {"BBBBbbbb", "wordpasswordpasswordpass"};
static const struct sfu_ice_creds creds_c = {"CCCCcccc", "wordwordwordpasspasspass"};

static struct sfu_path path_of(const char *remote, const char *local)
{
    struct sfu_path p = {0};
    assert_int_equal(sfu_addr_parse(remote, 0, &p.remote), 0);
    assert_int_equal(sfu_addr_parse(local, 0, &p.local), 0);
    return p;
}

static struct sfu_path path_nr(unsigned n)
{
    char text[SFU_ADDR_TEXT_BYTES];
    snprintf(text, sizeof text, "192.0.2.1:%u", 1000 + n);
    return path_of(text, "198.51.100.1");
}

/* What a browser sends; the fields bend it. */
struct check {
    const struct sfu_ice_creds *to;
    const char *remote; /* NULL: REMOTE */
    const char *password;
    bool use_candidate, controlled, no_role;
    uint16_t type, extra; /* extra: one more attribute of this type */
};

static void build_check(struct stun_b *b, const struct check *c)
{
    uint8_t priority[4] = {0x6e, 0, 0x1e, 0xff}, tie[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    char user[300];
    int n = snprintf(user, sizeof user, "%s:%s", c->to->ufrag, c->remote ? c->remote : REMOTE);
    stun_b_start(b, c->type ? c->type : BINDING_REQUEST, 7);
    stun_b_attr(b, STUN_B_USERNAME, user, (size_t)n);
    if (!c->no_role) {
        stun_b_attr(b, c->controlled ? STUN_B_CONTROLLED : STUN_B_CONTROLLING, tie, sizeof tie);
    }
    if (c->use_candidate) {
        stun_b_attr(b, STUN_B_USE_CANDIDATE, NULL, 0);
    }
    if (c->extra) {
        stun_b_attr(b, c->extra, tie, 3);
    }
    stun_b_attr(b, STUN_B_PRIORITY, priority, sizeof priority);
    stun_b_integrity(b, c->password ? c->password : c->to->pwd);
    stun_b_fingerprint(b);
}

struct world {
    struct sfu_ice *ice;
    int64_t now_us;
    uint8_t reply[SFU_ICE_REPLY_MAX];
    struct sfu_ice_result result;
};

static int input(struct world *w, const uint8_t *data, size_t len, const struct sfu_path *path)
{
    uint8_t *copy = malloc(len ? len : 1); /* exact, so that a read past the end is seen */
    assert_non_null(copy);
    memcpy(copy, data, len);
    memset(&w->result, 0, sizeof w->result);
    int rc = sfu_ice_input(w->ice, copy, len, path, w->now_us, w->reply, &w->result);
    free(copy);
    return rc;
}

static int check(struct world *w, const struct check *c, const struct sfu_path *path)
{
    struct stun_b b;
    build_check(&b, c);
    return input(w, b.data, b.len, path);
}

static struct sfu_ice_session *session(struct world *w, const struct sfu_ice_creds *creds)
{
    struct sfu_ice_session *s;
    assert_int_equal(sfu_ice_session_create(w->ice, creds, REMOTE, w, &s), 0);
    return s;
}

static struct world world_of(uint32_t max_sessions)
{
    struct world w = {.now_us = SECOND_US};
    assert_int_equal(sfu_ice_create(max_sessions, CONSENT_US, &w.ice), 0);
    return w;
}

static bool selected_is(const struct sfu_ice_session *s, const struct sfu_path *p)
{
    const struct sfu_path *selected = sfu_ice_selected(s);
    return selected && sfu_path_equal(selected, p);
}

static const char *const remotes[] = {"192.0.2.7:45678", "[2001:db8::7]:45678"};

static void answer_carries_the_source_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(remotes); i++) {
        struct world w = world_of(4);
        struct sfu_ice_session *s = session(&w, &creds_a);
        struct sfu_path p = path_of(remotes[i], i ? "2001:db8::1" : "198.51.100.1");
        assert_int_equal(check(&w, &(struct check){.to = &creds_a}, &p), 0);
        assert_ptr_equal(w.result.session, s);
        assert_ptr_equal(w.result.user, &w);
        assert_int_equal(w.reply[0] << 8 | w.reply[1], BINDING_SUCCESS);
        assert_true(stun_b_verify(w.reply, w.result.reply_len, creds_a.pwd));

        size_t len = 0, user_len;
        const uint8_t *x = stun_b_find(w.reply, w.result.reply_len, STUN_B_XOR_MAPPED, &len);
        assert_non_null(x);
        assert_null(stun_b_find(w.reply, w.result.reply_len, STUN_B_USERNAME, &user_len));
        assert_int_equal(len, i ? 20 : 8);
        assert_int_equal(x[1], i ? 2 : 1);
        assert_int_equal((x[2] << 8 | x[3]) ^ 0x2112, 45678);
        for (size_t k = 0; k < len - 4; k++) {
            assert_int_equal(x[4 + k] ^ w.reply[4 + k], p.remote.ip[i ? k : 12 + k]);
        }
        sfu_ice_destroy(w.ice);
    }
}

static const struct {
    const char *name;
    struct check check;
    int rc;
    int error; /* of the answer, when rc is 0 */
    size_t counter;
} verdicts[] = {
#define COUNTER(field) offsetof(struct sfu_ice_stats, field)
    {"as browsers send it", {.to = &creds_a}, 0, 0, COUNTER(checks)},
    {"without a role", {.to = &creds_a, .no_role = true}, 0, 0, COUNTER(checks)},
    {"with an optional attribute", {.to = &creds_a, .extra = 0xc057}, 0, 0, COUNTER(checks)},
    {"claims our role", {.to = &creds_a, .controlled = true}, 0, 487, COUNTER(conflicts)},
    {"unknown attribute", {.to = &creds_a, .extra = 0x7abc}, 0, 420, COUNTER(unknown_attr)},
    {"unknown ufrag", {.to = &creds_b}, -ENOENT, 0, COUNTER(unknown_user)},
    {"wrong remote part", {.to = &creds_a, .remote = "wXyY"}, -ENOENT, 0, COUNTER(unknown_user)},
    {"longer remote part",
     {.to = &creds_a, .remote = REMOTE "Q"},
     -ENOENT,
     0,
     COUNTER(unknown_user)},
    {"shorter remote part", {.to = &creds_a, .remote = "wXy"}, -ENOENT, 0, COUNTER(unknown_user)},
    {"empty remote part", {.to = &creds_a, .remote = ""}, -ENOENT, 0, COUNTER(unknown_user)},
    {"wrong password",
     {.to = &creds_a, .password = "passwordpasswordpasswore"},
     -EACCES,
     0,
     COUNTER(bad_auth)},
    {"indication", {.to = &creds_a, .type = 0x0011}, -EPROTO, 0, COUNTER(not_request)},
    {"success response", {.to = &creds_a, .type = 0x0101}, -EPROTO, 0, COUNTER(not_request)},
    {"error response", {.to = &creds_a, .type = 0x0111}, -EPROTO, 0, COUNTER(not_request)},
    {"allocate", {.to = &creds_a, .type = 0x0003}, -EPROTO, 0, COUNTER(not_request)},
#undef COUNTER
};

static void each_check_gets_its_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(verdicts); i++) {
        struct world w = world_of(4);
        struct sfu_ice_session *s = session(&w, &creds_a);
        struct sfu_path p = path_nr(0);
        uint64_t counted;
        int rc = check(&w, &verdicts[i].check, &p);
        memcpy(&counted, (const char *)sfu_ice_stats(w.ice) + verdicts[i].counter, sizeof counted);
        if (rc != verdicts[i].rc || counted != 1) {
            fail_msg("%s: %d, counted %d", verdicts[i].name, rc, (int)counted);
        }
        bool accepted = rc == 0 && verdicts[i].error == 0;
        assert_int_equal(sfu_ice_find(w.ice, &p) == s, accepted);
        assert_int_equal(sfu_ice_selected(s) != NULL, accepted);
        if (verdicts[i].error) {
            size_t len;
            const uint8_t *e = stun_b_find(w.reply, w.result.reply_len, STUN_B_ERROR, &len);
            assert_non_null(e);
            assert_int_equal(e[2] * 100 + e[3], verdicts[i].error);
            assert_int_equal(w.reply[0] << 8 | w.reply[1], BINDING_ERROR);
            assert_true(stun_b_verify(w.reply, w.result.reply_len, creds_a.pwd));
        }
        sfu_ice_destroy(w.ice);
    }
}

/* Each byte wrong in turn, and each length: nothing is answered, nothing is learned. */
static void damaged_checks_are_silent(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a);
    struct sfu_path p = path_nr(0);
    struct stun_b b;
    (void)state;
    build_check(&b, &(struct check){.to = &creds_a, .use_candidate = true});
    for (size_t i = 0; i < b.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            b.data[i] ^= (uint8_t)(1 << bit);
            assert_int_not_equal(input(&w, b.data, b.len, &p), 0);
            b.data[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t len = 0; len < b.len; len++) {
        assert_int_equal(input(&w, b.data, len, &p), -EBADMSG);
        struct stun_b cut = b;
        stun_b_length(&cut, len >= 20 ? len - 20 : 0);
        assert_int_not_equal(input(&w, cut.data, len, &p), 0);
    }
    assert_null(sfu_ice_find(w.ice, &p));
    assert_null(sfu_ice_selected(s));
    assert_int_equal(input(&w, b.data, b.len, &p), 0);
    sfu_ice_destroy(w.ice);
}

enum { MANY_UNKNOWN = 100 }; /* more than an answer can hold */

/* One attribute for each letter. */
static void build_layout(struct stun_b *b, const char *letters)
{
    static const uint8_t zeros[SFU_ICE_CHECK_MAX];
    static const char user[] = "AAAAaaaa:" REMOTE;
    stun_b_start(b, BINDING_REQUEST, 1);
    for (const char *c = letters; *c != '\0'; c++) {
        switch (*c) {
        case 'u':
            stun_b_attr(b, STUN_B_USERNAME, user, strlen(user));
            break;
        case 'i':
            stun_b_integrity(b, creds_a.pwd);
            break;
        case 's': /* shorter than a hash */
            stun_b_attr(b, STUN_B_INTEGRITY, zeros, 4);
            break;
        case 'f':
            stun_b_fingerprint(b);
            break;
        case 'p':
            stun_b_attr(b, STUN_B_PRIORITY, zeros, 4);
            break;
        case 'l': /* long */
            stun_b_attr(b, 0xc001, zeros, sizeof zeros);
            break;
        case '?':
            for (uint16_t type = 0x4000; type < 0x4000 + MANY_UNKNOWN; type++) {
                stun_b_attr(b, type, NULL, 0);
            }
            break;
        default:
            fail();
        }
    }
}

/* Well-signed or not, what libnice would misread or assert on is dropped before it. */
static void hostile_layouts_are_dropped(void **state)
{
    static const struct {
        const char *name, *letters;
        int err;
    } rows[] = {
        {"integrity shorter than a hash, at the very end", "usf", -EBADMSG},
        {"two integrities", "uiif", -EBADMSG},
        {"a username that the integrity does not cover", "iuf", -EACCES},
        {"no fingerprint", "ui", -EBADMSG},
        {"fingerprint not the last", "uifp", -EBADMSG},
        {"no username, no integrity", "f", -EACCES},
        {"right, but too long", "ulif", -EBADMSG},
    };
    struct world w = world_of(4);
    struct sfu_path p = path_nr(0);
    (void)state;
    session(&w, &creds_a);
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        struct stun_b b;
        build_layout(&b, rows[i].letters);
        int rc = input(&w, b.data, b.len, &p);
        if (rc != rows[i].err) {
            fail_msg("%s: %d instead of %d", rows[i].name, rc, rows[i].err);
        }
        assert_null(sfu_ice_find(w.ice, &p));
    }
    assert_int_equal(sfu_ice_stats(w.ice)->checks, 0);
    sfu_ice_destroy(w.ice);
}

static void too_many_unknown_attributes_get_no_answer(void **state)
{
    struct world w = world_of(4);
    struct sfu_path p = path_nr(0);
    struct stun_b b;
    (void)state;
    session(&w, &creds_a);
    build_layout(&b, "u?if");
    assert_int_equal(input(&w, b.data, b.len, &p), 0);
    assert_int_equal(w.result.reply_len, 0);
    assert_int_equal(sfu_ice_stats(w.ice)->checks, 0);
    sfu_ice_destroy(w.ice);
}

static void latest_nomination_is_followed(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a);
    struct sfu_path p0 = path_nr(0), p1 = path_nr(1), other_local = p0;
    struct check plain = {.to = &creds_a}, nominate = {.to = &creds_a, .use_candidate = true};
    (void)state;
    other_local.local.ip[15] = 99;
    assert_null(sfu_ice_selected(s));
    assert_int_equal(check(&w, &plain, &p0), 0);
    assert_int_equal(w.result.events, SFU_ICE_PATH_NEW | SFU_ICE_SELECTED);
    assert_int_equal(check(&w, &plain, &p0), 0);
    assert_int_equal(w.result.events, 0);
    assert_int_equal(check(&w, &plain, &p1), 0);
    assert_int_equal(w.result.events, SFU_ICE_PATH_NEW);
    assert_true(selected_is(s, &p0));
    assert_int_equal(check(&w, &nominate, &p1), 0);
    assert_int_equal(w.result.events, SFU_ICE_SELECTED);
    assert_true(selected_is(s, &p1));
    assert_int_equal(check(&w, &plain, &p0), 0); /* keep-alive of the other pair */
    assert_true(selected_is(s, &p1));
    assert_int_equal(check(&w, &nominate, &p0), 0); /* and back */
    assert_true(selected_is(s, &p0));
    assert_int_equal(check(&w, &nominate, &other_local),
                     0); /* our other address: another 5-tuple */
    assert_int_equal(w.result.events, SFU_ICE_PATH_NEW | SFU_ICE_SELECTED);
    assert_ptr_equal(sfu_ice_find(w.ice, &p0), s);
    assert_ptr_equal(sfu_ice_find(w.ice, &p1), s);
    assert_ptr_equal(sfu_ice_find(w.ice, &other_local), s);
    sfu_ice_session_destroy(s);
    assert_null(sfu_ice_find(w.ice, &p0));
    assert_null(sfu_ice_find(w.ice, &other_local));
    assert_int_equal(check(&w, &plain, &p0), -ENOENT);
    sfu_ice_destroy(w.ice);
}

struct tcp_gone {
    unsigned count;
    uint32_t last;
};

static void on_tcp_gone(void *arg, const struct sfu_path *path)
{
    struct tcp_gone *gone = arg;
    gone->count++;
    gone->last = path->tcp;
}

static struct sfu_path tcp_path(uint32_t connection)
{
    struct sfu_path p = path_nr(0);
    p.tcp = 1u << 31 | connection;
    return p;
}

static void udp_wins_over_tcp_while_it_is_nominated(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a);
    struct sfu_path udp = path_nr(0), tcp = tcp_path(1);
    struct check plain = {.to = &creds_a}, nominate = {.to = &creds_a, .use_candidate = true};
    (void)state;
    assert_int_equal(check(&w, &nominate, &tcp), 0);
    assert_true(selected_is(s, &tcp));
    assert_int_equal(check(&w, &nominate, &udp), 0); /* the same addresses, another path */
    assert_int_equal(w.result.events, SFU_ICE_PATH_NEW | SFU_ICE_SELECTED);
    assert_int_equal(check(&w, &nominate, &tcp), 0);
    assert_int_equal(w.result.events, 0);
    assert_true(selected_is(s, &udp));
    for (unsigned i = 0; i < 10; i++) { /* UDP lives on, but the client sends by TCP now */
        w.now_us += SECOND_US;
        assert_int_equal(check(&w, &plain, &udp), 0);
        assert_int_equal(check(&w, &nominate, &tcp), 0);
        assert_true(selected_is(s, i < 6 ? &udp : &tcp));
    }
    sfu_ice_destroy(w.ice);
}

static void a_connection_goes_with_its_path(void **state)
{
    struct world w = world_of(4);
    struct tcp_gone gone = {0};
    struct sfu_ice_session *a = session(&w, &creds_a), *b = session(&w, &creds_b);
    struct sfu_path one = tcp_path(1), two = tcp_path(2), udp = path_nr(3);
    struct check plain_a = {.to = &creds_a}, plain_b = {.to = &creds_b};
    (void)state;
    sfu_ice_on_tcp_gone(w.ice, on_tcp_gone, &gone);
    assert_int_equal(check(&w, &plain_a, &one), 0);
    assert_int_equal(check(&w, &plain_a, &udp), 0);
    w.now_us += 20 * SECOND_US;
    assert_int_equal(check(&w, &plain_b, &one), -EADDRINUSE); /* a connection is nobody else's */
    assert_int_equal(check(&w, &plain_b, &two), 0);
    assert_ptr_equal(sfu_ice_path_lost(w.ice, &one), a);
    assert_true(selected_is(a, &udp));
    assert_null(sfu_ice_path_lost(w.ice, &one));
    assert_int_equal(gone.count, 1);
    assert_int_equal(gone.last, one.tcp);
    assert_ptr_equal(sfu_ice_path_lost(w.ice, &two), b);
    assert_null(sfu_ice_selected(b));
    assert_int_equal(check(&w, &plain_b, &two), 0);
    sfu_ice_session_destroy(b);
    assert_int_equal(gone.count, 3);
    assert_int_equal(gone.last, two.tcp);
    sfu_ice_destroy(w.ice);
}

static void paths_of_a_session_are_bounded(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a);
    struct sfu_path first = path_nr(0);
    (void)state;
    assert_int_equal(check(&w, &(struct check){.to = &creds_a, .use_candidate = true}, &first), 0);
    for (unsigned i = 1; i < 300; i++) {
        struct sfu_path p = path_nr(i);
        w.now_us += 1000;
        assert_int_equal(check(&w, &(struct check){.to = &creds_a}, &p), 0);
    }
    assert_true(selected_is(s, &first)); /* although it is the oldest */
    for (unsigned i = 1; i < 300; i++) {
        struct sfu_path p = path_nr(i);
        assert_int_equal(sfu_ice_find(w.ice, &p) == s, i > 300 - SFU_ICE_PATHS_MAX);
    }
    assert_int_equal(sfu_ice_stats(w.ice)->evicted, 300 - SFU_ICE_PATHS_MAX);
    sfu_ice_destroy(w.ice);
}

static void consent_expires_and_moves(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a);
    struct sfu_path p0 = path_nr(0), p1 = path_nr(1);
    struct check plain = {.to = &creds_a};
    (void)state;
    assert_int_equal(sfu_ice_consent_us(s), INT64_MAX);
    assert_int_equal(sfu_ice_consent_check(s, 100 * SECOND_US), SFU_ICE_CONSENT_NEW);
    assert_int_equal(check(&w, &plain, &p0), 0); /* at 1 s */
    w.now_us = 5 * SECOND_US;
    assert_int_equal(check(&w, &plain, &p1), 0);
    assert_int_equal(sfu_ice_consent_us(s), 31 * SECOND_US);
    assert_int_equal(sfu_ice_consent_check(s, 31 * SECOND_US - 1), SFU_ICE_CONSENT_LIVE);
    assert_int_equal(sfu_ice_consent_check(s, 31 * SECOND_US), SFU_ICE_CONSENT_MOVED);
    assert_true(selected_is(s, &p1));
    assert_null(sfu_ice_find(w.ice, &p0));
    assert_int_equal(sfu_ice_consent_us(s), 35 * SECOND_US);
    /* neither a bad check nor one refused for its role is consent */
    w.now_us = 34 * SECOND_US;
    assert_int_equal(check(&w, &(struct check){.to = &creds_a, .password = "no"}, &p1), -EACCES);
    assert_int_equal(check(&w, &(struct check){.to = &creds_a, .controlled = true}, &p1), 0);
    assert_int_equal(sfu_ice_consent_check(s, 35 * SECOND_US), SFU_ICE_CONSENT_EXPIRED);
    assert_null(sfu_ice_selected(s));
    assert_null(sfu_ice_find(w.ice, &p1));
    sfu_ice_destroy(w.ice);
}

static void restart_hands_over(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *s = session(&w, &creds_a), *t;
    struct sfu_path p0 = path_nr(0), p1 = path_nr(1);
    struct check old_check = {.to = &creds_a, .use_candidate = true};
    struct check new_check = {.to = &creds_b, .remote = "newU", .use_candidate = true};
    (void)state;
    assert_int_equal(check(&w, &old_check, &p0), 0);
    assert_int_equal(sfu_ice_session_restart(s, &creds_a, REMOTE), 0); /* the same plan again */
    assert_int_equal(sfu_ice_session_restart(s, &creds_c, "never"), 0);
    assert_int_equal(sfu_ice_session_restart(s, &creds_b, "newU"), 0); /* before creds_c was used */
    assert_int_equal(check(&w, &(struct check){.to = &creds_c, .remote = "never"}, &p0), -ENOENT);
    assert_int_equal(check(&w, &old_check, &p0), 0); /* the old pair lives on */
    assert_true(selected_is(s, &p0));
    assert_int_equal(check(&w, &new_check, &p1), 0);
    assert_int_equal(w.result.events, SFU_ICE_PATH_NEW | SFU_ICE_SELECTED | SFU_ICE_RESTARTED);
    assert_true(selected_is(s, &p1));
    assert_int_equal(check(&w, &new_check, &p1), 0);
    assert_int_equal(w.result.events, 0);
    assert_int_equal(check(&w, &old_check, &p0), -ENOENT);
    assert_ptr_equal(sfu_ice_find(w.ice, &p0), s); /* packets under way on the old pair */
    /* the old ufrag is free again, the new one is not */
    assert_int_equal(sfu_ice_session_create(w.ice, &creds_b, REMOTE, &w, &t), -EEXIST);
    assert_int_equal(sfu_ice_session_create(w.ice, &creds_a, REMOTE, &w, &t), 0);
    assert_int_equal(sfu_ice_session_restart(t, &creds_b, REMOTE), -EEXIST);
    assert_int_equal(sfu_ice_session_restart(t, &creds_c, "a b c"), -EINVAL);
    sfu_ice_destroy(w.ice);
}

static void a_live_path_is_not_stolen(void **state)
{
    struct world w = world_of(4);
    struct sfu_ice_session *a = session(&w, &creds_a), *b = session(&w, &creds_b);
    struct sfu_path p0 = path_nr(0), p1 = path_nr(1);
    struct check to_a = {.to = &creds_a}, to_b = {.to = &creds_b, .use_candidate = true};
    (void)state;
    assert_int_equal(check(&w, &to_a, &p1), 0);
    w.now_us += SECOND_US;
    assert_int_equal(check(&w, &(struct check){.to = &creds_a, .use_candidate = true}, &p0), 0);
    w.now_us += 6 * SECOND_US;
    assert_int_equal(check(&w, &to_b, &p0), -EADDRINUSE);
    assert_null(sfu_ice_selected(b));
    assert_int_equal(sfu_ice_stats(w.ice)->stolen, 1);
    w.now_us += 2 * SECOND_US; /* its owner is silent: the port has a new user */
    assert_int_equal(check(&w, &to_b, &p0), 0);
    assert_ptr_equal(sfu_ice_find(w.ice, &p0), b);
    assert_true(selected_is(a, &p1));
    assert_int_equal(sfu_ice_consent_check(a, w.now_us), SFU_ICE_CONSENT_LIVE);
    w.now_us += 20 * SECOND_US;
    assert_int_equal(check(&w, &to_b, &p1), 0);
    assert_null(sfu_ice_selected(a)); /* nothing left, and its 30 s are over in 3 */
    assert_int_equal(sfu_ice_consent_check(a, w.now_us), SFU_ICE_CONSENT_LIVE);
    assert_int_equal(sfu_ice_consent_us(a), 32 * SECOND_US);
    assert_int_equal(sfu_ice_consent_check(a, 32 * SECOND_US), SFU_ICE_CONSENT_EXPIRED);
    sfu_ice_destroy(w.ice);
}

static const struct {
    const char *ufrag, *pwd, *remote;
    int rc;
} bad_creds[] = {
    {"AAAAaaa", "passwordpasswordpassword", REMOTE, -EINVAL},
    {"AAAAaaa:", "passwordpasswordpassword", REMOTE, -EINVAL},
    {"AAAAaaaa", "short", REMOTE, -EINVAL},
    {"AAAAaaaa", "passwordpasswordpassword", "", -EINVAL},
    {"AAAAaaaa", "passwordpasswordpassword", "abc", -EINVAL},
    {"AAAAaaaa", "passwordpasswordpassword", "ab:d", -EINVAL},
    {"AAAAaaaa", "passwordpasswordpassword", "abcd", 0},
};

static void credentials_are_checked(void **state)
{
    struct world w = world_of(1);
    struct sfu_ice_session *s;
    char remote[SFU_ICE_REMOTE_UFRAG_MAX + 2];
    (void)state;
    memset(remote, 'x', sizeof remote);
    remote[sizeof remote - 1] = '\0';
    assert_int_equal(sfu_ice_session_create(w.ice, &creds_a, remote, NULL, &s), -EINVAL);
    for (size_t i = 0; i < SFU_ARRAY_LEN(bad_creds); i++) {
        struct sfu_ice_creds creds = {0};
        snprintf(creds.ufrag, sizeof creds.ufrag, "%s", bad_creds[i].ufrag);
        snprintf(creds.pwd, sizeof creds.pwd, "%s", bad_creds[i].pwd);
        int rc = sfu_ice_session_create(w.ice, &creds, bad_creds[i].remote, NULL, &s);
        assert_int_equal(rc, bad_creds[i].rc);
    }
    assert_int_equal(sfu_ice_session_create(w.ice, &creds_b, REMOTE, NULL, &s), -ENOBUFS);
    sfu_ice_destroy(w.ice);

    struct sfu_ice_creds made[2];
    sfu_ice_creds_make(&made[0]);
    sfu_ice_creds_make(&made[1]);
    assert_string_not_equal(made[0].ufrag, made[1].ufrag);
    assert_string_not_equal(made[0].pwd, made[1].pwd);
    assert_int_equal(strlen(made[0].ufrag), 8);
    assert_int_equal(strlen(made[0].pwd), 24);
}

/* The longest remote ufrag still gets an answer, no longer than the check. */
static void longest_username_is_answered(void **state)
{
    struct world w = world_of(1);
    struct sfu_ice_session *s;
    struct sfu_path p = path_of("[2001:db8::7]:45678", "2001:db8::1");
    char remote[SFU_ICE_REMOTE_UFRAG_MAX + 1];
    (void)state;
    memset(remote, 'x', sizeof remote);
    remote[sizeof remote - 1] = '\0';
    assert_int_equal(sfu_ice_session_create(w.ice, &creds_a, remote, NULL, &s), 0);
    assert_int_equal(check(&w, &(struct check){.to = &creds_a, .remote = remote}, &p), 0);
    assert_true(stun_b_verify(w.reply, w.result.reply_len, creds_a.pwd));
    sfu_ice_destroy(w.ice);
}

static int make_and_check(void *arg)
{
    struct sfu_ice *ice;
    struct sfu_ice_session *s[20];
    struct sfu_ice_result result;
    struct stun_b b;
    uint8_t reply[SFU_ICE_REPLY_MAX];
    (void)arg;
    int rc = sfu_ice_create(20, CONSENT_US, &ice);
    if (rc != 0) {
        return rc;
    }
    for (unsigned i = 0; i < 20 && rc == 0; i++) {
        struct sfu_ice_creds creds = creds_a;
        creds.ufrag[0] = (char)('a' + (int)i);
        rc = sfu_ice_session_create(ice, &creds, REMOTE, NULL, &s[i]);
        build_check(&b, &(struct check){.to = &creds});
        for (unsigned k = 0; k < 8 && rc == 0; k++) {
            struct sfu_path p = path_nr(100 * i + k);
            rc = sfu_ice_input(ice, b.data, b.len, &p, 1, reply, &result);
        }
    }
    sfu_ice_destroy(ice);
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make_and_check, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_carries_the_source_address),
        cmocka_unit_test(each_check_gets_its_verdict),
        cmocka_unit_test(damaged_checks_are_silent),
        cmocka_unit_test(hostile_layouts_are_dropped),
        cmocka_unit_test(too_many_unknown_attributes_get_no_answer),
        cmocka_unit_test(latest_nomination_is_followed),
        cmocka_unit_test(udp_wins_over_tcp_while_it_is_nominated),
        cmocka_unit_test(a_connection_goes_with_its_path),
        cmocka_unit_test(paths_of_a_session_are_bounded),
        cmocka_unit_test(consent_expires_and_moves),
        cmocka_unit_test(restart_hands_over),
        cmocka_unit_test(a_live_path_is_not_stolen),
        cmocka_unit_test(credentials_are_checked),
        cmocka_unit_test(longest_username_is_answered),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
