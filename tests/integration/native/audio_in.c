#include "tests/integration/native/audio_in.h"

#include <glib.h>
#include <opus.h>
#include <string.h>

#include "tests/integration/native/red.h"
#include "tests/integration/native/sdp.h"

enum { RATE = 48000, SAMPLES = RATE / 50, SAMPLES_MAX = RATE * 120 / 1000 };

struct nat_audio_in {
    OpusDecoder *decoder; /* NULL: not wanted */
    uint64_t red, plain;  /* packets by payload type */
    uint64_t primary;     /* newest frames that are 20 ms of Opus */
    uint64_t redundant;   /* frames that came again as they were */
    uint64_t silence;     /* frames of three bytes or less, as the server ends a stream */
    uint64_t wrong;       /* payload types, blocks or frames */
    uint64_t decoded, crossings, samples;
    bool positive;
    uint64_t last_seq;
    uint32_t last_ts;
    size_t last_len; /* 0: nothing yet */
    uint8_t last[NAT_RED_BLOCK_MAX];
};

struct nat_audio_in *nat_audio_in_create(bool decode)
{
    struct nat_audio_in *a = g_new0(struct nat_audio_in, 1);
    int error = OPUS_OK;
    a->decoder = decode ? opus_decoder_create(RATE, 1, &error) : NULL;
    if (error != OPUS_OK) {
        g_error("libopus: %s", opus_strerror(error));
    }
    return a;
}

void nat_audio_in_destroy(struct nat_audio_in *a)
{
    if (a && a->decoder) {
        opus_decoder_destroy(a->decoder);
    }
    g_free(a);
}

/* The pitch of a sine is half the number of its changes of sign. */
static void listen(struct nat_audio_in *a, const uint8_t *frame, size_t len)
{
    opus_int16 pcm[SAMPLES_MAX];
    int n = opus_decode(a->decoder, frame, (opus_int32)len, pcm, SAMPLES_MAX, 0);
    a->wrong += n < 0;
    a->decoded += n > 0;
    for (int i = 0; i < n; i++) {
        a->crossings += (pcm[i] > 0) != a->positive;
        a->positive = pcm[i] > 0;
    }
    a->samples += (uint64_t)MAX(n, 0);
}

static void on_primary(struct nat_audio_in *a, uint64_t seq, uint32_t ts, const uint8_t *frame,
                       size_t len)
{
    bool right = opus_packet_get_nb_samples(frame, (opus_int32)len, RATE) == SAMPLES;
    a->primary += right;
    a->wrong += !right;
    if (a->decoder) {
        listen(a, frame, len);
    }
    a->last_seq = seq;
    a->last_ts = ts;
    a->last_len = len <= sizeof a->last ? len : 0;
    memcpy(a->last, frame, a->last_len);
}

/* Can be told where the packet before came, too. */
static void on_redundant(struct nat_audio_in *a, uint64_t seq, uint32_t ts,
                         const struct nat_red_block *block)
{
    if (a->last_len == 0 || seq != a->last_seq + 1) {
        return;
    }
    bool right = block->back == ts - a->last_ts && block->len == a->last_len &&
                 memcmp(block->data, a->last, block->len) == 0;
    a->redundant += right;
    a->wrong += !right;
}

static void on_red(struct nat_audio_in *a, uint64_t seq, uint32_t ts, const uint8_t *payload,
                   size_t len)
{
    struct nat_red_block blocks[NAT_RED_BLOCKS];
    unsigned count = nat_red_read(payload, len, blocks);
    a->red++;
    for (unsigned i = 0; i < count; i++) {
        if (blocks[i].pt != NAT_PT_OPUS) {
            count = 0;
        }
    }
    if (count == 0) {
        a->wrong++;
        return;
    }
    if (count > 1) {
        on_redundant(a, seq, ts, &blocks[count - 2]);
    }
    on_primary(a, seq, ts, blocks[count - 1].data, blocks[count - 1].len);
}

void nat_audio_in_packet(struct nat_audio_in *a, uint8_t pt, uint64_t seq, uint32_t ts,
                         const uint8_t *payload, size_t len)
{
    if (pt == NAT_PT_RED) {
        on_red(a, seq, ts, payload, len);
    } else if (pt == NAT_PT_OPUS && len <= 3) {
        a->silence++;
        a->last_len = 0;
    } else if (pt == NAT_PT_OPUS) {
        a->plain++;
        on_primary(a, seq, ts, payload, len);
    } else {
        a->wrong++;
    }
}

void nat_audio_in_stats(const struct nat_audio_in *a, json_t *stats)
{
    json_object_set_new(stats, "audio",
                        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "red", (json_int_t)a->red,
                                  "plain", (json_int_t)a->plain, "primary", (json_int_t)a->primary,
                                  "redundant", (json_int_t)a->redundant, "silence",
                                  (json_int_t)a->silence, "wrong", (json_int_t)a->wrong));
    if (a->decoder) {
        double hz = a->samples ? (double)a->crossings * RATE / 2 / (double)a->samples : 0;
        json_object_set_new(stats, "tone",
                            json_pack("{s:I, s:f}", "decoded", (json_int_t)a->decoded, "hz", hz));
    }
}
