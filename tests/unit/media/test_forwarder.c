#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/media/fail_calloc.h"

#include "sfu/media/forwarder.c"

#undef calloc
#undef free

/* Rows leave out what is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A slot's life as a table: what comes in, when, and what leaves. */
enum op {
    V,     /* a video packet: VP8 with 15-bit picture id 1000 + arg and TL0PICIDX arg */
    K,     /* the same, first of a key frame */
    SK,    /* the same, from the key-frame cache */
    SV,    /* a later packet of the still */
    A,     /* an audio packet */
    PAD,   /* padding only */
    SPAD,  /* padding only inside a still */
    OWN,   /* made by the server; arg: ticks */
    HOLD,  /* set_source(source, HOLD) */
    CUT,   /* set_source(source, CUT) */
    WANTS, /* wants_key() == want */
    SHOWS, /* source() == want */
    NACK,  /* origin(out seq) -> source, seq; again() gives what was sent */
};

enum { SEND = SFU_FORWARD_SEND, FILL = SFU_FORWARD_FILL, WAIT = SFU_FORWARD_HOLD };
enum { PADDING = SFU_FORWARD_PADDING, STALE = SFU_FORWARD_STALE, ALIEN = SFU_FORWARD_FOREIGN };
enum { GONE = -ENOENT, SWITCH = 1 };

struct row {
    enum op op;
    int64_t ms;
    uint64_t source;
    uint16_t seq;
    uint32_t ts;
    uint32_t arg;
    int want;
    uint16_t out_seq;
    uint32_t out_ts;
    uint16_t out_picture;
    uint8_t out_tl0;
    int switched;
};

struct life {
    const char *name;
    bool video;
    size_t count;
    struct row rows[24];
};

#define LIFE(...)                                                                                  \
    sizeof((struct row[]){__VA_ARGS__}) / sizeof(struct row),                                      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* First numbers of each slot: sequence 100, timestamp 5000, picture id 500, TL0PICIDX 50. */
