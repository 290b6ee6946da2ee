/*
 * sfu/core/data_line.h - the line of JSON in front of a message on the channels that every client
 * knows (docs/protocol.md, "Data channels").
 *
 * Pure but for malloc; any thread.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/data.h"

enum { SFU_DATA_LINE_MAX = 4096 }; /* with its line feed */

struct sfu_data_line {
    json_t *root;      /* owned; what follows points into it; NULL: an empty line */
    const char *topic; /* NULL: none */
    const char *to[SFU_DATA_TO_MAX];
    size_t to_count;
    size_t len; /* of the line, with its line feed: the payload is behind it */
};

/* 0; else -EPROTO and *ret_why: nothing is owned then. */
SFU_MUST_CHECK int sfu_data_line_parse(const uint8_t *data, size_t len,
                                       struct sfu_data_line *ret_line,
                                       enum sfu_data_refusal *ret_why);
void sfu_data_line_release(struct sfu_data_line *line);

/* What a receiver gets: how many bytes of buf, of cap; 0: it does not fit, which SFU_DATA_LINE_MAX
 * always does.  topic: NULL or as parsed. */
size_t sfu_data_line_write(const char *topic, const char *from, bool direct, char *buf, size_t cap);
