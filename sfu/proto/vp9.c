#include "sfu/proto/vp9.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bytes.h"

enum {
    HEAD_I = 0x80,
    HEAD_P = 0x40,
    HEAD_L = 0x20,
    HEAD_F = 0x10,
    HEAD_B = 0x08,
    HEAD_E = 0x04,
    HEAD_V = 0x02,
    HEAD_Z = 0x01,
};
enum { SS_Y = 0x10, SS_G = 0x08, MAX_REFS = 3 };

struct cursor {
    const uint8_t *p;
    size_t len, at;
    bool over;
};

static uint8_t take(struct cursor *c)
{
    if (c->at >= c->len) {
        c->over = true;
        return 0;
    }
    return c->p[c->at++];
}

static uint16_t take16(struct cursor *c)
{
    uint8_t high = take(c);
    return (uint16_t)(high << 8 | take(c));
}

static void read_picture_id(struct cursor *c, struct sfu_vp9_desc *desc)
{
    desc->picture_id_at = (uint8_t)c->at;
    uint8_t first = take(c);
    desc->picture_id_15 = first & 0x80;
    desc->picture_id = first & 0x7f;
    if (desc->picture_id_15) {
        desc->picture_id = (uint16_t)(desc->picture_id << 8 | take(c));
    }
}

static void read_layers(struct cursor *c, struct sfu_vp9_desc *desc)
{
    uint8_t layers = take(c);
    desc->tid = layers >> 5;
    desc->switch_up = layers & 0x10;
    desc->sid = layers >> 1 & 7;
    desc->inter_layer = layers & 1;
    if (!desc->flexible) {
        desc->has_tl0picidx = true;
        desc->tl0picidx_at = (uint8_t)c->at;
        desc->tl0picidx = take(c);
    }
}

/* False: more references than there may be. */
static bool skip_references(struct cursor *c)
{
    for (unsigned i = 0; i < MAX_REFS; i++) {
        if (!(take(c) & 1)) {
            return true;
        }
    }
    return false;
}

static void read_structure(struct cursor *c, struct sfu_vp9_desc *desc)
{
    uint8_t head = take(c);
    desc->spatial_count = (uint8_t)((head >> 5) + 1);
    desc->has_sizes = head & SS_Y;
    for (unsigned i = 0; desc->has_sizes && i < desc->spatial_count; i++) {
        desc->width[i] = take16(c);
        desc->height[i] = take16(c);
    }
    unsigned pictures = head & SS_G ? take(c) : 0;
    for (unsigned i = 0; i < pictures && !c->over; i++) {
        unsigned refs = take(c) >> 2 & 3;
        for (unsigned k = 0; k < refs; k++) {
            take(c);
        }
    }
}

int sfu_vp9_parse(const uint8_t *payload, size_t len, struct sfu_vp9_desc *ret_desc)
{
    struct cursor c = {.p = payload, .len = len};
    uint8_t head = take(&c);
    struct sfu_vp9_desc desc = {
        .inter_picture = head & HEAD_P,
        .start = head & HEAD_B,
        .end = head & HEAD_E,
        .not_ref_up = head & HEAD_Z,
        .flexible = head & HEAD_F,
        .has_picture_id = head & HEAD_I,
        .has_layers = head & HEAD_L,
        .has_structure = head & HEAD_V,
    };
    if (desc.has_picture_id) {
        read_picture_id(&c, &desc);
    }
    if (desc.has_layers) {
        read_layers(&c, &desc);
    }
    if (desc.flexible && desc.inter_picture && !skip_references(&c)) {
        return -EBADMSG;
    }
    if (desc.has_structure) {
        read_structure(&c, &desc);
    }
    if (c.over || c.at >= len) {
        return -EBADMSG;
    }
    desc.len = (uint16_t)c.at;
    *ret_desc = desc;
    return 0;
}

bool sfu_vp9_is_keyframe(const struct sfu_vp9_desc *desc)
{
    return desc->start && !desc->inter_picture && desc->sid == 0;
}

size_t sfu_vp9_rewrite(const struct sfu_vp9_desc *desc, const uint8_t *payload, uint16_t picture_id,
                       uint8_t tl0picidx, uint8_t *ret_head)
{
    size_t len = 0;
    if (desc->has_picture_id) {
        len = (size_t)desc->picture_id_at + (desc->picture_id_15 ? 2 : 1);
    }
    if (desc->has_tl0picidx) {
        len = (size_t)desc->tl0picidx_at + 1;
    }
    memcpy(ret_head, payload, len);
    if (desc->has_picture_id && desc->picture_id_15) {
        sfu_be16_put(ret_head + desc->picture_id_at, (uint16_t)(0x8000 | picture_id));
    } else if (desc->has_picture_id) {
        ret_head[desc->picture_id_at] = picture_id & 0x7f;
    }
    if (desc->has_tl0picidx) {
        ret_head[desc->tl0picidx_at] = tl0picidx;
    }
    return len;
}