static const struct life lives[] = {
    {"the first key frame begins, earlier packets wait", true,
     LIFE({HOLD, 0, 7}, {WANTS, .want = 7}, {SHOWS, .want = 0}, {V, 1, 7, 10, 900, 0, WAIT},
          {K, 2, 7, 11, 990, 1, SEND, 100, 5000, 500, 50, SWITCH}, {WANTS, .want = 0},
          {SHOWS, .want = 7}, {V, 2, 7, 12, 990, 1, SEND, 101, 5000, 500, 50},
          {V, 35, 7, 13, 3990, 2, SEND, 102, 8000, 501, 51}, {V, 36, 8, 13, 3990, 2, ALIEN})},
    {"hold: the old picture goes on until the new key frame", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 10, 2},
          {WANTS, .want = 2}, {V, 20, 1, 11, 1800, 1, SEND, 101, 6800, 501, 51},
          {V, 30, 2, 700, 77777, 9, WAIT}, {SHOWS, .want = 1},
          {K, 60, 2, 701, 80000, 10, SEND, 102, 6800 + 3600, 502, 52, SWITCH},
          {V, 61, 1, 12, 3600, 2, STALE}, {V, 93, 2, 702, 83000, 11, SEND, 103, 13400, 503, 53},
          {SHOWS, .want = 2}, {WANTS, .want = 0})},
    {"cut: nothing of the old source, late or again", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH},
          {V, 0, 1, 12, 0, 0, SEND, 102, 5000, 500, 50}, {NACK, 1, 1, 10, 0, 0, SEND, 100},
          {CUT, 10, 2}, {SHOWS, .want = 0}, {V, 11, 1, 11, 0, 0, ALIEN},
          {V, 11, 1, 13, 0, 0, ALIEN}, {NACK, 11, 1, 10, 0, 0, GONE, 100},
          {K, 100, 2, 5, 0, 0, SEND, 103, 5000 + 9000, 501, 51, SWITCH},
          {NACK, 101, 2, 5, 0, 0, SEND, 103})},
    {"a pending switch is taken back", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 1, 2},
          {HOLD, 2, 1}, {WANTS, .want = 0}, {K, 3, 2, 90, 0, 0, ALIEN},
          {V, 4, 1, 11, 360, 1, SEND, 101, 5360, 501, 51})},
    {"late and lost packets of the old source still fit behind a switch", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH},
          {V, 1, 1, 12, 90, 1, SEND, 102, 5090, 501, 51}, {HOLD, 2, 2},
          {K, 11, 2, 70, 4, 3, SEND, 103, 5090 + 900, 502, 52, SWITCH},
          {V, 12, 1, 11, 90, 1, SEND, 101, 5090, 501, 51}, {NACK, 13, 1, 12, 90, 1, SEND, 102},
          {NACK, 13, 2, 70, 4, 3, SEND, 103})},
    {"packets of a key frame that came before its first are asked for", true,
     LIFE({HOLD, 0, 1}, {V, 1, 1, 11, 0, 0, WAIT},
          {K, 2, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH},
          {V, 3, 1, 12, 0, 0, SEND, 102, 5000, 500, 50}, {NACK, 4, 1, 11, 0, 0, SEND, 101})},
    {"a still, then the live stream from its next key frame", true,
     LIFE({HOLD, 0, 1}, {SK, 1, 1, 5, 1000, 3, SEND, 100, 5000, 500, 50, SWITCH},
          {SPAD, 1, 1, 6, 1000, 0, PADDING}, {SV, 1, 1, 7, 1000, 3, SEND, 101, 5000, 500, 50},
          {WANTS, .want = 1}, {SHOWS, .want = 1}, {V, 10, 1, 200, 90000, 60, WAIT},
          {NACK, 11, 1, 7, 1000, 3, SEND, 101},
          {K, 201, 1, 210, 99000, 70, SEND, 102, 5000 + 18000, 501, 51, SWITCH},
          {SV, 202, 1, 7, 1000, 3, ALIEN}, {V, 234, 1, 211, 102000, 71, SEND, 103, 26000, 502, 52},
          {NACK, 235, 1, 5, 1000, 3, SEND, 100}, {WANTS, .want = 0})},
    {"a still for a source that is not waited for", true,
     LIFE({SK, 0, 1, 5, 0, 0, ALIEN}, {HOLD, 0, 1}, {SV, 0, 1, 5, 0, 0, WAIT},
          {SK, 0, 2, 5, 0, 0, ALIEN}, {CUT, 0, 0}, {SK, 1, 1, 5, 0, 0, ALIEN})},
    {"emptied and filled again", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {CUT, 5, 0},
          {SHOWS, .want = 0}, {WANTS, .want = 0}, {V, 6, 1, 11, 0, 0, ALIEN}, {HOLD, 3000, 1},
          {WANTS, .want = 1}, {V, 3001, 1, 95, 0, 0, WAIT},
          {K, 4000, 1, 99, 360000, 90, SEND, 101, 5000 + 360000, 501, 51, SWITCH})},
    {"padding leaves no gap; padding that comes late fills one", true,
     LIFE({HOLD, 0, 1}, {PAD, 0, 1, 9, 0, 0, PADDING},
          {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {PAD, 1, 1, 11, 0, 0, PADDING},
          {V, 2, 1, 12, 180, 1, SEND, 101, 5180, 501, 51},
          {V, 3, 1, 14, 270, 2, SEND, 103, 5270, 502, 52}, {PAD, 4, 1, 13, 180, 0, FILL, 102, 5180},
          {NACK, 5, 1, 13, 180, 0, FILL, 102})},
    {"two switches at one moment: at least one tick", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 0, 2},
          {K, 0, 2, 10, 0, 0, SEND, 101, 5001, 501, 51, SWITCH})},
    {"a source that begins anew elsewhere waits for its key frame", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH},
          {V, 1, 1, 40000, 7, 9, STALE}, {V, 1, 1, 40001, 7, 9, WAIT}, {WANTS, .want = 1},
          {V, 1, 1, 40002, 7, 9, WAIT}, {K, 10, 1, 40003, 50, 10, SEND, 101, 5900, 501, 51, SWITCH},
          {V, 11, 1, 40004, 140, 11, SEND, 102, 5990, 502, 52})},
    {"it does not while another one is waited for", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 0, 2},
          {V, 1, 1, 40000, 7, 9, STALE}, {V, 1, 1, 40001, 7, 9, STALE}, {WANTS, .want = 2},
          {V, 2, 1, 12, 0, 0, STALE}, {K, 10, 2, 3, 50, 10, SEND, 101, 5900, 501, 51, SWITCH})},
    {"there and back: both stays of one source are told apart", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 0, 2},
          {K, 10, 2, 10, 0, 0, SEND, 101, 5900, 501, 51, SWITCH}, {HOLD, 10, 1},
          {K, 20, 1, 30, 1800, 9, SEND, 102, 6800, 502, 52, SWITCH},
          {NACK, 21, 1, 10, 0, 0, SEND, 100}, {NACK, 21, 2, 10, 0, 0, SEND, 101},
          {NACK, 21, 1, 30, 1800, 9, SEND, 102})},
    {"four switches later nothing is resent from the first", true,
     LIFE({HOLD, 0, 1}, {K, 0, 1, 10, 0, 0, SEND, 100, 5000, 500, 50, SWITCH}, {HOLD, 0, 2},
          {K, 10, 2, 10, 0, 0, SEND, 101, 5900, 501, 51, SWITCH}, {HOLD, 0, 3},
          {K, 20, 3, 10, 0, 0, SEND, 102, 6800, 502, 52, SWITCH}, {HOLD, 0, 4},
          {K, 30, 4, 10, 0, 0, SEND, 103, 7700, 503, 53, SWITCH},
          {NACK, 31, 1, 10, 0, 0, SEND, 100}, {HOLD, 0, 5},
          {K, 40, 5, 10, 0, 0, SEND, 104, 8600, 504, 54, SWITCH},
          {NACK, 41, 1, 10, 0, 0, GONE, 100}, {NACK, 41, 2, 10, 0, 0, SEND, 101})},
    {"audio switches with the next packet, the old voice is silent at once", false,
     LIFE({HOLD, 0, 1}, {WANTS, .want = 0}, {A, 0, 1, 10, 0, 0, SEND, 100, 5000, .switched = 1},
          {A, 20, 1, 11, 960, 0, SEND, 101, 5960}, {HOLD, 21, 2}, {A, 40, 1, 12, 1920, 0, STALE},
          {PAD, 41, 2, 6, 70, 0, PADDING},
          {A, 47, 2, 7, 77, 0, SEND, 102, 5960 + 27 * 48, .switched = 1},
          {A, 67, 2, 8, 77 + 960, 0, SEND, 103, 5960 + 27 * 48 + 960},
          {NACK, 68, 1, 11, 960, 0, SEND, 101})},
    {"an audio source that begins anew goes on at once", false,
     LIFE({HOLD, 0, 1}, {A, 0, 1, 10, 0, 0, SEND, 100, 5000, .switched = 1},
          {A, 20, 1, 40000, 9, 0, STALE},
          {A, 40, 1, 40001, 969, 0, SEND, 101, 5000 + 1920, .switched = 1})},
    {"silence by the server between two voices", false,
     LIFE({OWN, 0, 0, .arg = 960, .out_seq = 100, .out_ts = 5000}, {HOLD, 0, 1},
          {A, 20, 1, 10, 0, 0, SEND, 101, 5960, .switched = 1}, {CUT, 21, 0},
          {OWN, 40, 0, .arg = 960, .out_seq = 102, .out_ts = 6920},
          {OWN, 440, 0, .arg = 0, .out_seq = 103, .out_ts = 6920 + 19200}, {HOLD, 450, 2},
          {A, 460, 2, 7, 7, 0, SEND, 104, 6920 + 19200 + 960, .switched = 1},
          {NACK, 461, 0, 0, 0, 0, GONE, 103}, {NACK, 461, 2, 7, 7, 0, SEND, 104},
          {OWN, 480, 0, .arg = 960, .out_seq = 105, .out_ts = 6920 + 19200 + 1920},
          {A, 481, 2, 8, 7 + 1920, 0, SEND, 106, 6920 + 19200 + 960 + 1920})},
};

