/*
 * tests/support/sim_peers.h - a publisher and a subscriber for sim_world: VP8 and Opus in RTP,
 * NACK, RTX, reports.
 *
 * Written against the RFCs, not against sfu/: what they parse and write they parse and write
 * themselves. Each video packet carries its frame's number and capture time, so that a subscriber
 * knows what it should have got.
 */
#pragma once

#include "tests/support/sim_world.h"

enum {
    SIM_PT_OPUS = 111,
    SIM_PT_VP8 = 96,
    SIM_PT_RTX = 97,
    SIM_SENT = 2048,   /* packets that a publisher can send again */
    SIM_SEEN = 65536,  /* sequence numbers that a subscriber remembers */
    SIM_FRAMES = 4096, /* frames of one publisher that a subscriber remembers */
};

struct sim_publisher {
    struct sim_peer peer;
    /* set before join */
    uint32_t video_ssrc, rtx_ssrc, audio_ssrc;
    uint64_t video_track, audio_track;
    int64_t ntp_skew_us;     /* its clock against the server's */
    int64_t reports_from_us; /* first sender report, since join */
    unsigned packets_per_frame;
    bool deaf;            /* ignores PLI */
    int64_t key_every_us; /* 0: only the first frame and on request */
    uint8_t audio_level;
    /* state */
    int64_t start_us, next_frame_us, next_audio_us, next_report_us, last_key_us;
    uint32_t frame, video_ts0, audio_ts0, video_ts, audio_ts;
    uint16_t video_seq, rtx_seq, audio_seq, picture_id;
    uint8_t tl0;
    bool want_key;
    unsigned plis, nacks, resent, keys, frames_sent;
    struct {
        uint16_t seq;
        size_t len;
        uint8_t data[SIM_MTU];
    } sent[SIM_SENT];
};

void sim_publisher_init(struct sim_publisher *p, uint64_t id, unsigned index);
void sim_publisher_join(struct sim_world *w, struct sim_publisher *p, uint64_t room);

struct sim_stream {
    uint32_t ssrc;
    bool started;
    int64_t highest; /* unwrapped */
    uint16_t first;
    uint8_t seen[SIM_SEEN];
    uint8_t asked[SIM_SEEN];
    int64_t missing_since[SIM_SEEN];
    unsigned received, recovered;
    unsigned repeated; /* one number twice on the primary SSRC: must never be */
    uint32_t last_ts;
    int64_t last_us;
    bool has_report;
    uint64_t report_ntp;
    uint32_t report_ts;
    unsigned reports;
};

struct sim_frame {
    uint32_t number; /* + 1; 0: unused */
    uint64_t got;    /* bits of packets */
    uint8_t count;
    bool key, complete;
    uint32_t ts;
    int64_t captured_us, complete_us;
};

struct sim_subscriber {
    struct sim_peer peer;
    bool nacks; /* asks for what is missing */
    int64_t next_nack_us, next_report_us;
    struct sim_stream video, audio;
    uint32_t rtx_ssrc;
    struct {
        uint8_t publisher; /* index written in the payload */
        struct sim_frame frames[SIM_FRAMES];
    } from[4];
    uint16_t last_picture_id;
    bool has_picture_id;
    unsigned picture_gaps;
    int from_now; /* publisher of the last packet in order, -1 none */
};

void sim_subscriber_init(struct sim_subscriber *s, uint64_t id);
void sim_subscriber_join(struct sim_world *w, struct sim_subscriber *s, uint64_t room);
/* Slot 0 is audio, slot 1 video. */
enum { SIM_SLOT_AUDIO, SIM_SLOT_VIDEO };

/* Share of the publisher's frames from..to (numbers) that came whole. */
double sim_frames_whole(const struct sim_subscriber *s, unsigned publisher, uint32_t from,
                        uint32_t to);
/* Numbers that never came, between the first and (highest - tail). */
unsigned sim_holes(const struct sim_stream *st, unsigned tail);
/* Capture time of a frame by the newest sender report, on the server's clock (monotonic). */
int64_t sim_capture_us(const struct sim_subscriber *s, const struct sim_stream *st, uint32_t ts,
                       uint32_t rate);
void sim_send_pli(struct sim_subscriber *s);
