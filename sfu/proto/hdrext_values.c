/*
 * One row per kind of extension: its length, and how its value is read and written.
 */
#include <errno.h>
#include <string.h>

#include "sfu/proto/hdrext.h"

typedef void (*read_fn)(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v);
typedef void (*write_fn)(const struct sfu_hdrext_values *v, uint8_t *data);

static void read_twcc(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    v->twcc_seq = sfu_be16_get(data);
}

static void write_twcc(const struct sfu_hdrext_values *v, uint8_t *data)
{
    sfu_be16_put(data, v->twcc_seq);
}

static void read_abs_send_time(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    v->abs_send_time = sfu_be24_get(data);
}

static void write_abs_send_time(const struct sfu_hdrext_values *v, uint8_t *data)
{
    sfu_be24_put(data, v->abs_send_time);
}

static void read_audio_level(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    v->audio_level = data[0] & 0x7f;
    v->voice = data[0] & 0x80;
}

static void write_audio_level(const struct sfu_hdrext_values *v, uint8_t *data)
{
    data[0] = (uint8_t)((v->voice ? 0x80 : 0) | (v->audio_level & 0x7f));
}

static void read_video_orientation(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    v->video_orientation = data[0];
}

static void write_video_orientation(const struct sfu_hdrext_values *v, uint8_t *data)
{
    data[0] = v->video_orientation;
}

static void read_toffset(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    uint32_t u = sfu_be24_get(data);
    v->toffset = (int32_t)(u ^ 0x800000) - 0x800000;
}

static void write_toffset(const struct sfu_hdrext_values *v, uint8_t *data)
{
    sfu_be24_put(data, (uint32_t)v->toffset & 0xffffff);
}

static void read_playout_delay(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    uint32_t u = sfu_be24_get(data);
    v->playout_min_10ms = (uint16_t)(u >> 12);
    v->playout_max_10ms = (uint16_t)(u & 0xfff);
}

static void write_playout_delay(const struct sfu_hdrext_values *v, uint8_t *data)
{
    sfu_be24_put(data, (uint32_t)(v->playout_min_10ms & 0xfff) << 12 |
                           (uint32_t)(v->playout_max_10ms & 0xfff));
}

static void read_video_content_type(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    (void)len;
    v->video_content_type = data[0];
}

static void write_video_content_type(const struct sfu_hdrext_values *v, uint8_t *data)
{
    data[0] = v->video_content_type;
}

static void read_abs_capture_time(const uint8_t *data, uint8_t len, struct sfu_hdrext_values *v)
{
    v->abs_capture_ntp = sfu_be64_get(data);
    v->abs_capture_has_offset = len >= 16;
    v->abs_capture_offset = v->abs_capture_has_offset ? (int64_t)sfu_be64_get(data + 8) : 0;
}

static void write_abs_capture_time(const struct sfu_hdrext_values *v, uint8_t *data)
{
    sfu_be64_put(data, v->abs_capture_ntp);
    if (v->abs_capture_has_offset) {
        sfu_be64_put(data + 8, (uint64_t)v->abs_capture_offset);
    }
}

struct row {
    read_fn read; /* NULL: a string of bytes, at bytes_at in the values */
    write_fn write;
    uint16_t bytes_at;
    uint8_t min_len, max_len;
};

#define FIXED(name, len)                                                                           \
    {                                                                                              \
        read_##name, write_##name, 0, len, len                                                     \
    }
#define BYTES(name)                                                                                \
    {                                                                                              \
        NULL, NULL, offsetof(struct sfu_hdrext_values, name), 1, 255                               \
    }

static const struct row rows[SFU_HDREXT_KINDS] = {
    [SFU_HDREXT_TWCC] = FIXED(twcc, 2),
    [SFU_HDREXT_ABS_SEND_TIME] = FIXED(abs_send_time, 3),
    [SFU_HDREXT_MID] = BYTES(mid),
    [SFU_HDREXT_RID] = BYTES(rid),
    [SFU_HDREXT_REPAIRED_RID] = BYTES(repaired_rid),
    [SFU_HDREXT_AUDIO_LEVEL] = FIXED(audio_level, 1),
    [SFU_HDREXT_VIDEO_ORIENTATION] = FIXED(video_orientation, 1),
    [SFU_HDREXT_TOFFSET] = FIXED(toffset, 3),
    [SFU_HDREXT_PLAYOUT_DELAY] = FIXED(playout_delay, 3),
    [SFU_HDREXT_VIDEO_CONTENT_TYPE] = FIXED(video_content_type, 1),
    [SFU_HDREXT_ABS_CAPTURE_TIME] = {read_abs_capture_time, write_abs_capture_time, 0, 8, 16},
    [SFU_HDREXT_DEPENDENCY_DESCRIPTOR] = BYTES(dependency_descriptor),
};

static struct sfu_hdrext_bytes *bytes_of(const struct row *row, struct sfu_hdrext_values *v)
{
    return (struct sfu_hdrext_bytes *)(void *)((char *)v + row->bytes_at);
}

