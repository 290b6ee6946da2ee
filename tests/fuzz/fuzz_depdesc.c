/*
 * Dependency descriptors of one stream, read, rewritten and used to choose layers.  Input, for each
 * packet: length (1), descriptor, wish (1: spatial, temporal, two bits each; active targets are the
 * wish too).
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/media/descriptor.h"
#include "sfu/media/layerpick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* A rewritten descriptor says the same, but for the number and the targets. */
static void check_rewrite(const struct sfu_depdesc_structure *s, const struct sfu_depdesc *d,
                          const uint8_t *data, bool say, uint32_t active)
{
    uint8_t buf[UINT8_MAX];
    struct sfu_depdesc_structure again_s = *s;
    struct sfu_depdesc again;
    size_t len = sfu_depdesc_rewrite(&d->cut, data, 0x1234, say, active, buf, sizeof buf);
    if (len == 0) {
        return;
    }
    must(sfu_depdesc_parse(buf, len, s, &again_s, &again) == 0);
    must(again.cut.frame_number == 0x1234 && again.template_id == d->template_id);
    must(again.cut.has_structure == d->cut.has_structure);
    must(memcmp(&again.frame, &d->frame, sizeof d->frame) == 0);
    must(memcmp(&again_s, s, sizeof again_s) == 0);
    must(say || again.cut.active == d->cut.active);
}

static void on_packet(struct sfu_descriptor *reader, struct sfu_layerpick *pick,
                      struct sfu_depdesc_structure *s, bool *known, const uint8_t *data,
                      uint8_t len, uint8_t wish, uint32_t ts)
{
    struct sfu_depdesc d;
    struct sfu_packet p = {.ts = ts,
                           .payload_len = 9,
                           .marker = wish & 0x80,
                           .descriptor = data,
                           .descriptor_len = len};
    if (sfu_depdesc_parse(data, len, *known ? s : NULL, s, &d) == 0) {
        *known = *known || d.cut.has_structure;
        must(d.cut.rest_end <= 8u * len && d.cut.active_at <= d.cut.rest_at);
        must(d.cut.rest_at <= d.cut.rest_end);
        check_rewrite(s, &d, data, wish & 0x40, wish);
    }
    if (!sfu_descriptor_read(reader, &p)) {
        return;
    }
    sfu_layerpick_want(pick, wish & 3, wish >> 2 & 3);
    if (sfu_layerpick_takes(pick, &p, p.ts)) {
        (void)sfu_layerpick_ends(pick, &p, p.ts);
    }
    uint32_t active = sfu_layerpick_active(pick, &p, p.ts);
    must((active & ~(uint32_t)p.layers.active) == 0);
    must((active != 0) == (p.layers.active != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sfu_layerpick pick;
    struct sfu_depdesc_structure s = {0};
    struct sfu_descriptor *reader;
    bool known = false;
    uint32_t ts = 0;
    sfu_layerpick_init(&pick);
    must(sfu_descriptor_create(&reader) == 0);
    while (size >= 2) {
        uint8_t len = data[0];
        if (len > size - 2) {
            break;
        }
        on_packet(reader, &pick, &s, &known, data + 1, len, data[1 + len], ts);
        ts += data[1 + len] & 0x20 ? 3000 : 0;
        data += len + 2;
        size -= len + 2u;
    }
    sfu_descriptor_destroy(reader);
    return 0;
}