static struct sfu_packet packet_of(const struct row *r)
{
    bool video = r->op != A;
    bool key = r->op == K || r->op == SK;
    static const uint8_t body[1];

    return (struct sfu_packet){
        .payload = body,
        .payload_len = r->op == PAD || r->op == SPAD ? 0 : 1,
        .seq = r->seq,
        .ts = r->ts,
        .clock_rate = video ? 90000 : 48000,
        .codec = video ? SFU_CODEC_VP8 : SFU_CODEC_OPUS,
        .arrival_us = r->ms * 1000,
        .marker = true,
        .frame = {.start = true,
                  .keyframe = key,
                  .has_picture_id = video,
                  .picture_id_15 = true,
                  .has_tl0picidx = video,
                  .picture_id = (uint16_t)(1000 + r->arg),
                  .tl0picidx = (uint8_t)r->arg},
    };
}

static const char *life_name;
static size_t row_number;

static void expect(const char *what, int64_t got, int64_t want)
{
    if (got != want) {
        fail_msg("%s, row %zu: %s is %lld, not %lld", life_name, row_number, what, (long long)got,
                 (long long)want);
    }
}

static void check_out(const struct row *r, const struct sfu_forward_out *out)
{
    expect("seq", out->seq, r->out_seq);
    expect("ts", out->ts, r->out_ts);
    expect("switched", out->switched, r->switched);
    if (r->out_picture > 0) {
        expect("picture id", out->ids.picture_id, r->out_picture);
        expect("TL0PICIDX", out->ids.tl0picidx, r->out_tl0);
    }
}

