#include "sfu/proto/av1.h"

#include <errno.h>

#include "sfu/proto/bits.h"

enum { HEAD_Z = 0x80, HEAD_Y = 0x40, HEAD_N = 0x08 };
enum { OBU_SEQUENCE_HEADER = 1, OBU_EXTENSION = 0x04, OBU_HAS_SIZE = 0x02 };
enum { LEB128_BYTES = 8 };

/* False: no number. */
static bool leb128(const uint8_t **p, const uint8_t *end, size_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < LEB128_BYTES && *p < end; i++) {
        uint8_t byte = *(*p)++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *ret_value = value;
            return value <= UINT32_MAX;
        }
    }
    return false;
}

/* uvlc(), whose value does not matter. */
static void skip_uvlc(struct sfu_bits *b)
{
    unsigned zeros = 0;
    while (zeros < 32 && !b->over && !sfu_bits_flag(b)) {
        zeros++;
    }
    if (zeros < 32) {
        (void)sfu_bits_get(b, zeros);
    }
}

/* timing_info() and decoder_model_info(); returns buffer_delay_length, 0 without a model. */
static unsigned skip_timing(struct sfu_bits *b)
{
    (void)sfu_bits_get(b, 32);
    (void)sfu_bits_get(b, 32);
    if (sfu_bits_flag(b)) {
        skip_uvlc(b);
    }
    if (!sfu_bits_flag(b)) {
        return 0;
    }
    unsigned delay = sfu_bits_get(b, 5) + 1;
    (void)sfu_bits_get(b, 32);
    (void)sfu_bits_get(b, 10);
    return delay;
}

static void skip_operating_points(struct sfu_bits *b, unsigned delay)
{
    bool initial_delay = sfu_bits_flag(b);
    unsigned count = sfu_bits_get(b, 5) + 1;
    for (unsigned i = 0; i < count && !b->over; i++) {
        (void)sfu_bits_get(b, 12);
        if (sfu_bits_get(b, 5) > 7) {
            (void)sfu_bits_get(b, 1);
        }
        if (delay > 0 && sfu_bits_flag(b)) {
            (void)sfu_bits_get(b, delay);
            (void)sfu_bits_get(b, delay);
            (void)sfu_bits_get(b, 1);
        }
        if (initial_delay && sfu_bits_flag(b)) {
            (void)sfu_bits_get(b, 4);
        }
    }
}

static void read_size(struct sfu_bits *b, struct sfu_av1_info *info)
{
    (void)sfu_bits_get(b, 4); /* profile, still_picture */
    if (sfu_bits_flag(b)) {
        (void)sfu_bits_get(b, 5);
    } else {
        unsigned delay = sfu_bits_flag(b) ? skip_timing(b) : 0;
        skip_operating_points(b, delay);
    }
    unsigned width_bits = sfu_bits_get(b, 4) + 1, height_bits = sfu_bits_get(b, 4) + 1;
    uint32_t width = sfu_bits_get(b, width_bits) + 1, height = sfu_bits_get(b, height_bits) + 1;
    if (!b->over && width <= UINT16_MAX && height <= UINT16_MAX) {
        info->width = (uint16_t)width;
        info->height = (uint16_t)height;
    }
}

/* One OBU; whether it was the sequence header. */
static bool read_obu(const uint8_t *p, const uint8_t *end, struct sfu_av1_info *info)
{
    uint8_t head = *p++;
    size_t size;
    if ((head >> 3 & 15) != OBU_SEQUENCE_HEADER) {
        return false;
    }
    p += head & OBU_EXTENSION ? 1 : 0;
    if (p > end || ((head & OBU_HAS_SIZE) && !leb128(&p, end, &size))) {
        return true;
    }
    struct sfu_bits b = sfu_bits_init(p, (size_t)(end - p));
    read_size(&b, info);
    return true;
}

/* The elements: each has its length in front, but the last one of a known count. */
static int read_elements(const uint8_t *p, const uint8_t *end, unsigned count,
                         struct sfu_av1_info *info)
{
    for (unsigned i = 1; p < end; i++) {
        size_t len = (size_t)(end - p);
        if (count != i && !leb128(&p, end, &len)) {
            return -EBADMSG;
        }
        if (len > (size_t)(end - p)) {
            return -EBADMSG;
        }
        if (info->sequence && len > 0 && read_obu(p, p + len, info)) {
            return 0;
        }
        p += len;
    }
    return 0;
}

int sfu_av1_parse(const uint8_t *payload, size_t len, struct sfu_av1_info *ret_info)
{
    if (len < 2) {
        return -EBADMSG;
    }
    struct sfu_av1_info info = {
        .continues = payload[0] & HEAD_Z,
        .to_continue = payload[0] & HEAD_Y,
        .sequence = payload[0] & HEAD_N,
    };
    if (info.sequence && info.continues) {
        return -EBADMSG;
    }
    int rc = read_elements(payload + 1, payload + len, payload[0] >> 4 & 3, &info);
    if (rc < 0) {
        return rc;
    }
    *ret_info = info;
    return 0;
}
