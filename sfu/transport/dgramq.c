#include "sfu/transport/dgramq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 2 };

void sfu_dgramq_init(struct sfu_dgramq *q, size_t max_bytes, unsigned max_pkts)
{
    *q = (struct sfu_dgramq){.max_bytes = max_bytes, .max_pkts = max_pkts};
}

void sfu_dgramq_clear(struct sfu_dgramq *q)
{
    free(q->block);
    sfu_dgramq_init(q, q->max_bytes, q->max_pkts);
}

void sfu_dgramq_fit(struct sfu_dgramq *q)
{
    uint8_t *block = q->count > 0 ? realloc(q->block, q->tail) : NULL;
    if (block) {
        q->block = block;
        q->cap = q->tail;
    }
}

int sfu_dgramq_push(struct sfu_dgramq *q, const uint8_t *data, size_t len)
{
    if (len > UINT16_MAX) {
        return -EMSGSIZE;
    }
    if (q->count == 0) {
        q->head = q->tail = 0;
    }
    size_t cap = q->block ? q->cap : q->max_bytes;
    if (q->count == q->max_pkts || q->tail + LENGTH_BYTES + len > cap) {
        return -ENOBUFS;
    }
    if (!q->block) {
        q->block = malloc(q->max_bytes);
        if (!q->block) {
            return -ENOMEM;
        }
        q->cap = cap;
    }
    uint16_t n = (uint16_t)len;
    memcpy(q->block + q->tail, &n, LENGTH_BYTES);
    memcpy(q->block + q->tail + LENGTH_BYTES, data, len);
    q->tail += LENGTH_BYTES + len;
    q->count++;
    return 0;
}

static const uint8_t *at(const struct sfu_dgramq *q, size_t pos, size_t *ret_len)
{
    uint16_t n;
    memcpy(&n, q->block + pos, LENGTH_BYTES);
    *ret_len = n;
    return q->block + pos + LENGTH_BYTES;
}

const uint8_t *sfu_dgramq_front(const struct sfu_dgramq *q, size_t *ret_len)
{
    return q->count > 0 ? at(q, q->head, ret_len) : NULL;
}

void sfu_dgramq_pop(struct sfu_dgramq *q)
{
    size_t len;
    if (sfu_dgramq_front(q, &len)) {
        q->head += LENGTH_BYTES + len;
        q->count--;
    }
}

const uint8_t *sfu_dgramq_next(const struct sfu_dgramq *q, size_t *pos, size_t *ret_len)
{
    size_t from = *pos < q->head ? q->head : *pos;
    if (q->count == 0 || from >= q->tail) {
        return NULL;
    }
    const uint8_t *data = at(q, from, ret_len);
    *pos = from + LENGTH_BYTES + *ret_len;
    return data;
}
