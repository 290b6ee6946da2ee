/*
 * The batch: order, what the header holds, when it leaves, what is forgotten.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/base/attr.h"
#include "sfu/base/stat.h"
#include "sfu/core/egress.h"
#include "tests/support/alloc_fail.h"

static struct {
    unsigned count;
    int rc;
    void *link[2 * SFU_EGRESS_BATCH];
    uint8_t bytes[256]; /* of the last */
    size_t head_len, len;
} sent;

static int send(void *link, const uint8_t *head, size_t head_len, const uint8_t *payload,
                size_t payload_len)
{
    sent.link[sent.count++] = link;
    assert_true(head_len + payload_len <= sizeof sent.bytes);
    memcpy(sent.bytes, head, head_len);
    memcpy(sent.bytes + head_len, payload, payload_len);
    sent.head_len = head_len;
    sent.len = head_len + payload_len;
    return sent.rc;
}

static const uint8_t payload[] = {1, 2, 3, 4, 5, 6, 7, 8};

struct fixture {
    struct sfu_egress e;
    struct sfu_hdrext_map ext;
    struct sfu_hdrext_values values;
    struct sfu_egress_head head;
};

static void init(struct fixture *f)
{
    memset(&sent, 0, sizeof sent);
    *f = (struct fixture){0};
    assert_int_equal(sfu_egress_init(&f->e, send, NULL), 0);
    sfu_hdrext_map_init(&f->ext);
    f->head = (struct sfu_egress_head){
        .rtp = {.timestamp = 0x01020304, .ssrc = 0x0a0b0c0d, .seq = 0x1122, .pt = 96},
        .ext = &f->ext,
        .values = &f->values,
    };
}

static void leaves_with_the_flush_peer_by_peer(void **state)
{
    struct fixture f;
    struct sfu_egress_dest a, b;
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    sfu_egress_dest_init(&b, &b);
    assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, sizeof payload), 0);
    assert_int_equal(sfu_egress_add(&f.e, &b, &f.head, payload, sizeof payload), 0);
    assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, 0), 0);
    assert_int_equal(sent.count, 0);
    sfu_egress_flush(&f.e);
    assert_int_equal(sent.count, 3);
    assert_ptr_equal(sent.link[0], &a); /* one peer's packets are neighbours */
    assert_ptr_equal(sent.link[1], &a);
    assert_ptr_equal(sent.link[2], &b);
    sfu_egress_flush(&f.e);
    assert_int_equal(sent.count, 3);
    sfu_egress_fini(&f.e);
}

static void a_full_batch_leaves_by_itself(void **state)
{
    struct fixture f;
    struct sfu_egress_dest a;
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    for (unsigned i = 0; i < SFU_EGRESS_BATCH + 1; i++) {
        assert_int_equal(sent.count, 0);
        assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, sizeof payload), 0);
    }
    assert_int_equal(sent.count, SFU_EGRESS_BATCH);
    sfu_egress_flush(&f.e);
    assert_int_equal(sent.count, SFU_EGRESS_BATCH + 1);
    sfu_egress_fini(&f.e);
}

struct row {
    const char *name;
    const char *mid;
    bool twcc, two_byte_ok, resent, marker;
    uint32_t csrc;
    uint8_t rewrite_len, payload_len;
    size_t len;
    uint8_t bytes[64];
};

