/*
 * VP8 payload descriptor, its rewriting, key-frame header.  Input: picture id (2), TL0PICIDX (1),
 * payload.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_rewrite(const struct sfu_vp8_desc *desc, const uint8_t *payload, size_t size,
                          uint16_t id, uint8_t tl0)
{
    uint8_t copy[SFU_VP8_DESC_MAX + 1];
    struct sfu_vp8_desc again;
    must(desc->len <= SFU_VP8_DESC_MAX);
    memcpy(copy, payload, desc->len + 1u);
    size_t len = sfu_vp8_rewrite(payload, size, id, tl0, copy);
    must(len == (desc->has_picture_id || desc->has_tl0picidx ? desc->len : 0));
    copy[desc->len] = payload[desc->len];
    must(sfu_vp8_parse(copy, desc->len + 1u, &again) == 0);
    must(again.len == desc->len && again.start == desc->start && again.tid == desc->tid);
    must(again.picture_id_15 == desc->picture_id_15 && again.keyidx == desc->keyidx);
    must(again.has_picture_id == desc->has_picture_id);
    must(!desc->has_picture_id || again.picture_id == (id & (desc->picture_id_15 ? 0x7fff : 0x7f)));
    must(!desc->has_tl0picidx || again.tl0picidx == tl0);
    must(sfu_vp8_is_keyframe(&again, copy) == sfu_vp8_is_keyframe(desc, payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_vp8_desc desc;
    uint16_t w;
    uint16_t h;
    if (size < 3 || sfu_vp8_parse(data + 3, size - 3, &desc) < 0) {
        return 0;
    }
    must(desc.len < size - 3 && desc.picture_id_at < desc.len && desc.tl0picidx_at < desc.len);
    if (sfu_vp8_size(&desc, data + 3, size - 3, &w, &h) == 0) {
        must(sfu_vp8_is_keyframe(&desc, data + 3) && w <= 0x3fff && h <= 0x3fff);
    }
    check_rewrite(&desc, data + 3, size - 3, sfu_be16_get(data), data[2]);
    return 0;
}
