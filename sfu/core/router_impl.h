/*
 * sfu/core/router_impl.h - the objects of the media plane, for router*.c only.
 */
#pragma once

#include "sfu/base/cacheline.h"
#include "sfu/base/list.h"
#include "sfu/base/map.h"
#include "sfu/core/egress.h"
#include "sfu/core/relay.h"
#include "sfu/core/router.h"
#include "sfu/media/audiolevel.h"
#include "sfu/media/descriptor.h"
#include "sfu/media/forwarder.h"
#include "sfu/media/history.h"
#include "sfu/media/keycache.h"
#include "sfu/media/keyreq.h"
#include "sfu/media/layer.h"
#include "sfu/media/nackq.h"
#include "sfu/media/packet.h"
#include "sfu/media/rtcpstat.h"
#include "sfu/media/rtx.h"
#include "sfu/media/slotrate.h"
#include "sfu/media/timebase.h"
#include "sfu/proto/rtp.h"
#include "sfu/proto/twcc.h"

enum {
    ROUTER_ROOM_TALKERS = 256, /* audio tracks ranked per room */
    ROUTER_PEERS_FIRST = 64,   /* as more come, up to max_peers */
    ROUTER_SSRCS = 56,         /* of one peer: with the strangers as many as SRTP keeps */
    ROUTER_STRANGERS = 8,      /* SSRCs of no track whose SRTP state is kept a while */
    ROUTER_NO_TALKER = 0xffff,
    ROUTER_TICK_US = 10000,      /* NACK, key-frame requests, while something is missing */
    ROUTER_TWCC_US = 32000,      /* transport-wide feedback; coarse, so every 64 ms */
    ROUTER_REPORT_US = 1000000,  /* sender and receiver reports */
    ROUTER_SPEAKERS_US = 192000, /* a multiple of coarse time */
    ROUTER_STILL_BURST = 32,     /* packets of a still per tick and slot */
    ROUTER_SILENCE_FRAMES = 5,
    ROUTER_SILENCE_US = 20000,
    ROUTER_SLOT_HOT_BYTES = 192,
    ROUTER_SPREAD_AHEAD = 3, /* slots whose state is fetched while others' packets are made */
    ROUTER_MID_PKTS = 20,    /* first packets of a slot carry its MID, and whatever is sent again */
    ROUTER_CSRC_PKTS = 20,   /* first packets of a track in a slot name it */
};

struct rroom {
    uint64_t id;
    struct sfu_router *router;
    uint32_t peers;
    struct sfu_audiolevel *levels;
    uint64_t talker[ROUTER_ROOM_TALKERS]; /* track ids; 0: free */
    struct sfu_timer timer;
    struct sfu_list dirty;
    struct sfu_plane_event event; /* newest speakers */
};

/* One SSRC that a peer sends: an encoding of a track. */
struct rstream {
    struct rtrack *track;
    struct renc *enc;
    uint64_t source; /* its name in forwarders; never used twice */
    uint32_t ssrc, rtx_ssrc;
    uint8_t clock;  /* index in the peer's time base */
    uint8_t codec;  /* enum sfu_codec of the newest packet */
    uint8_t format; /* row of plan->codecs of the newest packet */
    uint8_t fir_seq;
    uint8_t loss; /* of 256, in the last report interval */
    bool anchored;
    bool begun; /* its first packet has been looked at: key frames may be asked for */
    uint16_t width, height;
    struct {
        uint8_t spatial;        /* layers; 0, 1: there is nothing to choose */
        uint16_t width, height; /* of the highest */
    } svc;
    int64_t seen_us;
    int64_t rate_us;     /* since when bytes are counted */
    uint32_t bytes, bps; /* over the last full second */
    struct sfu_rtcprx rx;
    struct sfu_keyreq keyreq;
    struct sfu_nackq *nackq;           /* video */
    struct sfu_history *history;       /* video */
    struct sfu_keycache *keycache;     /* video */
    struct sfu_descriptor *descriptor; /* of a publisher of our own, once one came */
};