#define FIXED(v, pt) v, pt, 0x11, 0x22, 1, 2, 3, 4, 0x0a, 0x0b, 0x0c, 0x0d
static const struct row rows[] = {
    {.name = "plain", .payload_len = 2, .len = 14, .bytes = {FIXED(0x80, 96), 1, 2}},
    {.name = "marker", .marker = true, .len = 12, .bytes = {FIXED(0x80, 0xe0)}},
    {.name = "extensions",
     .mid = "ab",
     .twcc = true,
     .payload_len = 1,
     .len = 25,
     .bytes = {FIXED(0x90, 96), 0xbe, 0xde, 0, 2, 0x31, 0x77, 0x88, 0x41, 'a', 'b', 0, 0, 1}},
    {.name = "repair",
     .resent = true,
     .payload_len = 3,
     .len = 17,
     .bytes = {FIXED(0x80, 96), 0x99, 0xaa, 1, 2, 3}},
    {.name = "rewritten",
     .rewrite_len = 3,
     .payload_len = 5,
     .len = 17,
     .bytes = {FIXED(0x80, 96), 0xf0, 0xf1, 0xf2, 4, 5}},
    {.name = "a contributing source",
     .twcc = true,
     .csrc = 0xc1c2c3c4,
     .payload_len = 1,
     .len = 25,
     .bytes = {FIXED(0x91, 96), 0xc1, 0xc2, 0xc3, 0xc4, 0xbe, 0xde, 0, 1, 0x31, 0x77, 0x88, 0, 1}},
    {.name = "all of it",
     .mid = "m",
     .resent = true,
     .rewrite_len = 2,
     .payload_len = 2,
     .len = 24,
     .bytes = {FIXED(0x90, 96), 0xbe, 0xde, 0, 1, 0x40, 'm', 0, 0, 0x99, 0xaa, 0xf0, 0xf1}},
    {.name = "a MID that needs two-byte form, not allowed",
     .mid = "0123456789abcdefg",
     .len = 12,
     .bytes = {FIXED(0x80, 96)}},
};

static void headers_are_written_by_template(void **state)
{
    static const uint8_t rewrite[] = {0xf0, 0xf1, 0xf2};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct fixture f;
        struct sfu_egress_dest a;
        init(&f);
        sfu_egress_dest_init(&a, &a);
        assert_int_equal(sfu_hdrext_map_set(&f.ext, 3, SFU_HDREXT_TWCC), 0);
        assert_int_equal(sfu_hdrext_map_set(&f.ext, 4, SFU_HDREXT_MID), 0);
        f.values.present = (row->mid ? SFU_HDREXT_BIT(MID) : 0) |
                           (row->twcc ? SFU_HDREXT_BIT(TWCC) : 0) |
                           SFU_HDREXT_BIT(AUDIO_LEVEL); /* not negotiated */
        f.values.mid.data = (const uint8_t *)row->mid;
        f.values.mid.len = row->mid ? (uint8_t)strlen(row->mid) : 0;
        f.values.twcc_seq = 0x7788;
        f.head.two_byte_ok = row->two_byte_ok;
        f.head.resent = row->resent;
        f.head.csrc = row->csrc;
        f.head.osn = 0x99aa;
        f.head.rtp.marker = row->marker;
        f.head.rewrite = rewrite;
        f.head.rewrite_len = row->rewrite_len;
        assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, row->payload_len), 0);
        sfu_egress_flush(&f.e);
        if (sent.len != row->len || memcmp(sent.bytes, row->bytes, row->len) != 0) {
            fail_msg("%s: %zu bytes", row->name, sent.len);
        }
        sfu_egress_fini(&f.e);
    }
}

static void ext_of(struct fixture *f, uint8_t twcc_id, uint8_t time_id)
{
    sfu_hdrext_map_init(&f->ext);
    assert_int_equal(sfu_hdrext_map_set(&f->ext, twcc_id, SFU_HDREXT_TWCC), 0);
    assert_int_equal(sfu_hdrext_map_set(&f->ext, time_id, SFU_HDREXT_ABS_SEND_TIME), 0);
    assert_int_equal(sfu_hdrext_map_set(&f->ext, 9, SFU_HDREXT_MID), 0);
}