static const struct sfu_hdrext_bytes *const_bytes_of(const struct row *row,
                                                     const struct sfu_hdrext_values *v)
{
    return (const struct sfu_hdrext_bytes *)(const void *)((const char *)v + row->bytes_at);
}

static bool length_fits(const struct row *row, uint8_t len)
{
    return len >= row->min_len && len <= row->max_len;
}

int sfu_hdrext_parse(const struct sfu_hdrext_kinds *kinds, const struct sfu_rtp_packet *packet,
                     struct sfu_hdrext_values *ret_values)
{
    struct sfu_hdrext_values v = {0};
    struct sfu_hdrext_iter it;
    struct sfu_hdrext_element e;
    int rc;

    sfu_hdrext_first(packet, &it);
    while ((rc = sfu_hdrext_next(&it, &e)) > 0) {
        unsigned kind = kinds->of[e.id];
        const struct row *row = &rows[kind];
        if (kind == SFU_HDREXT_NONE || !length_fits(row, e.len)) {
            continue;
        }
        if (row->read) {
            row->read(e.data, e.len, &v);
        } else {
            *bytes_of(row, &v) = (struct sfu_hdrext_bytes){e.data, e.len};
        }
        v.present |= 1u << kind;
    }
    if (rc < 0) {
        return rc;
    }
    *ret_values = v;
    return 0;
}

static uint8_t length_of(unsigned kind, const struct sfu_hdrext_values *v)
{
    const struct row *row = &rows[kind];
    if (!row->read) {
        return const_bytes_of(row, v)->len;
    }
    if (kind == SFU_HDREXT_ABS_CAPTURE_TIME && v->abs_capture_has_offset) {
        return row->max_len;
    }
    return row->min_len;
}

static bool needs_two_byte(uint8_t id, uint8_t len)
{
    return id > 14 || len > 16;
}

/* What to write, and in which form. */
static uint32_t choose(const struct sfu_hdrext_map *map, const struct sfu_hdrext_values *v,
                       bool allow_two_byte, bool *ret_two_byte)
{
    uint32_t chosen = 0;
    bool two_byte = false;
    for (uint32_t bits = v->present; bits; bits &= bits - 1) {
        unsigned kind = (unsigned)__builtin_ctz(bits);
        if (kind == SFU_HDREXT_NONE || kind >= SFU_HDREXT_KINDS || map->id_of[kind] == 0) {
            continue;
        }
        uint8_t len = length_of(kind, v);
        bool wide = needs_two_byte(map->id_of[kind], len);
        if (len == 0 || (wide && !allow_two_byte)) {
            continue;
        }
        two_byte |= wide;
        chosen |= 1u << kind;
    }
    *ret_two_byte = two_byte;
    return chosen;
}

static size_t write_element(unsigned kind, uint8_t id, const struct sfu_hdrext_values *v,
                            struct sfu_hdrext_layout *layout, uint8_t *buf, size_t at)
{
    const struct row *row = &rows[kind];
    uint8_t len = length_of(kind, v);
    if (layout->two_byte) {
        buf[at++] = id;
        buf[at++] = len;
    } else {
        buf[at++] = (uint8_t)(id << 4 | (len - 1));
    }
    if (row->write) {
        row->write(v, buf + at);
    } else {
        memcpy(buf + at, const_bytes_of(row, v)->data, len);
    }
    if (kind == SFU_HDREXT_TWCC) {
        layout->twcc_at = (uint16_t)at;
    } else if (kind == SFU_HDREXT_ABS_SEND_TIME) {
        layout->abs_send_time_at = (uint16_t)at;
    }
    layout->written |= 1u << kind;
    return at + len;
}

int sfu_hdrext_write(const struct sfu_hdrext_map *map, const struct sfu_hdrext_values *values,
                     bool allow_two_byte, uint8_t *buf, size_t cap,
                     struct sfu_hdrext_layout *ret_layout)
{
    struct sfu_hdrext_layout layout = {0};
    uint32_t chosen = choose(map, values, allow_two_byte, &layout.two_byte);
    if (!chosen) {
        *ret_layout = layout;
        return 0;
    }
    size_t at = 4;
    size_t head = layout.two_byte ? 2 : 1;
    for (uint32_t bits = chosen; bits; bits &= bits - 1) {
        unsigned kind = (unsigned)__builtin_ctz(bits);
        size_t len = head + length_of(kind, values);
        if (at + len > cap) {
            return -ENOBUFS;
        }
        at = write_element(kind, map->id_of[kind], values, &layout, buf, at);
    }
    size_t padded = (at + 3) & ~(size_t)3;
    if (padded > cap) {
        return -ENOBUFS;
    }
    memset(buf + at, 0, padded - at);
    sfu_be16_put(buf, layout.two_byte ? SFU_RTP_EXT_TWO_BYTE : SFU_RTP_EXT_ONE_BYTE);
    sfu_be16_put(buf + 2, (uint16_t)((padded - 4) / 4));
    *ret_layout = layout;
    return (int)padded;
}
