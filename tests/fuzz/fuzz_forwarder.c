/*
 * A slot's life from bytes, eight to a step.  Whatever sources send and whatever is switched: an
 * outgoing number stands for one packet, and a packet sent again has the numbers of the first time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "sfu/media/forwarder.h"
#include "sfu/media/seqmap.h"
#include "sfu/proto/seq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 8, SOURCES = 4 };
enum { KEY = 1, PADDING = 2, LATE = 4, LEAP = 8 }; /* flags of a packet */

struct slot {
    struct sfu_forwarder *fwd;
    int64_t now_us;
    bool any;
    uint16_t high; /* newest outgoing number */
    uint16_t seq[SOURCES + 1];
    struct {
        uint64_t source; /* 0: nothing was sent under this number */
        uint16_t seq;
    } sent[65536];
};

static struct slot slot;

static void check(bool ok)
{
    if (!ok) {
        abort();
    }
}

/* A new highest number: not far ahead, and nothing is known yet of those between. */
static void note_number(uint16_t out)
{
    check(!slot.any ? out == 1000 : (uint16_t)(out - slot.high) <= 2 * SFU_SEQMAP_WINDOW);
    for (uint16_t s = slot.any ? (uint16_t)(slot.high + 1) : out; s != out; s++) {
        slot.sent[s].source = 0;
    }
    slot.high = out;
    slot.any = true;
}

static void note_sent(uint64_t source, const struct sfu_packet *packet,
                      const struct sfu_forward_out *out)
{
    if (!slot.any || sfu_seq_newer(out->seq, slot.high)) {
        note_number(out->seq);
    } else {
        bool free_or_same =
            slot.sent[out->seq].source == 0 ||
            (slot.sent[out->seq].source == source && slot.sent[out->seq].seq == packet->seq);
        check((uint16_t)(slot.high - out->seq) < SFU_SEQMAP_WINDOW && free_or_same);
    }
    slot.sent[out->seq].source = source;
    slot.sent[out->seq].seq = packet->seq;
}

static void check_again(uint64_t source, const struct sfu_packet *packet,
                        const struct sfu_forward_out *first)
{
    struct sfu_forward_origin origin;
    struct sfu_forward_out again;

    check(sfu_forwarder_origin(slot.fwd, first->seq, &origin) == 0);
    check(origin.source == source && origin.seq == packet->seq);
    enum sfu_forward v = sfu_forwarder_again(slot.fwd, &origin, packet, &again);
    check(v == (packet->payload_len ? SFU_FORWARD_SEND : SFU_FORWARD_FILL));
    check(again.seq == first->seq && again.ts == first->ts);
    check(again.ids.picture_id == first->ids.picture_id);
    check(again.ids.tl0picidx == first->ids.tl0picidx);
}

static void step_packet(uint64_t source, const uint8_t *b, bool still)
{
    uint8_t flags = b[1];
    static const uint8_t body[1];
    struct sfu_packet packet = {
        .payload = body,
        .payload_len = flags & PADDING ? 0 : 1,
        .ts = (uint32_t)b[2] << 24 | (uint32_t)b[3] << 8,
        .clock_rate = 90000,
        .frame = {.start = true,
                  .keyframe = flags & KEY,
                  .has_picture_id = true,
                  .picture_id_15 = flags & 0x80,
                  .has_tl0picidx = true,
                  .picture_id = (uint16_t)(b[4] * 7),
                  .tl0picidx = b[4]},
    };
    struct sfu_forward_out out;

    if (flags & LEAP) {
        slot.seq[source] = (uint16_t)(slot.seq[source] + b[5] * 256);
    }
    packet.seq = flags & LATE ? (uint16_t)(slot.seq[source] - b[5]) : ++slot.seq[source];
    enum sfu_forward v =
        still ? sfu_forwarder_on_still(slot.fwd, source, &packet, slot.now_us, &out)
              : sfu_forwarder_on_packet(slot.fwd, source, &packet, slot.now_us, &out);
    check(v < SFU_FORWARDS);
    if (v == SFU_FORWARD_SEND || v == SFU_FORWARD_FILL) {
        check((v == SFU_FORWARD_FILL) == (packet.payload_len == 0));
        note_sent(source, &packet, &out);
        check_again(source, &packet, &out);
    }
}

static void step(const uint8_t *b)
{
    uint64_t source = 1 + b[0] % SOURCES;
    struct sfu_forward_origin origin;
    struct sfu_forward_out out;

    slot.now_us += b[6] * 1000;
    switch (b[0] / SOURCES % 8) {
    case 0:
        sfu_forwarder_set_source(slot.fwd, source, b[1] & 1 ? SFU_SWITCH_CUT : SFU_SWITCH_HOLD);
        break;
    case 1:
        if (b[1] == 0) {
            sfu_forwarder_set_source(slot.fwd, 0, SFU_SWITCH_CUT);
        }
        break;
    case 2:
        sfu_forwarder_on_own(slot.fwd, b[1], 90000, slot.now_us, &out);
        note_number(out.seq);
        slot.sent[out.seq].source = UINT64_MAX;
        check(sfu_forwarder_origin(slot.fwd, out.seq, &origin) < 0);
        break;
    case 3:
        step_packet(source, b, true);
        break;
    default:
        step_packet(source, b, false);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sfu_forwarder_conf conf = {
        .video = size % 2 == 0, .first_seq = 1000, .first_ts = UINT32_MAX - 9};

    slot = (struct slot){0};
    check(sfu_forwarder_create(&conf, &slot.fwd) == 0);
    for (; size >= STEP; data += STEP, size -= STEP) {
        step(data);
    }
    sfu_forwarder_destroy(slot.fwd);
    return 0;
}
