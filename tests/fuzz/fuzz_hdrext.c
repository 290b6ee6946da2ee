/*
 * Header extensions: what is read from any block and written again reads the same.
 * Input: one byte of choices, the low byte of the profile, then the block's contents.
 */
#include <stdlib.h>
#include <string.h>

#include "sfu/proto/hdrext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Kind k has id k * step, so that some need the two-byte form when step is 2. */
static void fill_map(struct sfu_hdrext_map *map, unsigned step)
{
    sfu_hdrext_map_init(map);
    for (unsigned k = 1; k < SFU_HDREXT_KINDS; k++) {
        must(sfu_hdrext_map_set(map, k * step, (enum sfu_hdrext_kind)k) == 0);
    }
}

static void must_be_same(const struct sfu_hdrext_bytes *a, const struct sfu_hdrext_bytes *b)
{
    must(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
}

static void write_and_read(const struct sfu_hdrext_map *map, const struct sfu_hdrext_values *v,
                           bool allow_two_byte)
{
    uint8_t buf[SFU_RTP_HEADER_LEN + 2048];
    uint8_t *block = buf + SFU_RTP_HEADER_LEN;
    struct sfu_hdrext_layout layout;
    struct sfu_hdrext_values again;
    struct sfu_rtp_packet p;
    int n = sfu_hdrext_write(map, v, allow_two_byte, block, 2048, &layout);
    must(n >= 0 && n % 4 == 0);
    must((layout.written & ~v->present) == 0);
    must(!allow_two_byte || layout.written == v->present);
    if (n == 0) {
        must(layout.written == 0);
        return;
    }
    uint8_t *exact = malloc((size_t)n);
    must(exact != NULL);
    must(sfu_hdrext_write(map, v, allow_two_byte, exact, (size_t)n, &layout) == n);
    free(exact);
    struct sfu_rtp_header header = {.extension = true};
    sfu_rtp_write_header(&header, buf);
    must(sfu_rtp_parse(buf, SFU_RTP_HEADER_LEN + (size_t)n, &p) == 0 && p.payload_len == 0);
    struct sfu_hdrext_kinds kinds;
    sfu_hdrext_kinds(map, &kinds);
    must(sfu_hdrext_parse(&kinds, &p, &again) == 0);
    must(again.present == layout.written);
    if (again.present == v->present) {
        must(again.twcc_seq == v->twcc_seq && again.abs_send_time == v->abs_send_time);
        must(again.toffset == v->toffset && again.audio_level == v->audio_level);
        must(again.voice == v->voice && again.video_orientation == v->video_orientation);
        must(again.playout_min_10ms == v->playout_min_10ms);
        must(again.playout_max_10ms == v->playout_max_10ms);
        must(again.abs_capture_ntp == v->abs_capture_ntp);
        must(again.abs_capture_offset == v->abs_capture_offset);
        must_be_same(&again.mid, &v->mid);
        must_be_same(&again.rid, &v->rid);
        must_be_same(&again.repaired_rid, &v->repaired_rid);
        must_be_same(&again.dependency_descriptor, &v->dependency_descriptor);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct sfu_hdrext_map map;
    struct sfu_hdrext_values v;
    struct sfu_rtp_packet p = {
        .ext_profile = data[0] & 1 ? (uint16_t)(SFU_RTP_EXT_TWO_BYTE | data[1]) : 0xbede,
        .ext = data + 2,
        .ext_len = (uint32_t)size - 2,
    };
    struct sfu_hdrext_kinds kinds;
    fill_map(&map, data[0] & 2 ? 2 : 1);
    sfu_hdrext_kinds(&map, &kinds);
    if (sfu_hdrext_parse(&kinds, &p, &v) == 0) {
        write_and_read(&map, &v, true);
        write_and_read(&map, &v, false);
    }
    return 0;
}