/* What slots take packets from: one simulcast encoding of a track, or all that it sends. */
struct renc {
    struct rtrack *track;
    struct rstream *stream;     /* NULL before its first packet */
    struct sfu_list feeds;      /* struct rfeed: slots that want its packets */
    uint64_t relayed;           /* workers (bits) that want it, of those that have the track */
    uint64_t broken;            /* of those: they lack video, and get no more before a key frame */
    struct sfu_layer_rung rung; /* of a remote track: as home says */
};

/* Workers (bits) that get a track's packets, see router_relay.h. */
struct rrelays {
    uint64_t wanted;       /* by control's last word */
    uint64_t told;         /* have the track, and are promised to hear of its end */
    uint64_t stale;        /* of those told: the track has changed since */
    struct sfu_list dirty; /* in router->dirty_relays while something could not be told */
};

/* One encoding of a track of another worker. */
struct rremote_enc {
    uint64_t source; /* home's name of the stream */
    struct sfu_timebase_point clock;
    bool skipping;    /* video, until the next key frame */
    bool wants_key;   /* a request is due at the end of the turn */
    int64_t asked_us; /* when the last request left; INT64_MIN: none since a key frame */
};

/* Of a track whose publisher is on another worker. */
struct rremote {
    struct rtrack *track;
    unsigned home; /* that worker */
    struct sfu_plan_track plan;
    struct rremote_enc enc[SFU_LAYER_ENCODINGS];
    uint8_t told_wanted;   /* encodings (bits) that home knows to be wanted here */
    struct sfu_list link;  /* in router->remotes */
    struct sfu_list dirty; /* in router->asking */
};

struct rtrack {
    struct sfu_router *router;
    struct sfu_rpeer *peer;            /* NULL: the publisher is on another worker, see remote */
    struct rremote *remote;            /* else NULL */
    const struct sfu_plan_track *plan; /* in peer->plan, or in remote */
    uint64_t id;
    bool muted;
    uint16_t talker;
    uint8_t enc_count;
    struct renc enc[SFU_LAYER_ENCODINGS];
    struct rrelays relays; /* none while all who want it are here */
    bool size_dirty;       /* an event is due */
    struct {
        uint8_t now;      /* encodings (bits) that some slot or worker wants */
        uint8_t told;     /* as control knows */
        bool stale;       /* now must be counted again */
        bool due;         /* an event is due */
        int64_t since_us; /* now is what it is */
    } wanted;
};

/* An encoding that a slot takes packets from.  While a switch is pending a slot has two. */
struct rfeed {
    struct sfu_list link; /* in enc->feeds */
    struct renc *enc;     /* NULL: unused */
    struct rslot *slot;
    uint8_t pt[SFU_PLAN_CODECS]; /* by the track's format; 0: the subscriber cannot decode it */
    uint8_t inner_pt[SFU_PLAN_CODECS]; /* RED: what is inside; 0: only the primary block goes out */
};

struct rslot {
    /* what each packet needs, in the first cache lines (ROUTER_SLOT_HOT_BYTES) */
    struct rfeed feed[2];
    struct sfu_rpeer *peer;
    struct sfu_forwarder *forwarder;
    const struct sfu_plan_slot *plan; /* in peer->plan */
    struct sfu_rtx *rtx;
    uint64_t wanted;    /* track id by control's last word; 0: empty */
    uint64_t announced; /* track id of the last switched event; 0 after the slot was emptied */
    uint32_t csrc;      /* names the track that it was switched to … */
    uint8_t csrc_left;  /* … in so many packets more */
    uint8_t mid_left;
    uint8_t silence_left;
    bool shown;
    bool report_due; /* a sender report must go out at once: a switch */
    struct sfu_egress_ext ext;
    struct sfu_rtcptx tx;
    /* the rest */
    uint16_t index;
    uint32_t ssrc; /* its identity; another one at this index is another slot */
    struct sfu_keyask keyask;
    uint16_t width, height; /* shown */
    struct {
        struct renc *enc;         /* wanted, whether it is sent or not; NULL: nothing */
        struct sfu_layer allowed; /* of what is sent: what the slot may get now */
        enum sfu_layer_why why;
        struct sfu_layer told; /* by the last event … */
        enum sfu_layer_why told_why;
        uint64_t told_track; /* … about this track; 0: none */
        bool due;
        uint64_t kept_track; /* while a higher encoding of it is tried; 0: none … */
        uint8_t kept;        /* … this one goes on */
    } layer;
    struct {
        bool active;
        uint32_t generation;
        uint32_t next;
        uint64_t source;
    } still;
    struct sfu_timer timer; /* silence, still */
    uint64_t unavailable;   /* track id of the last unavailable event, likewise */
    struct {
        bool due;
        uint64_t track;
        uint32_t rtp;
    } switched;
    bool unavailable_due;
};

