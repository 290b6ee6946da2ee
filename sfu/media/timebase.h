/*
 * sfu/media/timebase.h - one publisher's clocks on the server's clock.
 *
 * Owned by the worker that receives the publisher; one per publisher, one entry per SSRC in it
 * ("track index", chosen by the caller).  No allocation after create.  All times are microseconds
 * of the server's monotonic clock ("server time") unless a name says NTP.
 *
 * The maths.  For a sender report i of any track (RFC 3550, 6.4.1):
 *
 *     d_i    = arrival_i - ntp_i                      (server time - publisher's NTP, us)
 *     target = min d_i over the last 30..60 s         (the report that was delayed least)
 *     offset = d_0 at the first report, then moves toward target by <= 1 us per ms of server time
 *
 * There is one offset for the publisher, whatever its tracks, so that they stay in step with each
 * other.  With (ntp_t, rtp_t) of the last report of track t and its clock rate R_t:
 *
 *     media_time(t, rtp) = ntp_t + (rtp - rtp_t) / R_t + offset
 *
 * with rtp - rtp_t taken modulo 2^32 as a signed number.  Before the first report of track t:
 *
 *     media_time(t, rtp) = rtp_unwrapped / R_t + offset_t
 *
 * where offset_t is the same slewed minimum over (arrival - rtp_unwrapped / R_t) of its packets.
 * The step between the two is taken in the next report to a subscriber, never in RTP timestamps.
 *
 * A slot fed by track t shows out_rtp = rtp + ts_offset.  Its report at server time T (wall clock
 * W) says
 *
 *     NTP = W,   RTP = rtp_t + (T - offset - ntp_t) * R_t + ts_offset
 *
 * thus all slots of all publishers are on one clock, and two tracks of a publisher in one msid
 * stream play in sync.
 *
 * Not believed: a report whose d_i is more than 1 s away from offset.  Three such in a row within
 * 250 ms of each other are the publisher's clock having been set: offset steps there, and tracks
 * without a new report keep their media time.  A report whose RTP time would put the last packet
 * more than 10 s away from its arrival is refused.  A packet whose RTP time leaps by more than 10 s
 * against the clock begins the track anew: arrival time, until its next report.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_timebase; /* body in timebase.c */

#define SFU_TIMEBASE_TRACKS_MAX 64

/* 0; -EINVAL when max_tracks is not in 1..SFU_TIMEBASE_TRACKS_MAX; -ENOMEM. */
SFU_MUST_CHECK int sfu_timebase_create(size_t max_tracks, struct sfu_timebase **ret_tb);
void sfu_timebase_destroy(struct sfu_timebase *tb); /* NULL is allowed */

/* Track index `track` now means a new SSRC with this clock rate: forgets what it knew of it.
 * 0; -EINVAL when the index is out of range or clock_rate is 0 or above 1,000,000. */
SFU_MUST_CHECK int sfu_timebase_track_start(struct sfu_timebase *tb, size_t track,
                                            uint32_t clock_rate);

/* Call for every RTP packet of the track that is not a retransmission.  Cheap. */
void sfu_timebase_on_packet(struct sfu_timebase *tb, size_t track, uint32_t rtp_ts,
                            int64_t arrival_us);

/* A sender report of the track.  ntp is the 64-bit NTP time as on the wire.  True: believed;
 * false: count it (time jumped, zero NTP, or RTP time out of reason). */
bool sfu_timebase_on_sr(struct sfu_timebase *tb, size_t track, uint64_t ntp, uint32_t rtp_ts,
                        int64_t arrival_us);

/* Server time at which rtp_ts of the track was captured (plus the smallest delay seen).
 * 0; -EAGAIN before the first packet or report of the track. */
SFU_MUST_CHECK int sfu_timebase_media_us(const struct sfu_timebase *tb, size_t track,
                                         uint32_t rtp_ts, int64_t *ret_us);

struct sfu_timebase_report {
    uint64_t ntp;    /* server's wall clock, 64-bit NTP time */
    uint32_t rtp_ts; /* the slot's RTP time at that moment */
};

/* What a slot's sender report says at now_us.  ts_offset: slot's outgoing minus track's RTP time
 * (sfu_forwarder_ts_offset()).  wall_us: the wall clock at now_us, microseconds since 1970.
 * 0; -EAGAIN as above. */
SFU_MUST_CHECK int sfu_timebase_report(const struct sfu_timebase *tb, size_t track,
                                       uint32_t ts_offset, int64_t now_us, int64_t wall_us,
                                       struct sfu_timebase_report *ret_report);

/* One point of the line that a track's media time is: the RTP time `rtp` was captured at `us`.
 * Good until the next packet or report of the publisher; what another worker needs to write the
 * same reports. */
struct sfu_timebase_point {
    int64_t us; /* server time */
    uint32_t rtp;
    uint32_t clock_rate; /* 0: no point */
};

/* 0; -EAGAIN as above. */
SFU_MUST_CHECK int sfu_timebase_point(const struct sfu_timebase *tb, size_t track,
                                      struct sfu_timebase_point *ret_point);
/* The report that sfu_timebase_report() makes of the track which the point is of. */
void sfu_timebase_point_report(const struct sfu_timebase_point *point, uint32_t ts_offset,
                               int64_t now_us, int64_t wall_us,
                               struct sfu_timebase_report *ret_report);

/* Has a report set the publisher's offset yet?  (A rise from false is a reason to send the slots'
 * reports at once.) */
bool sfu_timebase_is_anchored(const struct sfu_timebase *tb);

/* NTP <-> microseconds since 1970, modulo the NTP era of 2036. */
uint64_t sfu_timebase_ntp_of_us(int64_t wall_us);
int64_t sfu_timebase_us_of_ntp(uint64_t ntp);