/* What the slot sent before, to compare a resend with. */
static struct sfu_forward_out sent[65536];

static void check_nack(struct sfu_forwarder *fwd, const struct row *r)
{
    struct sfu_forward_origin origin = {0};
    struct sfu_packet packet = packet_of(r);
    struct sfu_forward_out out = {0};
    int rc = sfu_forwarder_origin(fwd, r->out_seq, &origin);

    packet.payload_len = r->want == FILL ? 0 : 1;
    expect("origin", rc, r->want < 0 ? r->want : 0);
    if (rc < 0) {
        return;
    }
    expect("source", (int64_t)origin.source, (int64_t)r->source);
    expect("source's seq", origin.seq, r->seq);
    expect("again", (int)sfu_forwarder_again(fwd, &origin, &packet, &out), r->want);
    expect("seq again", out.seq, r->out_seq);
    if (sent[out.seq].seq == out.seq && r->want == SEND) {
        expect("ts again", out.ts, sent[out.seq].ts);
        expect("picture id again", out.ids.picture_id, sent[out.seq].ids.picture_id);
        expect("TL0PICIDX again", out.ids.tl0picidx, sent[out.seq].ids.tl0picidx);
        expect("marker again", out.marker, sent[out.seq].marker);
    }
}

static void apply(struct sfu_forwarder *fwd, const struct row *r)
{
    struct sfu_packet packet = packet_of(r);
    struct sfu_forward_out out = {0};
    enum sfu_forward got;

    switch (r->op) {
    case HOLD:
    case CUT:
        sfu_forwarder_set_source(fwd, r->source, r->op == CUT ? SFU_SWITCH_CUT : SFU_SWITCH_HOLD);
        return;
    case WANTS:
        expect("wants key of", (int64_t)sfu_forwarder_wants_key(fwd), r->want);
        return;
    case SHOWS:
        expect("source", (int64_t)sfu_forwarder_source(fwd), r->want);
        return;
    case NACK:
        check_nack(fwd, r);
        return;
    case OWN:
        sfu_forwarder_on_own(fwd, r->arg, 48000, r->ms * 1000, &out);
        check_out(r, &out);
        return;
    case SK:
    case SV:
    case SPAD:
        got = sfu_forwarder_on_still(fwd, r->source, &packet, r->ms * 1000, &out);
        break;
    default:
        got = sfu_forwarder_on_packet(fwd, r->source, &packet, r->ms * 1000, &out);
        break;
    }
    expect("verdict", (int)got, r->want);
    if (got == SFU_FORWARD_SEND || got == SFU_FORWARD_FILL) {
        check_out(r, &out);
        sent[out.seq] = out;
    }
}