struct rssrc {
    uint32_t ssrc;
    bool rtx;
    struct renc *enc;
};

/* What only a peer that publishes needs. */
struct rsender {
    struct rssrc ssrcs[ROUTER_SSRCS];
    struct sfu_hdrext_kinds ext;
};

struct sfu_rpeer {
    /* what each packet to it needs, in the first cache line */
    struct sfu_router *router;
    struct sfu_egress_dest egress;
    uint16_t twcc_seq; /* of what we send */
    bool up;
    uint8_t pressure; /* enum sfu_router_pressure */
    void *link;
    struct sfu_plan *plan;
    uint64_t id;
    struct rroom *room;
    /* of the whole bundle: ids mean the same on every m-line; none unless it publishes */
    const struct sfu_hdrext_kinds *ext;
    struct rtrack **tracks;
    struct rslot **slots;
    uint16_t track_count, slot_count;
    uint8_t ssrc_count;
    struct rssrc *ssrcs; /* in sender */
    uint32_t strangers[ROUTER_STRANGERS];
    uint8_t next_stranger;
    uint32_t ssrc;                  /* our own, as sender of feedback */
    uint64_t clocks;                /* bits: indices of the time base in use */
    struct rsender *sender;         /* NULL until it publishes */
    struct sfu_timebase *timebase;  /* the same */
    struct sfu_twcc_recorder *twcc; /* the same */
    uint32_t media_ssrc;            /* any SSRC it sends, for feedback */
    struct sfu_timer tick, feedback, report, urgent;
    struct sfu_timer share;   /* layers are to be shared out again */
    struct sfu_timer watch;   /* which encodings come, and which are wanted; while any come */
    struct sfu_slotrate rate; /* what may be sent to it */
    uint32_t sent_bytes;      /* since sent_us: of all slots */
    int64_t sent_us;
    int64_t sent_bps, sent_before_bps; /* in the last window, and in the one before */
    enum sfu_quality quality;
    struct sfu_list dirty; /* in router->dirty while events are due */
    struct {
        bool state, quality;
    } due;
    enum sfu_peer_state state;
    enum sfu_peer_end why;
};

struct sfu_router {
    struct sfu_router_conf conf;
    int64_t now_us, wall_us;
    uint32_t abs_send_time;  /* now_us, 24 bit of 6.18 fixed point seconds */
    struct sfu_map *peers;   /* id -> struct sfu_rpeer */
    struct sfu_map *tracks;  /* id -> struct rtrack */
    struct sfu_map *sources; /* source -> struct rstream */
    struct sfu_map *rooms;   /* id -> struct rroom */
    uint64_t next_source;
    struct sfu_list dirty_peers, dirty_rooms;
    struct sfu_list dirty_relays; /* struct rtrack, relays.dirty */
    struct sfu_list remotes;      /* struct rremote */
    struct sfu_list asking;       /* struct rremote, dirty: key frames to be asked for */
    struct sfu_egress egress;
};