/* A kept block changes nothing but the cost: each packet is the same as one written anew. */
static void a_kept_block_is_like_a_new_one(void **state)
{
    static const struct {
        uint8_t twcc_id, time_id;
        bool mid;
    } steps[] = {{3, 5, false},     {3, 5, false}, {3, 5, true}, {3, 5, false},
                 {200, 201, false}, {5, 3, false}, {5, 3, false}};
    struct fixture f;
    struct sfu_egress_dest a;
    struct sfu_egress_ext kept = {0};
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    f.head.two_byte_ok = true;
    for (size_t i = 0; i < SFU_ARRAY_LEN(steps); i++) {
        uint8_t anew[sizeof sent.bytes];
        if (i > 0 && steps[i].twcc_id != steps[i - 1].twcc_id) {
            kept = (struct sfu_egress_ext){0};
        }
        ext_of(&f, steps[i].twcc_id, steps[i].time_id);
        f.values.present = SFU_HDREXT_BIT(TWCC) | SFU_HDREXT_BIT(ABS_SEND_TIME) |
                           (steps[i].mid ? SFU_HDREXT_BIT(MID) : 0);
        f.values.mid = (struct sfu_hdrext_bytes){(const uint8_t *)"m", 1};
        f.values.twcc_seq = (uint16_t)(0x1234 + i);
        f.values.abs_send_time = (uint32_t)(0x56789a + i);
        f.head.kept = NULL;
        assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, 4), 0);
        sfu_egress_flush(&f.e);
        memcpy(anew, sent.bytes, sent.len);
        size_t len = sent.len;
        f.head.kept = &kept;
        assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, 4), 0);
        sfu_egress_flush(&f.e);
        assert_int_equal(sent.len, len);
        assert_memory_equal(sent.bytes, anew, len);
        assert_int_equal(kept.len > 0, true);
    }
    sfu_egress_fini(&f.e);
}

static void a_header_that_does_not_fit_is_refused(void **state)
{
    struct fixture f;
    uint8_t mid[255];
    struct sfu_egress_dest a;
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    memset(mid, 'x', sizeof mid);
    assert_int_equal(sfu_hdrext_map_set(&f.ext, 4, SFU_HDREXT_MID), 0);
    assert_int_equal(sfu_hdrext_map_set(&f.ext, 5, SFU_HDREXT_RID), 0);
    f.values.present = SFU_HDREXT_BIT(MID) | SFU_HDREXT_BIT(RID);
    f.values.mid = f.values.rid = (struct sfu_hdrext_bytes){mid, sizeof mid};
    f.head.two_byte_ok = true;
    assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, 1), -ENOBUFS);
    sfu_egress_flush(&f.e);
    assert_int_equal(sent.count, 0);
    sfu_egress_fini(&f.e);
}

static void a_link_that_goes_is_forgotten(void **state)
{
    struct fixture f;
    struct sfu_egress_dest a, b;
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    sfu_egress_dest_init(&b, &b);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(sfu_egress_add(&f.e, i % 3 ? &a : &b, &f.head, payload, 1), 0);
    }
    sfu_egress_forget(&f.e, &a);
    sfu_egress_flush(&f.e);
    assert_int_equal(sent.count, 4);
    for (unsigned i = 0; i < sent.count; i++) {
        assert_ptr_equal(sent.link[i], &b);
    }
    sfu_egress_fini(&f.e);
}

static void what_is_refused_is_counted(void **state)
{
    struct fixture f;
    struct sfu_egress_dest a;
    (void)state;
    init(&f);
    sfu_egress_dest_init(&a, &a);
    uint64_t drops = sfu_stat_get(SFU_M_DROP_SRTP_PROTECT);
    uint64_t out = sfu_stat_get(SFU_M_RTP_PACKETS_OUT);
    sent.rc = -ENOTCONN;
    assert_int_equal(sfu_egress_add(&f.e, &a, &f.head, payload, 1), 0);
    sfu_egress_flush(&f.e);
    assert_int_equal(sfu_stat_get(SFU_M_DROP_SRTP_PROTECT) - drops, 1);
    assert_int_equal(sfu_stat_get(SFU_M_RTP_PACKETS_OUT) - out, 0);
    sfu_egress_fini(&f.e);
}

static int make(void *arg)
{
    struct sfu_egress e;
    (void)arg;
    int rc = sfu_egress_init(&e, send, NULL);
    if (rc == 0) {
        sfu_egress_fini(&e);
    }
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_with_the_flush_peer_by_peer),
        cmocka_unit_test(a_full_batch_leaves_by_itself),
        cmocka_unit_test(headers_are_written_by_template),
        cmocka_unit_test(a_kept_block_is_like_a_new_one),
        cmocka_unit_test(a_header_that_does_not_fit_is_refused),
        cmocka_unit_test(a_link_that_goes_is_forgotten),
        cmocka_unit_test(what_is_refused_is_counted),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
