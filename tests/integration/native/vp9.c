#include "tests/integration/native/vp9.h"

enum { I = 0x80, P = 0x40, L = 0x20, F = 0x10, B = 0x08, E = 0x04, V = 0x02, Z = 0x01 };
enum { SS_Y = 0x10, SS_G = 0x08, REFS_MAX = 3 };

static size_t put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return 2;
}

/* All sizes, and a group of one picture that refers to the one before it. */
static size_t write_structure(const struct nat_vp9_desc *desc, uint8_t *p)
{
    size_t n = 0;
    p[n++] = (NAT_VP9_LAYERS - 1) << 5 | SS_Y | SS_G;
    for (unsigned i = 0; i < NAT_VP9_LAYERS; i++) {
        n += put16(p + n, desc->width >> (NAT_VP9_LAYERS - 1 - i));
        n += put16(p + n, desc->height >> (NAT_VP9_LAYERS - 1 - i));
    }
    p[n++] = 1;      /* N_G */
    p[n++] = 1 << 2; /* one reference */
    p[n++] = 1;      /* P_DIFF */
    return n;
}

size_t nat_vp9_write(const struct nat_vp9_desc *desc, uint8_t out[NAT_VP9_DESC_MAX])
{
    size_t n = 1;
    out[0] =
        (uint8_t)(I | L | (desc->inter_picture ? P : 0) | (desc->start ? B : 0) |
                  (desc->end ? E : 0) | (desc->structure ? V : 0) | (desc->not_ref_up ? Z : 0));
    n += put16(out + n, 0x8000u | desc->picture_id);
    out[n++] = (uint8_t)(desc->tid << 5 | desc->sid << 1 | (desc->inter_layer ? 1 : 0));
    out[n++] = desc->tl0;
    return n + (desc->structure ? write_structure(desc, out + n) : 0);
}

struct reader {
    const uint8_t *p;
    size_t len, at;
    bool over;
};

static unsigned take(struct reader *r)
{
    if (r->at >= r->len) {
        r->over = true;
        return 0;
    }
    return r->p[r->at++];
}

static void read_structure(struct reader *r, struct nat_vp9_desc *desc)
{
    unsigned head = take(r), layers = (head >> 5) + 1;
    for (unsigned i = 0; head & SS_Y && i < layers; i++) {
        desc->width = take(r) << 8;
        desc->width |= take(r);
        desc->height = take(r) << 8;
        desc->height |= take(r);
    }
    unsigned pictures = head & SS_G ? take(r) : 0;
    for (unsigned i = 0; i < pictures && !r->over; i++) {
        for (unsigned refs = take(r) >> 2 & 3; refs > 0; refs--) {
            take(r);
        }
    }
}

size_t nat_vp9_read(const uint8_t *payload, size_t len, struct nat_vp9_desc *ret_desc)
{
    struct reader r = {.p = payload, .len = len};
    unsigned head = take(&r), id = head & I ? take(&r) << 8 : 0;
    if (!(head & L) || !(id & 0x8000)) {
        return 0;
    }
    id |= take(&r);
    unsigned layers = take(&r);
    *ret_desc = (struct nat_vp9_desc){
        .inter_picture = head & P,
        .inter_layer = layers & 1,
        .not_ref_up = head & Z,
        .start = head & B,
        .end = head & E,
        .structure = head & V,
        .sid = layers >> 1 & 7,
        .tid = (uint8_t)(layers >> 5),
        .picture_id = id & 0x7fff,
    };
    if (!(head & F)) {
        ret_desc->tl0 = (uint8_t)take(&r);
    } else if (head & P) {
        for (unsigned i = 0; take(&r) & 1; i++) {
            if (i + 1 == REFS_MAX) {
                return 0;
            }
        }
    }
    if (head & V) {
        read_structure(&r, ret_desc);
    }
    return r.over || r.at >= len ? 0 : r.at;
}
