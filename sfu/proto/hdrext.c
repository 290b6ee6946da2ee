#include "sfu/proto/hdrext.h"

#include <errno.h>
#include <string.h>

static const char *const uris[SFU_HDREXT_KINDS] = {[SFU_HDREXT_NONE] = "",
#define X(name, uri) [SFU_HDREXT_##name] = uri,
                                                   SFU_HDREXT_TABLE(X)
#undef X
};

enum sfu_hdrext_kind sfu_hdrext_by_uri(const char *uri, size_t len)
{
    for (int k = SFU_HDREXT_NONE + 1; k < SFU_HDREXT_KINDS; k++) {
        if (strlen(uris[k]) == len && memcmp(uris[k], uri, len) == 0) {
            return (enum sfu_hdrext_kind)k;
        }
    }
    return SFU_HDREXT_NONE;
}

const char *sfu_hdrext_uri(enum sfu_hdrext_kind kind)
{
    return (unsigned)kind < SFU_HDREXT_KINDS ? uris[kind] : "";
}

void sfu_hdrext_map_init(struct sfu_hdrext_map *map)
{
    memset(map, 0, sizeof *map);
}

int sfu_hdrext_map_set(struct sfu_hdrext_map *map, unsigned id, enum sfu_hdrext_kind kind)
{
    if (id == 0 || id > 255 || kind == SFU_HDREXT_NONE || (unsigned)kind >= SFU_HDREXT_KINDS) {
        return -EINVAL;
    }
    if (map->id_of[kind] == id) {
        return 0;
    }
    if (map->id_of[kind] != 0 || memchr(map->id_of, (int)id, sizeof map->id_of)) {
        return -EEXIST;
    }
    map->id_of[kind] = (uint8_t)id;
    return 0;
}

void sfu_hdrext_kinds(const struct sfu_hdrext_map *map, struct sfu_hdrext_kinds *ret_kinds)
{
    memset(ret_kinds, SFU_HDREXT_NONE, sizeof *ret_kinds);
    for (unsigned kind = SFU_HDREXT_NONE + 1; kind < SFU_HDREXT_KINDS; kind++) {
        if (map->id_of[kind] != 0) {
            ret_kinds->of[map->id_of[kind]] = (uint8_t)kind;
        }
    }
}

void sfu_hdrext_first(const struct sfu_rtp_packet *packet, struct sfu_hdrext_iter *ret_iter)
{
    *ret_iter = (struct sfu_hdrext_iter){0};
    bool two_byte = (packet->ext_profile & 0xfff0) == SFU_RTP_EXT_TWO_BYTE;
    if (packet->ext && (two_byte || packet->ext_profile == SFU_RTP_EXT_ONE_BYTE)) {
        ret_iter->p = packet->ext;
        ret_iter->end = packet->ext + packet->ext_len;
        ret_iter->two_byte = two_byte;
    }
}

int sfu_hdrext_next(struct sfu_hdrext_iter *iter, struct sfu_hdrext_element *ret_element)
{
    while (iter->p < iter->end && *iter->p == 0) {
        iter->p++; /* padding, in both forms */
    }
    if (iter->p == iter->end) {
        return 0;
    }
    size_t left = (size_t)(iter->end - iter->p);
    size_t head = iter->two_byte ? 2 : 1;
    if (left < head) {
        return -EBADMSG;
    }
    uint8_t id = iter->p[0];
    uint8_t len;
    if (iter->two_byte) {
        len = iter->p[1];
    } else {
        len = (uint8_t)((id & 0x0f) + 1);
        id >>= 4;
        if (id == 0 || id == 15) {
            /* id 0 with a length, or the reserved 15: reading ends here (RFC 8285, 4.2) */
            iter->p = iter->end;
            return 0;
        }
    }
    if (left - head < len) {
        return -EBADMSG;
    }
    ret_element->id = id;
    ret_element->len = len;
    ret_element->data = iter->p + head;
    iter->p += head + len;
    return 1;
}
