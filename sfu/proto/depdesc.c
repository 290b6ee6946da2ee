#include "sfu/proto/depdesc.h"

#include <errno.h>
#include <string.h>

#include "sfu/proto/bits.h"
#include "sfu/proto/bytes.h"

enum { NEXT_SAME, NEXT_TEMPORAL, NEXT_SPATIAL, NEXT_NONE };

/* ns(n) of the AV1 bitstream, 4.10.7 */
static uint32_t get_ns(struct sfu_bits *b, uint32_t n)
{
    unsigned width = 0;
    for (uint32_t x = n; x != 0; x >>= 1) {
        width++;
    }
    uint32_t m = (1u << width) - n, v = sfu_bits_get(b, width - 1);
    return v < m ? v : (v << 1) - m + sfu_bits_get(b, 1);
}

static uint64_t get_dtis(struct sfu_bits *b, unsigned targets)
{
    uint64_t dtis = 0;
    for (unsigned i = 0; i < targets; i++) {
        dtis |= (uint64_t)sfu_bits_get(b, 2) << (2 * i);
    }
    return dtis;
}

/* False: more templates or layers than there may be. */
static bool read_layers(struct sfu_bits *b, struct sfu_depdesc_structure *s)
{
    unsigned spatial = 0, temporal = 0, next;
    do {
        if (s->template_count == SFU_DEPDESC_TEMPLATES || spatial >= SFU_DEPDESC_SPATIAL ||
            temporal >= SFU_DEPDESC_TEMPORAL || b->over) {
            return false;
        }
        s->templates[s->template_count++] = (struct sfu_depdesc_template){
            .spatial = (uint8_t)spatial, .temporal = (uint8_t)temporal};
        next = sfu_bits_get(b, 2);
        temporal = next == NEXT_SPATIAL ? 0 : temporal + (next == NEXT_TEMPORAL);
        spatial += next == NEXT_SPATIAL;
    } while (next != NEXT_NONE);
    s->spatial_count = (uint8_t)(spatial + 1);
    return true;
}

static void read_chains(struct sfu_bits *b, struct sfu_depdesc_structure *s)
{
    s->chain_count = (uint8_t)get_ns(b, s->target_count + 1u);
    for (unsigned i = 0; s->chain_count > 0 && i < s->target_count; i++) {
        s->protected_by[i] = (uint8_t)get_ns(b, s->chain_count);
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        for (unsigned k = 0; k < s->chain_count; k++) {
            s->templates[i].chain_diffs[k] = (uint8_t)sfu_bits_get(b, 4);
        }
    }
}

/* A target reaches as far as the frames that it has. */
static void find_target_layers(struct sfu_depdesc_structure *s)
{
    for (unsigned i = 0; i < s->template_count; i++) {
        const struct sfu_depdesc_template *t = &s->templates[i];
        for (unsigned k = 0; k < s->target_count; k++) {
            if (sfu_dti_of(t->dtis, k) == SFU_DTI_NOT_PRESENT) {
                continue;
            }
            if (t->spatial > s->target_spatial[k]) {
                s->target_spatial[k] = t->spatial;
            }
            if (t->temporal > s->target_temporal[k]) {
                s->target_temporal[k] = t->temporal;
            }
        }
    }
}

/* The largest size is below 65536 in all that we forward. */
static void read_sizes(struct sfu_bits *b, struct sfu_depdesc_structure *s)
{
    s->has_sizes = sfu_bits_flag(b);
    for (unsigned i = 0; s->has_sizes && i < s->spatial_count; i++) {
        s->width[i] = (uint16_t)(sfu_bits_get(b, 16) + 1);
        s->height[i] = (uint16_t)(sfu_bits_get(b, 16) + 1);
    }
}

static bool read_structure(struct sfu_bits *b, struct sfu_depdesc_structure *ret)
{
    struct sfu_depdesc_structure *s = ret;
    memset(s, 0, sizeof *s);
    s->template_id_offset = (uint8_t)sfu_bits_get(b, 6);
    s->target_count = (uint8_t)(sfu_bits_get(b, 5) + 1);
    if (!read_layers(b, s)) {
        return false;
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        s->templates[i].dtis = get_dtis(b, s->target_count);
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        while (sfu_bits_flag(b)) {
            (void)sfu_bits_get(b, 4);
        }
    }
    read_chains(b, s);
    find_target_layers(s);
    read_sizes(b, s);
    return !b->over;
}

enum { EXTENDED_AT = SFU_DEPDESC_LEN * 8, STRUCTURE_AT = EXTENDED_AT + 5 };

static void read_flags(struct sfu_bits *b, struct sfu_depdesc_cut *cut)
{
    cut->has_structure = sfu_bits_flag(b);
    cut->has_active = sfu_bits_flag(b);
    cut->custom_dtis = sfu_bits_flag(b);
    cut->custom_fdiffs = sfu_bits_flag(b);
    cut->custom_chains = sfu_bits_flag(b);
}

