/*
 * sfu/core/router_relay.h - tracks whose subscribers are on other workers, for router*.c only.
 *
 * Home is the worker of the publisher; it copies each packet once for each worker that control has
 * named.  There the track has no peer, but a stream of its own with history and key-frame cache,
 * and feeds slots as a local one does.  What a subscriber's worker needs to know travels in the
 * same ring, in order with the packets: codecs and mute (TRACK), the line of the publisher's clock
 * (in each packet, and CLOCK), the end (END).  The other way go the wish for a key frame, and which
 * encodings of a simulcast are wanted: home sends no others.
 *
 * What finds the ring full: TRACK and WANT_KEY are levels and are sent later, END has its place
 * promised, CLOCK is in the next packet.  Video that is left out breaks the picture: the track then
 * gets nothing before its next key frame, which goes out as a new source, so that subscribers see
 * one number after the other and ask for nothing that nobody has.
 */
#pragma once

#include "sfu/core/router_impl.h"

enum relay_kind {
    RELAY_TRACK,    /* struct relay_track */
    RELAY_END,      /* struct relay_head */
    RELAY_PACKET,   /* struct relay_packet, payload */
    RELAY_STILL,    /* the same, of the key-frame cache: for stills only */
    RELAY_CLOCK,    /* struct relay_clock */
    RELAY_WANT_KEY, /* struct relay_head, to home */
    RELAY_WANT,     /* struct relay_head, to home: which encodings are wanted here */
    RELAY_KINDS,
};

struct relay_head {
    enum relay_kind kind;
    bool leap;        /* PACKET: the first behind a gap */
    bool report;      /* CLOCK: the publisher's clock became known just now */
    uint8_t encoding; /* PACKET, STILL, CLOCK, WANT_KEY */
    uint8_t wanted;   /* WANT: bits */
    uint64_t track;
};

struct relay_track {
    struct relay_head head;
    struct sfu_plan_track plan;
    struct sfu_layer_rung rungs[SFU_LAYER_ENCODINGS];
};

struct relay_packet {
    struct relay_head head;
    uint64_t source;
    struct sfu_timebase_point clock;
    struct sfu_packet packet; /* its payload and its descriptor stand behind */
};

struct relay_clock {
    struct relay_head head;
    uint64_t source;
    struct sfu_timebase_point clock;
};

_Static_assert(sizeof(struct relay_head) <= SFU_RELAY_PROMISE_BYTES, "an END fits its promise");

/* router_relay_out.c: of a track of our own */
void router_relay_to(struct rtrack *t, uint64_t workers); /* exactly these get it */
void router_relay_packet(struct rstream *s, const struct sfu_packet *p);
void router_relay_changed(struct rtrack *t); /* codecs or mute are others now */
void router_relay_clock(const struct rtrack *t, bool report);
void router_relay_wanted(struct rtrack *t, unsigned from, uint8_t wanted); /* that worker's wish */
void router_relay_flush(struct sfu_router *r);                             /* end of a turn */

/* router_relay_in.c: of a track of another worker */
void router_relay_want_key(struct rstream *s);
void router_relay_want(struct rtrack *t);    /* the encodings that are wanted here may be others */
void router_relay_ask(struct sfu_router *r); /* what is due of the above */
void router_remote_free(struct rremote *remote); /* and its track */
