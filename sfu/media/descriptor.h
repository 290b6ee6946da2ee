/*
 * sfu/media/descriptor.h - the dependency descriptors of one stream: keeps the structure that they
 * count by (RTP payload format for AV1, A.4).
 *
 * One per SSRC that sends descriptors, owned by the worker that receives it.  No allocation after
 * create.
 */
#pragma once

#include "sfu/base/attr.h"
#include "sfu/media/packet.h"

struct sfu_descriptor; /* body in descriptor.c */

/* 0; -ENOMEM. */
SFU_MUST_CHECK int sfu_descriptor_create(struct sfu_descriptor **ret_d);
void sfu_descriptor_destroy(struct sfu_descriptor *d); /* NULL is allowed */

/* Reads packet->descriptor into what the packet tells of its layers, after its payload was parsed.
 * One that cannot be understood is taken away.  False: that happened. */
bool sfu_descriptor_read(struct sfu_descriptor *d, struct sfu_packet *packet);