static struct sfu_forwarder *create(bool video)
{
    const struct sfu_forwarder_conf conf = {
        .video = video, .first_seq = 100, .first_ts = 5000, .picture_id = 500, .tl0picidx = 50};
    struct sfu_forwarder *fwd = NULL;

    assert_int_equal(sfu_forwarder_create(&conf, &fwd), 0);
    return fwd;
}

static void test_lives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
        struct sfu_forwarder *fwd = create(lives[i].video);

        life_name = lives[i].name;
        memset(sent, 0, sizeof(sent));
        for (row_number = 0; row_number < lives[i].count; row_number++) {
            apply(fwd, &lives[i].rows[row_number]);
        }
        sfu_forwarder_destroy(fwd);
    }
}

/* Slot's minus source's time, as the sender report needs it, follows each switch. */
static void test_ts_offset(void **state)
{
    (void)state;
    struct sfu_forwarder *fwd = create(true);
    const struct row first = {K, 0, 1, 10, 4000, 0}, second = {K, 100, 2, 20, 90000, 0};
    struct sfu_packet packet = packet_of(&first);
    struct sfu_forward_out out;
    uint64_t source = 0;
    uint32_t offset = 0;

    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), -EAGAIN);
    sfu_forwarder_set_source(fwd, 1, SFU_SWITCH_HOLD);
    assert_int_equal(sfu_forwarder_on_still(fwd, 1, &packet, 0, &out), SFU_FORWARD_SEND);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), -EAGAIN);
    sfu_forwarder_destroy(fwd);

    fwd = create(true);
    sfu_forwarder_set_source(fwd, 1, SFU_SWITCH_HOLD);
    assert_int_equal(sfu_forwarder_on_packet(fwd, 1, &packet, 0, &out), SFU_FORWARD_SEND);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), 0);
    assert_int_equal(source, 1);
    assert_int_equal(offset, 1000);
    sfu_forwarder_set_source(fwd, 2, SFU_SWITCH_HOLD);
    packet = packet_of(&second);
    assert_int_equal(sfu_forwarder_on_packet(fwd, 2, &packet, 100000, &out), SFU_FORWARD_SEND);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), 0);
    assert_int_equal(source, 2);
    assert_int_equal(offset, (uint32_t)(5000 + 9000 - 90000));
    sfu_forwarder_set_source(fwd, 0, SFU_SWITCH_CUT);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), -EAGAIN);
    sfu_forwarder_destroy(fwd);
}

/* An audio slot between two voices has no source's time. */
static void test_ts_offset_audio(void **state)
{
    (void)state;
    struct sfu_forwarder *fwd = create(false);
    const struct row first = {A, 0, 1, 10, 4000, 0};
    struct sfu_packet packet = packet_of(&first);
    struct sfu_forward_out out;
    uint64_t source = 0;
    uint32_t offset = 0;

    sfu_forwarder_set_source(fwd, 1, SFU_SWITCH_HOLD);
    assert_int_equal(sfu_forwarder_on_packet(fwd, 1, &packet, 0, &out), SFU_FORWARD_SEND);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), 0);
    sfu_forwarder_set_source(fwd, 2, SFU_SWITCH_HOLD);
    assert_int_equal(sfu_forwarder_ts_offset(fwd, &source, &offset), -EAGAIN);
    sfu_forwarder_destroy(fwd);
}

