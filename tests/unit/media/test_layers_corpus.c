/*
 * Layers of real streams: what Chromium sent as VP9 and AV1 with L3T3_KEY (tests/corpus/rtp: marker,
 * sequence number, timestamp, dependency descriptor, first bytes of the payload).  Whatever is
 * wished and whenever it changes: a frame goes out only when all that it refers to went out, and
 * each picture ends once, with its highest layer.  VP9's own descriptor must lead to the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/media/descriptor.h"
#include "sfu/media/layerpick.h"

#define CORPUS STOA_SOURCE_DIR "/tests/corpus/rtp/"

enum { ROWS = 200, ALL = 255 };

struct row {
    struct sfu_packet packet;
    uint8_t descriptor[255], payload[64];
};

static struct row rows[ROWS];
static unsigned row_count;

static size_t unhex(const char *text, uint8_t *ret, size_t cap)
{
    size_t n = 0;
    for (unsigned byte; n < cap && sscanf(text + 2 * n, "%2x", &byte) == 1; n++) {
        ret[n] = (uint8_t)byte;
    }
    return n;
}

static void load(const char *name, enum sfu_codec codec)
{
    char path[512], descriptor[600], payload[200];
    unsigned marker, seq, ts;
    snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    row_count = 0;
    while (row_count < ROWS &&
           fscanf(file, "%u %u %u %599s %199s", &marker, &seq, &ts, descriptor, payload) == 5) {
        struct row *r = &rows[row_count++];
        struct sfu_packet *p = &r->packet;
        *p = (struct sfu_packet){.seq = (uint16_t)seq, .ts = ts, .marker = marker != 0};
        p->descriptor = r->descriptor;
        p->descriptor_len = (uint8_t)unhex(descriptor, r->descriptor, sizeof r->descriptor);
        p->payload = r->payload;
        p->payload_len = (uint16_t)unhex(payload, r->payload, sizeof r->payload);
        int rc = sfu_codec_get(codec)->parse(p->payload, p->payload_len, p->marker, &p->frame);
        assert_int_equal(rc, 0);
    }
    fclose(file);
    assert_true(row_count > 100);
}

/* Wishes: one at the beginning, another from packet `at` on. */
struct wish {
    uint8_t spatial, temporal;
    unsigned at;
    uint8_t then_spatial, then_temporal;
};

/* What goes out of the rows, as flags of each. */
static void play(const struct wish *w, bool by_descriptor, bool *sent, bool *ends)
{
    struct sfu_layerpick pick;
    struct sfu_descriptor *reader;
    sfu_layerpick_init(&pick);
    assert_int_equal(sfu_descriptor_create(&reader), 0);
    sfu_layerpick_want(&pick, w->spatial, w->temporal);
    sfu_layerpick_begin(&pick);
    for (unsigned i = 0; i < row_count; i++) {
        struct sfu_packet p = rows[i].packet;
        if (i == w->at) {
            sfu_layerpick_want(&pick, w->then_spatial, w->then_temporal);
        }
        if (by_descriptor) {
            assert_true(sfu_descriptor_read(reader, &p));
        }
        sent[i] = sfu_layerpick_takes(&pick, &p, p.ts);
        ends[i] = sent[i] && sfu_layerpick_ends(&pick, &p, p.ts);
    }
    sfu_descriptor_destroy(reader);
}

static void check_ends(const struct wish *w, const bool *sent, const bool *ends)
{
    for (unsigned i = 0; i < row_count; i++) {
        int last = -1, count = 0;
        uint32_t ts = rows[i].packet.ts;
        for (unsigned k = 0; k < row_count; k++) {
            if (rows[k].packet.ts == ts && sent[k]) {
                last = (int)k;
                count += ends[k];
            }
        }
        if (last >= 0 && (count != 1 || !ends[last]) && ts != rows[row_count - 1].packet.ts) {
            fail_msg("%d/%d then %d/%d: the picture of packet %u ends %d times", w->spatial,
                     w->temporal, w->then_spatial, w->then_temporal, i, count);
        }
    }
}