/* router_stream.c */
/* A stream without the parts that take a publisher's packets in; it becomes the encoding's. */
int router_stream_create(struct renc *e, uint32_t ssrc, struct rstream **ret_stream);
/* Into the stores, and to the slots that the track feeds. */
void router_stream_spread(struct rstream *s, const struct sfu_packet *p);
void router_stream_destroy(struct rstream *s);
void router_track_detach(struct rtrack *t); /* all slots leave it */
/* The track's codecs are others now: rows of old packets mean nothing any more. */
void router_track_recoded(struct rtrack *t);

/* router_ssrc.c */
struct renc *router_ssrc_find(struct sfu_rpeer *peer, uint32_t ssrc, bool *ret_rtx);
void router_ssrc_drop_track(struct sfu_rpeer *peer, const struct rtrack *t);
/* Signalled: the SSRC is expected beside the one in use. */
int router_ssrc_expect(struct sfu_rpeer *peer, uint32_t ssrc, bool rtx, struct renc *e);
/* An SSRC that belongs to no track: the newest few keep their SRTP state, replay window included.
 */
void router_ssrc_stranger(struct sfu_rpeer *peer, uint32_t ssrc);
/* Finds the encoding of an SSRC seen for the first time, and remembers it.  NULL: counted. */
struct renc *router_ssrc_resolve(struct sfu_rpeer *peer, const struct sfu_rtp_packet *rtp,
                                 const struct sfu_hdrext_values *values, bool *ret_rtx);
/* The encoding's stream is this SSRC from now on.  What repaired the one before would put its
 * packets among the new ones. */
void router_ssrc_settle(struct renc *e, uint32_t ssrc, bool changed);
/* Index of the track's codec with this payload type; -1: none. */
int router_ssrc_format(const struct sfu_plan_track *plan, uint8_t pt, bool *ret_rtx);

/* router_slot.c */
int router_slot_create(struct sfu_rpeer *peer, uint16_t index, const struct sfu_plan_slot *plan,
                       struct rslot **ret_slot);
void router_slot_destroy(struct rslot *slot);
void router_slot_map(struct rslot *slot, struct rtrack *track, bool cut);
void router_slot_layer(struct rslot *slot, struct renc *enc); /* another one of the same track */
void router_slot_follow(struct rslot *slot, const struct rslot *before); /* at the same index */
void router_slot_replanned(struct rslot *slot);    /* payload types may have changed */
void router_slot_source_changed(struct rtrack *t); /* its stream appeared, changed, or was muted */
void router_slot_track_new(struct rtrack *t);      /* who was mapped to it before it was here? */
void router_feed_recoded(struct rfeed *feed);
struct rfeed *router_slot_feed(struct rslot *slot, const struct renc *enc);
void router_slot_forward(struct rfeed *feed, struct rstream *s, const struct sfu_packet *packet);
void router_slot_switched(struct rslot *slot, struct rstream *s, uint32_t rtp);
/* One packet of the slot into the batch.  rtx: its codec when it is a retransmission, else NULL. */
void router_slot_emit(struct rslot *slot, uint8_t pt, const struct sfu_packet *packet,
                      const struct sfu_forward_out *out, bool fill,
                      const struct sfu_plan_codec *rtx);

/* router_ladder.c */
/* Is there anything to choose? */
bool router_ladder_has(const struct rtrack *t);
/* Lowest first; how many. */
uint8_t router_ladder(const struct rtrack *t, struct sfu_layer_rung rungs[SFU_LAYER_RUNGS]);
/* The highest rung within the layer; -1: none. */
int8_t router_ladder_find(const struct sfu_layer_rung *rungs, uint8_t count,
                          struct sfu_layer layer);
/* The layers of a key frame. */
void router_ladder_learn(struct rstream *s, const struct sfu_packet *p);

/* router_payload.c */
/* Under what the formats of the feed's track go out to its slot. */
void router_payload_formats(struct rfeed *feed);
/* The packet as a subscriber gets it who knows nothing of RED: *ret_primary points into it. */
SFU_MUST_CHECK int router_payload_primary(const struct sfu_packet *packet,
                                          struct sfu_packet *ret_primary);
