/*
 * sfu/transport/dgramq.h - a bounded queue of datagrams in one heap block.
 *
 * Owned by one object, one thread.  The block is made by the first push and given back by clear.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_dgramq {
    size_t max_bytes; /* of the block: payloads and two bytes of bookkeeping each */
    unsigned max_pkts;
    uint8_t *block;
    size_t cap; /* of the block */
    size_t head, tail;
    unsigned count;
};

void sfu_dgramq_init(struct sfu_dgramq *q, size_t max_bytes, unsigned max_pkts);
/* Drops what is queued and frees the block. */
void sfu_dgramq_clear(struct sfu_dgramq *q);

/* Gives back what lies behind the newest datagram: no more fit, until it is cleared. */
void sfu_dgramq_fit(struct sfu_dgramq *q);

/* 0; -ENOBUFS full; -EMSGSIZE longer than 65,535; -ENOMEM. */
SFU_MUST_CHECK int sfu_dgramq_push(struct sfu_dgramq *q, const uint8_t *data, size_t len);

/* The oldest datagram without taking it, or NULL. */
const uint8_t *sfu_dgramq_front(const struct sfu_dgramq *q, size_t *ret_len);
void sfu_dgramq_pop(struct sfu_dgramq *q);

/* All, oldest first, without taking them: start with *pos = 0; NULL at the end. */
const uint8_t *sfu_dgramq_next(const struct sfu_dgramq *q, size_t *pos, size_t *ret_len);
