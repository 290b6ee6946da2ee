/*
 * sfu/proto/red.h - redundant audio (RFC 2198): the blocks of a payload.
 *
 * Pure functions over borrowed bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

enum {
    SFU_RED_BLOCKS = 10, /* the primary one among them; more are refused */
    SFU_RED_HEAD_MAX = 4 * (SFU_RED_BLOCKS - 1) + 1,
};

struct sfu_red {
    uint8_t blocks;   /* 1..SFU_RED_BLOCKS */
    uint8_t pt;       /* of the primary block, the newest one */
    uint8_t head_len; /* bytes of all block headers */
    uint16_t primary_at, primary_len;
};

/* 0; -EBADMSG when headers or blocks do not fit the payload, or the primary block is empty. */
SFU_MUST_CHECK int sfu_red_parse(const uint8_t *payload, size_t len, struct sfu_red *ret_red);

/* Copies the block headers with another payload type to ret_head, at most SFU_RED_HEAD_MAX bytes;
 * returns how many. */
size_t sfu_red_rewrite(const struct sfu_red *red, const uint8_t *payload, uint8_t pt,
                       uint8_t *ret_head);
