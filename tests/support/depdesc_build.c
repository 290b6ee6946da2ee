#include "tests/support/depdesc_build.h"

#include <string.h>

#include "sfu/proto/bits.h"

#define SHAPE(rows) .templates = (rows), .count = sizeof(rows) / sizeof((rows)[0])

static const struct depdesc_template l1t3[] = {
    {0, 0, "SSS", "", "0"},  {0, 0, "SSS", "4", "4"}, {0, 1, "-DR", "2", "2"},
    {0, 2, "--D", "1", "1"}, {0, 2, "--D", "1", "3"},
};
const struct depdesc_shape depdesc_l1t3 = {SHAPE(l1t3), .protected_by = "000", .chains = 1,
                                           .width = {640}, .height = {360}};

/* Targets: S0T0, S0T1, S1T0, S1T1. */
static const struct depdesc_template l2t2_key[] = {
    {0, 0, "SSSS", "", "00"},  {0, 0, "SS--", "4", "43"}, {0, 1, "-D--", "2", "21"},
    {1, 0, "--SS", "1", "11"}, {1, 0, "--SS", "4", "14"}, {1, 1, "---D", "2", "32"},
};
const struct depdesc_shape depdesc_l2t2_key = {SHAPE(l2t2_key), .protected_by = "0011", .chains = 2,
                                               .width = {320, 640}, .height = {180, 360}};

static const struct depdesc_template l2t2[] = {
    {0, 0, "SSSS", "", "00"},  {0, 0, "SSRR", "4", "43"},  {0, 1, "-D-R", "2", "21"},
    {1, 0, "--SS", "1", "11"}, {1, 0, "--SS", "41", "11"}, {1, 1, "---D", "21", "32"},
};
const struct depdesc_shape depdesc_l2t2 = {SHAPE(l2t2), .protected_by = "0011", .chains = 2,
                                           .width = {320, 640}, .height = {180, 360}};

static uint32_t digit(char c)
{
    return (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static uint32_t dti(char c)
{
    return (uint32_t)(strchr("-DSR", c) - "-DSR");
}

static void put_ns(struct sfu_bits_out *b, uint32_t v, uint32_t n)
{
    unsigned width = 0;
    for (uint32_t x = n; x != 0; x >>= 1) {
        width++;
    }
    uint32_t m = (1u << width) - n;
    if (v < m) {
        sfu_bits_put(b, v, width - 1);
    } else {
        sfu_bits_put(b, (v + m) >> 1, width - 1);
        sfu_bits_put(b, (v + m) & 1, 1);
    }
}

static void put_layers(struct sfu_bits_out *b, const struct depdesc_shape *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        const struct depdesc_template *t = &s->templates[i], *next = t + 1;
        unsigned step = 3;
        if (i + 1 < s->count) {
            step = next->spatial != t->spatial ? 2 : next->temporal != t->temporal;
        }
        sfu_bits_put(b, step, 2);
    }
}

static void put_templates(struct sfu_bits_out *b, const struct depdesc_shape *s)
{
    for (unsigned i = 0; i < s->count; i++) {
        for (const char *c = s->templates[i].dtis; *c; c++) {
            sfu_bits_put(b, dti(*c), 2);
        }
    }
    for (unsigned i = 0; i < s->count; i++) {
        for (const char *c = s->templates[i].fdiffs; *c; c++) {
            sfu_bits_put(b, 1, 1);
            sfu_bits_put(b, digit(*c) - 1, 4);
        }
        sfu_bits_put(b, 0, 1);
    }
}

static void put_chains(struct sfu_bits_out *b, const struct depdesc_shape *s, unsigned targets)
{
    put_ns(b, s->chains, targets + 1);
    for (unsigned i = 0; s->chains > 0 && i < targets; i++) {
        put_ns(b, digit(s->protected_by[i]), s->chains);
    }
    for (unsigned i = 0; i < s->count; i++) {
        for (unsigned k = 0; k < s->chains; k++) {
            sfu_bits_put(b, digit(s->templates[i].chains[k]), 4);
        }
    }
}

static void put_structure(struct sfu_bits_out *b, const struct depdesc_shape *s, unsigned offset)
{
    unsigned targets = (unsigned)strlen(s->templates[0].dtis);
    sfu_bits_put(b, offset, 6);
    sfu_bits_put(b, targets - 1, 5);
    put_layers(b, s);
    put_templates(b, s);
    put_chains(b, s, targets);
    sfu_bits_put(b, s->width[0] > 0, 1);
    for (unsigned i = 0; s->width[0] > 0 && i <= s->templates[s->count - 1].spatial; i++) {
        sfu_bits_put(b, s->width[i] - 1u, 16);
        sfu_bits_put(b, s->height[i] - 1u, 16);
    }
}

size_t depdesc_build(const struct depdesc_shape *shape, unsigned offset,
                     const struct depdesc_frame *f, uint8_t buf[255])
{
    struct sfu_bits_out b = {.data = buf, .end = 255 * 8};
    memset(buf, 0, 255);
    sfu_bits_put(&b, f->start, 1);
    sfu_bits_put(&b, f->end, 1);
    sfu_bits_put(&b, (f->template_index + offset) % 64, 6);
    sfu_bits_put(&b, f->number, 16);
    if (!f->structure && f->active < 0 && !f->dtis && !f->chains) {
        return 3;
    }
    sfu_bits_put(&b, f->structure, 1);
    sfu_bits_put(&b, f->active >= 0, 1);
    sfu_bits_put(&b, f->dtis != NULL, 1);
    sfu_bits_put(&b, 0, 1);
    sfu_bits_put(&b, f->chains != NULL, 1);
    if (f->structure) {
        put_structure(&b, shape, offset);
    }
    if (f->active >= 0) {
        sfu_bits_put(&b, (uint32_t)f->active, (unsigned)strlen(shape->templates[0].dtis));
    }
    for (const char *c = f->dtis; c && *c; c++) {
        sfu_bits_put(&b, dti(*c), 2);
    }
    for (const char *c = f->chains; c && *c; c++) {
        sfu_bits_put(&b, digit(*c), 8);
    }
    return (b.at + 7) / 8;
}