/* Reads a publisher's packet: what its codec and its descriptor tell.  -EBADMSG: drop it. */
SFU_MUST_CHECK int router_payload_read(struct rstream *s, const struct sfu_hdrext_values *values,
                                       struct sfu_packet *p);
/* Puts the descriptor for this slot into buf and v. */
void router_payload_descriptor(const struct sfu_packet *packet, const struct sfu_forward_out *out,
                               uint8_t buf[UINT8_MAX], struct sfu_hdrext_values *v);

/* router_layer.c */
/* The encoding that the slot is to be fed from now on; its stream may be NULL.  Sets slot->layer. */
struct renc *router_layer_pick(struct rslot *slot, struct rtrack *track);
void router_layer_none(struct rslot *slot); /* the slot shows no track */
/* Something that decides has changed: of one subscriber, of a track. */
void router_layer_due(struct sfu_rpeer *peer);
void router_layer_track(struct rtrack *t);
/* The slot shows this stream now. */
void router_layer_shown(struct rslot *slot, const struct rstream *s);
void router_layer_event(const struct rslot *slot, struct sfu_plane_event *ret);
int64_t router_layer_sent_bps(struct sfu_rpeer *peer); /* to this subscriber, of late */
void router_layer_start(struct sfu_rpeer *peer);
void router_layer_stop(struct sfu_rpeer *peer);

/* router_watch.c */
/* A publisher begins with all its encodings. */
void router_watch_begin(struct rtrack *t);
/* Who takes packets of the track is another set now. */
void router_watch_unwanted(struct rtrack *t);
void router_watch_sent(struct rstream *s, const struct sfu_packet *p); /* a packet came */
/* What is kept of it is not a picture of now any more. */
void router_watch_outdated(struct renc *e);
/* Encodings (bits) that slots here want. */
uint8_t router_watch_wanted(const struct rtrack *t);
void router_watch_start(struct sfu_rpeer *peer);
void router_watch_stop(struct sfu_rpeer *peer);

/* router_pressure.c */
/* The peer's transport is behind: does this packet stay here? */
bool router_pressure_drops(struct rslot *slot, const struct sfu_packet *packet);

/* router_still.c */
void router_still_init(struct rslot *slot);
void router_still_start(struct rslot *slot, struct rstream *s);
void router_silence_start(struct rslot *slot);
void router_still_resume(struct rslot *slot); /* the peer is up */
void router_slot_resend(struct rslot *slot, uint16_t seq);

/* router_report.c */
void router_report_start(struct sfu_rpeer *peer);
void router_report_stop(struct sfu_rpeer *peer);
void router_report_arrivals(struct sfu_rpeer *peer); /* packets came that feedback tells of */
void router_report_missing(struct rstream *s); /* a packet or key frame is: the tick must run */
void router_report_now(struct rslot *slot);
void router_report_enc(struct renc *e); /* the same for all slots that it feeds */
void router_nack(struct rstream *s);
void router_want_key(struct rstream *s);

/* router_room.c */
struct rroom *router_room_enter(struct sfu_router *router, uint64_t id);
void router_room_leave(struct rroom *room);
void router_room_talker_add(struct rtrack *t);
void router_room_talker_remove(struct rtrack *t);

/* router_event.c */
void router_dirty(struct sfu_rpeer *peer);
void router_events_flush(struct sfu_router *router);

/* router_plan.c */
int router_track_create(struct sfu_router *r, const struct sfu_plan_track *plan,
                        struct rtrack **ret_track);
void router_track_free(struct rtrack *t);
/* Does a row number mean the same in both? */
bool router_same_rids(const struct sfu_plan_track *a, const struct sfu_plan_track *b);
/* Its encodings are others now: what it sends begins anew. */
void router_track_reencode(struct rtrack *t);
bool router_same_codecs(const struct sfu_plan_track *a, const struct sfu_plan_track *b);

/* router.c */
uint32_t router_random(const struct sfu_router *r);
void router_track_mute(struct rtrack *t, bool muted);
void router_peer_stop(struct sfu_rpeer *peer); /* no media any more */
void router_peer_free(struct sfu_rpeer *peer);
