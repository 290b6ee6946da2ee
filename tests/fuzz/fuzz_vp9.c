/* VP9 payload descriptor and its rewriting.  Input: picture id (2), TL0PICIDX (1), payload. */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/bytes.h"
#include "sfu/proto/vp9.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check_rewrite(const struct sfu_vp9_desc *desc, const uint8_t *payload, size_t len,
                          uint16_t id, uint8_t tl0)
{
    uint8_t head[SFU_VP9_HEAD_MAX], *copy = malloc(len);
    struct sfu_vp9_desc again;
    must(copy != NULL);
    size_t n = sfu_vp9_rewrite(desc, payload, id, tl0, head);
    must(n <= SFU_VP9_HEAD_MAX && n <= desc->len);
    memcpy(copy, payload, len);
    memcpy(copy, head, n);
    must(sfu_vp9_parse(copy, len, &again) == 0);
    must(again.len == desc->len && again.sid == desc->sid && again.tid == desc->tid);
    must(again.start == desc->start && again.end == desc->end);
    must(!desc->has_picture_id || again.picture_id == (id & (desc->picture_id_15 ? 0x7fff : 0x7f)));
    must(!desc->has_tl0picidx || again.tl0picidx == tl0);
    must(sfu_vp9_is_keyframe(&again) == sfu_vp9_is_keyframe(desc));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sfu_vp9_desc desc;
    if (size < 3 || sfu_vp9_parse(data + 3, size - 3, &desc) < 0) {
        return 0;
    }
    must(desc.len < size - 3 && desc.picture_id_at < desc.len && desc.tl0picidx_at < desc.len);
    must(desc.spatial_count <= SFU_VP9_SPATIAL && desc.has_structure == (desc.spatial_count > 0));
    check_rewrite(&desc, data + 3, size - 3, sfu_be16_get(data), data[2]);
    return 0;
}
