/*
 * sfu/media/forwarder.h - what feeds a slot, and the numbers its packets carry.
 *
 * A slot is one SSRC for life: one unbroken count of sequence numbers, timestamps that follow the
 * wall clock, VP8 picture ids and TL0PICIDX without a leap, whatever sources feed it one after the
 * other.  A source is anything with RTP numbers of its own: a track or one simulcast encoding of it;
 * of its layers those go out that the slot may have (layerpick.h).  All switches are made here, all in the same way:
 *
 *   - video: the old picture goes on until the first packet of the new source's key frame, and the
 *     switch is on that packet.  With SFU_SWITCH_CUT nothing of the old source goes out any more,
 *     not even what comes late or is asked for again (it is gone, or no longer allowed);
 *   - audio: the old source falls silent at once, the new one begins with its next packet;
 *   - over a switch the timestamp advances by the time that has passed on the server's clock since
 *     the newest timestamp was sent, exactly, in the new source's clock rate, by 1 tick at least;
 *   - picture id and TL0PICIDX go on by 1;
 *   - a still (a cached key frame, sent to a newcomer) is a switch to numbers of its own; the live
 *     stream goes on with the next key frame, by one more switch;
 *   - a source whose numbers leap (its encoder began again) is switched to anew.
 *
 * Padding-only packets take no number.  Pure state machine, one per slot, on the subscriber's
 * worker; no allocation after create.  Cost: 1 KiB, of which a packet in order touches three
 * cache lines; of a layered source ten more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/media/packet.h"

struct sfu_forwarder; /* body in forwarder.c */

struct sfu_forwarder_conf {
    bool video;          /* switch on key frames */
    uint16_t first_seq;  /* random; so that a first loss cannot be taken for a wrap, <= 0x7fff */
    uint32_t first_ts;   /* random */
    uint16_t picture_id; /* random; 15 bit */
    uint8_t tl0picidx;   /* random */
};

/* 0; -ENOMEM. */
SFU_MUST_CHECK int sfu_forwarder_create(const struct sfu_forwarder_conf *conf,
                                        struct sfu_forwarder **ret_fwd);
void sfu_forwarder_destroy(struct sfu_forwarder *fwd); /* NULL is allowed */

enum sfu_switch {
    SFU_SWITCH_HOLD, /* the old picture goes on until the new one begins (video) */
    SFU_SWITCH_CUT,  /* nothing more of the old source, from now on */
};

/* source: the caller's name for it, not 0.  0 empties the slot (always a cut).  To name the source
 * that is live already takes a pending switch back.  Takes effect with packets. */
void sfu_forwarder_set_source(struct sfu_forwarder *fwd, uint64_t source, enum sfu_switch how);

/* The highest spatial and temporal layers that the slot may have of a layered source; 255: all.
 * Takes effect where the stream permits it, see layerpick.h. */
void sfu_forwarder_set_layers(struct sfu_forwarder *fwd, uint8_t spatial, uint8_t temporal);

/* Holds the live source until its next key frame (or that of a pending switch), as if the slot were
 * switched to it anew: frames that are not sent leave no hole. */
void sfu_forwarder_skip(struct sfu_forwarder *fwd);
/* Packets of a source go out; false: none, or all wait for a key frame. */
bool sfu_forwarder_live(const struct sfu_forwarder *fwd);

enum sfu_forward {
    SFU_FORWARD_SEND,    /* send with the numbers in *ret_out */
    SFU_FORWARD_FILL,    /* send without payload: what would be dropped, but left a hole before */
    SFU_FORWARD_HOLD,    /* of the source we wait for, but before its key frame */
    SFU_FORWARD_PADDING, /* padding only: dropped, no number used */
    SFU_FORWARD_LAYER,   /* of a layer that the slot does not get: likewise */
    SFU_FORWARD_STALE,   /* no number for it: too old, repeated long after, or a wild number */
    SFU_FORWARD_FOREIGN, /* not from a source of this slot */
    SFU_FORWARDS,
};

struct sfu_forward_out {
    uint32_t ts;
    uint16_t seq;
    bool marker;
    bool switched; /* first packet of a new source (a still's, too): ts goes into the slot's event,
                      and a sender report is due */
    struct sfu_frame_ids ids; /* for sfu_codec_row.rewrite */
    uint32_t active;          /* decode targets that the slot gets, when narrowed */
    bool narrowed;            /* … fewer than the publisher sends */
};

/* A live packet of `source`, in the order of arrival, once each.  *ret_out is written for SEND and
 * FILL only.  Calls of one forwarder never go back in now_us. */
enum sfu_forward sfu_forwarder_on_packet(struct sfu_forwarder *fwd, uint64_t source,
                                         const struct sfu_packet *packet, int64_t now_us,
                                         struct sfu_forward_out *ret_out);

/* The packets of a cached key frame of `source`, all, in order (sfu_keycache_at()).  Works while
 * the slot waits for that source's key frame, and goes on waiting.  FOREIGN: not waiting (any
 * more): stop the still. */
enum sfu_forward sfu_forwarder_on_still(struct sfu_forwarder *fwd, uint64_t source,
                                        const struct sfu_packet *packet, int64_t now_us,
                                        struct sfu_forward_out *ret_out);

/* Numbers for a packet that the server makes itself, between sources or beside one (silence).
 * ticks: timestamp units since the newest packet; 0: as many as time has passed at clock_rate. */
void sfu_forwarder_on_own(struct sfu_forwarder *fwd, uint32_t ticks, uint32_t clock_rate,
                          int64_t now_us, struct sfu_forward_out *ret_out);

/* The source whose key frame is waited for; 0: none.  Ask when it becomes not 0, and again as
 * sfu_keyreq says. */
uint64_t sfu_forwarder_wants_key(const struct sfu_forwarder *fwd);

/* Only a key frame of the source that is shown brings the layers that are wished for. */
bool sfu_forwarder_wants_layers(const struct sfu_forwarder *fwd);

/* The source that the slot shows (the last one that sent, and is not cut); 0: none. */
uint64_t sfu_forwarder_source(const struct sfu_forwarder *fwd);

/* For the slot's sender report: whose RTP clock the slot runs on, and slot's minus source's time.
 * 0; -EAGAIN while the slot shows no source, or a still, whose time stands still: send no report.
 */
SFU_MUST_CHECK int sfu_forwarder_ts_offset(const struct sfu_forwarder *fwd, uint64_t *ret_source,
                                           uint32_t *ret_offset);

/* What was sent as out_seq, for a NACK. */
struct sfu_forward_origin {
    uint64_t source;
    uint16_t seq;   /* the source's number */
    uint16_t epoch; /* private */
};

/* 0; -ENOENT: too old (1024 packets, 64 gaps, 4 switches), not sent yet, our own, or cut. */
SFU_MUST_CHECK int sfu_forwarder_origin(const struct sfu_forwarder *fwd, uint16_t out_seq,
                                        struct sfu_forward_origin *ret_origin);

/* Numbers for sending that packet again, the same as the first time; ret_out->seq is out_seq, and
 * FILL is for a packet without payload.  packet: what history or key-frame cache hold for origin.
 */
enum sfu_forward sfu_forwarder_again(const struct sfu_forwarder *fwd,
                                     const struct sfu_forward_origin *origin,
                                     const struct sfu_packet *packet,
                                     struct sfu_forward_out *ret_out);