/* The exceptions from the template. */
static void read_definition(struct sfu_bits *b, const struct sfu_depdesc_structure *s,
                            struct sfu_depdesc *d)
{
    if (d->cut.custom_dtis) {
        d->frame.dtis = get_dtis(b, s->target_count);
    }
    if (d->cut.custom_fdiffs) {
        for (unsigned size; (size = sfu_bits_get(b, 2)) != 0;) {
            (void)sfu_bits_get(b, 4 * size);
        }
    }
    for (unsigned i = 0; d->cut.custom_chains && i < s->chain_count; i++) {
        d->frame.chain_diffs[i] = (uint8_t)sfu_bits_get(b, 8);
    }
}

static uint32_t all_targets(unsigned count)
{
    return count >= 32 ? UINT32_MAX : (1u << count) - 1;
}

/* What stands behind flags and structure. */
static int read_frame(struct sfu_bits *b, const struct sfu_depdesc_structure *s,
                      struct sfu_depdesc *d)
{
    unsigned index = (d->template_id + 64u - s->template_id_offset) % 64u;

    if (index >= s->template_count) {
        return d->cut.has_structure ? -EBADMSG : -ENOENT;
    }
    d->cut.targets = s->target_count;
    d->cut.active_at = (uint16_t)b->at;
    if (d->cut.has_structure) {
        d->cut.active = all_targets(s->target_count);
    }
    if (d->cut.has_active) {
        d->cut.active = sfu_bits_get(b, s->target_count);
    }
    d->cut.rest_at = (uint16_t)b->at;
    d->frame = s->templates[index];
    read_definition(b, s, d);
    d->cut.rest_end = (uint16_t)b->at;
    return b->over ? -EBADMSG : 0;
}

int sfu_depdesc_parse(const uint8_t *data, size_t len, const struct sfu_depdesc_structure *known,
                      struct sfu_depdesc_structure *ret_structure, struct sfu_depdesc *ret_desc)
{
    struct sfu_depdesc d = {0};
    struct sfu_depdesc_structure fresh;
    struct sfu_bits b = sfu_bits_init(data, len);

    d.start = sfu_bits_flag(&b);
    d.end = sfu_bits_flag(&b);
    d.template_id = (uint8_t)sfu_bits_get(&b, 6);
    d.cut.frame_number = (uint16_t)sfu_bits_get(&b, 16);
    if (len > SFU_DEPDESC_LEN) {
        read_flags(&b, &d.cut);
    }
    if (b.over || len > UINT8_MAX || (d.cut.has_structure && !read_structure(&b, &fresh))) {
        return -EBADMSG;
    }
    const struct sfu_depdesc_structure *s = d.cut.has_structure ? &fresh : known;
    int rc = s ? read_frame(&b, s, &d) : -ENOENT;
    if (rc < 0) {
        return rc;
    }
    if (d.cut.has_structure) {
        *ret_structure = fresh;
    }
    *ret_desc = d;
    return 0;
}

static void copy_bits(struct sfu_bits_out *out, const uint8_t *data, size_t from, size_t to)
{
    struct sfu_bits in = {.data = data, .at = from, .end = to};
    while (in.at < to) {
        unsigned n = to - in.at < 32 ? (unsigned)(to - in.at) : 32u;
        sfu_bits_put(out, sfu_bits_get(&in, n), n);
    }
}

size_t sfu_depdesc_rewrite(const struct sfu_depdesc_cut *cut, const uint8_t *data,
                           uint16_t frame_number, bool say, uint32_t active, uint8_t *buf,
                           size_t cap)
{
    bool tell = say || cut->has_active;
    struct sfu_bits_out out = {.data = buf, .at = EXTENDED_AT, .end = cap * 8};

    if (cap < SFU_DEPDESC_LEN) {
        return 0;
    }
    memset(buf, 0, cap);
    buf[0] = data[0];
    sfu_be16_put(buf + 1, frame_number);
    if (!cut->has_structure && !tell && !cut->custom_dtis && !cut->custom_fdiffs &&
        !cut->custom_chains) {
        return SFU_DEPDESC_LEN;
    }
    sfu_bits_put(&out, cut->has_structure, 1);
    sfu_bits_put(&out, tell, 1);
    sfu_bits_put(&out, cut->custom_dtis, 1);
    sfu_bits_put(&out, cut->custom_fdiffs, 1);
    sfu_bits_put(&out, cut->custom_chains, 1);
    if (cut->has_structure) {
        copy_bits(&out, data, STRUCTURE_AT, cut->active_at);
    }
    if (tell) {
        sfu_bits_put(&out, say ? active : cut->active, cut->targets);
    }
    copy_bits(&out, data, cut->rest_at, cut->rest_end);
    return out.over ? 0 : (out.at + 7) / 8;
}