/* Picture ids over their wraps, 15 and 7 bit, and a switch between the two forms. */
static void test_picture_ids(void **state)
{
    (void)state;
    struct sfu_forwarder *fwd = create(true);
    struct sfu_forward_out out;
    uint16_t seq = 0, want = 500;

    for (uint32_t round = 0; round < 4; round++) {
        uint64_t source = round + 1;
        bool wide = round % 2 == 0;
        uint16_t mask = wide ? 0x7fff : 0x7f;

        sfu_forwarder_set_source(fwd, source, SFU_SWITCH_HOLD);
        for (uint32_t i = 0; i < 40000; i++) {
            const struct row r = {i == 0 ? K : V, i, source, seq++, i * 90, i + 30000};
            struct sfu_packet packet = packet_of(&r);
            packet.frame.picture_id = (uint16_t)((i + 30000) & mask);
            packet.frame.picture_id_15 = wide;
            assert_int_equal(sfu_forwarder_on_packet(fwd, source, &packet, i * 1000, &out),
                             SFU_FORWARD_SEND);
            assert_int_equal(out.ids.picture_id & mask, want & mask);
            assert_int_equal(out.ids.tl0picidx, (uint8_t)(50 + round * 40000 + i));
            want = wide ? (uint16_t)((out.ids.picture_id + 1) & 0x7fff) : (uint16_t)(want + 1);
        }
        if (!wide) {
            want = (uint16_t)((out.ids.picture_id + 1) & 0x7fff);
        }
    }
    sfu_forwarder_destroy(fwd);
}

/* Any life at all: numbers sent for the first time grow by one or fill a hole, a resend equals the
 * first sending, and timestamps never go back at a switch. */
static void test_random_lives(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 8; seed++) {
        struct sfu_forwarder *fwd = create(true);
        uint32_t dice = seed;
        uint16_t seq[5] = {0, 100, 20000, 65000, 40000}, high = 99;
        uint32_t high_ts = 0;
        int64_t now_us = 0;
        bool any = false;

        for (int step = 0; step < 60000; step++) {
            dice = dice * 1664525u + 1013904223u;
            uint32_t roll = dice >> 8;
            uint64_t source = 1 + roll % 4;
            enum op op = roll / 4 % 40 == 0 ? K : roll / 4 % 9 == 1 ? PAD : V;
            now_us += roll % 3000;
            if (roll / 256 % 50 == 0) {
                sfu_forwarder_set_source(fwd, 1 + roll / 1024 % 4,
                                         roll / 8192 % 4 ? SFU_SWITCH_HOLD : SFU_SWITCH_CUT);
            }
            struct row r = {op,
                            now_us / 1000,
                            source,
                            seq[source]++,
                            (uint32_t)(now_us * 9 / 100 + (int64_t)source * 1000000),
                            roll};
            struct sfu_packet packet = packet_of(&r);
            struct sfu_forward_out out = {0};
            enum sfu_forward v = sfu_forwarder_on_packet(fwd, source, &packet, now_us, &out);
            assert_true(v != SFU_FORWARD_FILL);
            if (v != SFU_FORWARD_SEND) {
                continue;
            }
            assert_int_equal(out.seq, (uint16_t)(high + 1));
            if (any) {
                assert_true(sfu_ts_diff(out.ts, high_ts) >= (out.switched ? 1 : 0));
                assert_true(sfu_ts_diff(out.ts, high_ts) < 90000 * 60);
            }
            high = out.seq;
            high_ts = out.ts;
            any = true;
            struct sfu_forward_origin origin;
            struct sfu_forward_out again;
            assert_int_equal(sfu_forwarder_origin(fwd, out.seq, &origin), 0);
            assert_int_equal(origin.source, source);
            assert_int_equal(origin.seq, r.seq);
            assert_int_equal(sfu_forwarder_again(fwd, &origin, &packet, &again), SFU_FORWARD_SEND);
            assert_int_equal(again.ts, out.ts);
            assert_int_equal(again.seq, out.seq);
        }
        assert_true(any);
        sfu_forwarder_destroy(fwd);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    const struct sfu_forwarder_conf conf = {0};
    struct sfu_forwarder *fwd = NULL;

    fail_calloc_at = 1;
    assert_int_equal(sfu_forwarder_create(&conf, &fwd), -ENOMEM);
    assert_null(fwd);
    sfu_forwarder_destroy(NULL);
    assert_int_equal(fail_calloc_live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),           cmocka_unit_test(test_ts_offset),
        cmocka_unit_test(test_ts_offset_audio), cmocka_unit_test(test_picture_ids),
        cmocka_unit_test(test_random_lives),    cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