/* Was that layer frame sent whole?  One that is not in the rows is older than they are. */
static bool vp9_frame_sent(const bool *sent, uint16_t picture, uint8_t sid)
{
    for (unsigned i = 0; i < row_count; i++) {
        const struct sfu_frame_info *f = &rows[i].packet.frame;
        if (f->picture_id == picture && f->sid == sid && !sent[i]) {
            return false;
        }
    }
    return true;
}

/* Flexible mode: each layer frame names the pictures that it refers to (RFC 9628, 4.2). */
static void check_references(const struct wish *w, const bool *sent)
{
    for (unsigned i = 0; i < row_count; i++) {
        const struct sfu_frame_info *f = &rows[i].packet.frame;
        const uint8_t *p = rows[i].payload, *diff = p + 4;
        bool ok = !sent[i] || !f->inter_layer ||
                  vp9_frame_sent(sent, f->picture_id, (uint8_t)(f->sid - 1));
        for (bool more = sent[i] && f->inter_picture; more; more = *diff++ & 1) {
            ok = ok &&
                 vp9_frame_sent(sent, (uint16_t)((f->picture_id - (*diff >> 1)) & 0x7fff), f->sid);
        }
        if (!ok) {
            fail_msg("%d/%d from packet %u on %d/%d: packet %u refers to what was not sent",
                     w->spatial, w->temporal, w->at, w->then_spatial, w->then_temporal, i);
        }
    }
}

static bool play_all(struct wish *w, bool vp9)
{
    static bool sent[ROWS], ends[ROWS], own_sent[ROWS], own_ends[ROWS];
    play(w, true, sent, ends);
    check_ends(w, sent, ends);
    if (!vp9) {
        return true;
    }
    check_references(w, sent);
    play(w, false, own_sent, own_ends);
    check_ends(w, own_sent, own_ends);
    check_references(w, own_sent);
    return memcmp(sent, own_sent, sizeof sent) == 0 && memcmp(ends, own_ends, sizeof ends) == 0;
}

static void walk(bool vp9)
{
    static const uint8_t layers[] = {0, 1, 2, ALL};
    for (unsigned i = 0; i < 256; i++) {
        struct wish w = {layers[i & 3], layers[i >> 2 & 3], ROWS, layers[i >> 4 & 3],
                         layers[i >> 6 & 3]};
        if (i < 16 && !play_all(&w, vp9)) {
            fail_msg("%d/%d: both descriptors do not say the same", w.spatial, w.temporal);
        }
        for (w.at = 20; w.at < 40; w.at += 3) {
            (void)play_all(&w, vp9); /* they may permit a change at different places */
        }
    }
}

static void vp9_from_chromium(void **state)
{
    (void)state;
    load("chromium-vp9-L3T3_KEY.txt", SFU_CODEC_VP9);
    walk(true);
}

static void av1_from_chromium(void **state)
{
    (void)state;
    load("chromium-av1-L3T3_KEY.txt", SFU_CODEC_AV1);
    walk(false);
}

/* Each layer is what it should be: the wished one in each picture, and nothing else beyond the key
 * picture. */
static void a_wish_from_the_beginning_is_exact(void **state)
{
    static bool sent[ROWS], ends[ROWS];
    (void)state;
    load("chromium-av1-L3T3_KEY.txt", SFU_CODEC_AV1);
    for (uint8_t spatial = 0; spatial < 3; spatial++) {
        struct wish w = {spatial, ALL, ROWS, 0, 0};
        struct sfu_descriptor *reader;
        play(&w, true, sent, ends);
        assert_int_equal(sfu_descriptor_create(&reader), 0);
        for (unsigned i = 0; i < row_count; i++) {
            struct sfu_packet p = rows[i].packet;
            bool key = p.ts == rows[0].packet.ts;
            assert_true(sfu_descriptor_read(reader, &p));
            assert_int_equal(p.layers.count, 9);
            assert_int_equal(p.layers.chains, 3);
            bool want = key ? p.frame.sid <= spatial : p.frame.sid == spatial;
            if (!key && p.cut.has_structure) {
                break; /* the next key frame */
            }
            if (sent[i] != want) {
                fail_msg("layer %u: packet %u of layer %u/%u", spatial, i, p.frame.sid,
                         p.frame.tid);
            }
        }
        sfu_descriptor_destroy(reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp9_from_chromium),
        cmocka_unit_test(av1_from_chromium),
        cmocka_unit_test(a_wish_from_the_beginning_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
