#include "sfu/media/timebase.h"

#include <errno.h>
#include <stdlib.h>

#include "sfu/media/ticks.h"
#include "sfu/proto/seq.h"

#define NTP_UNIX_SECONDS UINT64_C(2208988800) /* 1900 to 1970 */
#define CLOCK_RATE_MAX 1000000
#define WINDOW_US 30000000     /* two of them are looked back on */
#define SLEW_DIVISOR 1000      /* 1 us per 1000 us */
#define STEP_US 1000000        /* a report so far off is not believed at once */
#define AGREE_US 250000        /* reports about a clock that was set lie so near to each other */
#define STEP_REPORTS 3         /* so many of them make a step */
#define REASON_US 10000000     /* RTP time so far from the clock is another RTP time */
#define PACKET_STEP_US 2000000 /* without reports: timestamps that leap are a new clock */

/* The slewed minimum of differences between two clocks. */
struct slew {
    int64_t offset_us;
    int64_t moved_us;  /* server time up to which offset has moved */
    int64_t window_us; /* when the current window began */
    int64_t min_us, min_before_us;
    bool set;
};

struct track {
    uint32_t clock_rate; /* 0: not started */
    uint32_t sr_rtp;
    int64_t sr_ntp_us;
    int64_t last_us;             /* arrival of the newest packet */
    struct sfu_ts_unwrap unwrap; /* its highest: the newest packet's timestamp */
    struct slew slew;            /* arrival against RTP time, until the first report */
    bool has_sr;
};

struct sfu_timebase {
    struct slew slew;   /* arrival against NTP, over all tracks */
    int64_t suspect_us; /* difference of the first report of a row that disagrees */
    uint8_t suspects;
    size_t count;
    struct track tracks[];
};

int sfu_timebase_create(size_t max_tracks, struct sfu_timebase **ret_tb)
{
    if (max_tracks < 1 || max_tracks > SFU_TIMEBASE_TRACKS_MAX) {
        return -EINVAL;
    }
    struct sfu_timebase *tb = calloc(1, sizeof(*tb) + max_tracks * sizeof(tb->tracks[0]));
    if (!tb) {
        return -ENOMEM;
    }
    tb->count = max_tracks;
    *ret_tb = tb;
    return 0;
}

void sfu_timebase_destroy(struct sfu_timebase *tb)
{
    free(tb);
}

int sfu_timebase_track_start(struct sfu_timebase *tb, size_t track, uint32_t clock_rate)
{
    if (track >= tb->count || clock_rate == 0 || clock_rate > CLOCK_RATE_MAX) {
        return -EINVAL;
    }
    tb->tracks[track] = (struct track){.clock_rate = clock_rate};
    return 0;
}

static void slew_set(struct slew *s, int64_t d_us, int64_t now_us)
{
    *s = (struct slew){.offset_us = d_us,
                       .moved_us = now_us,
                       .window_us = now_us,
                       .min_us = d_us,
                       .min_before_us = d_us,
                       .set = true};
}

static void slew_note(struct slew *s, int64_t d_us, int64_t now_us)
{
    int64_t age_us = now_us - s->window_us;

    if (age_us < WINDOW_US) {
        s->min_us = d_us < s->min_us ? d_us : s->min_us;
        return;
    }
    s->min_before_us = age_us < 2 * WINDOW_US ? s->min_us : d_us;
    s->min_us = d_us;
    s->window_us = now_us;
}

static void slew_move(struct slew *s, int64_t now_us)
{
    int64_t target_us = s->min_us < s->min_before_us ? s->min_us : s->min_before_us;
    int64_t way_us = target_us - s->offset_us;
    int64_t step_us = (now_us - s->moved_us) / SLEW_DIVISOR;

    if (step_us <= 0) {
        return;
    }
    s->moved_us += step_us * SLEW_DIVISOR;
    if (way_us > step_us) {
        way_us = step_us;
    } else if (way_us < -step_us) {
        way_us = -step_us;
    }
    s->offset_us += way_us;
}

static void slew_feed(struct slew *s, int64_t d_us, int64_t now_us)
{
    if (!s->set) {
        slew_set(s, d_us, now_us);
        return;
    }
    slew_note(s, d_us, now_us);
    slew_move(s, now_us);
}

static bool is_apart(int64_t a, int64_t b, int64_t limit)
{
    return a - b > limit || b - a > limit;
}

/* Does the timestamp begin a new line, such as that of a new encoder under the same SSRC? */
static bool leaps(const struct track *t, uint32_t rtp_ts, int64_t arrival_us)
{
    if (!t->unwrap.started) {
        return false;
    }
    int32_t ticks = sfu_ts_diff(rtp_ts, (uint32_t)t->unwrap.highest);
    return is_apart(t->last_us + sfu_ticks_to_us(ticks, t->clock_rate), arrival_us, REASON_US);
}

void sfu_timebase_on_packet(struct sfu_timebase *tb, size_t track, uint32_t rtp_ts,
                            int64_t arrival_us)
{
    struct track *t = track < tb->count ? &tb->tracks[track] : NULL;

    if (!t || t->clock_rate == 0) {
        return;
    }
    if (leaps(t, rtp_ts, arrival_us)) {
        *t = (struct track){.clock_rate = t->clock_rate};
    }
    int64_t pos = sfu_ts_unwrap(&t->unwrap, rtp_ts);
    if (pos == t->unwrap.highest) {
        t->last_us = arrival_us;
    }
    if (t->has_sr) {
        return;
    }
    int64_t d_us = arrival_us - sfu_ticks_to_us(pos, t->clock_rate);
    if (t->slew.set && is_apart(d_us, t->slew.offset_us, PACKET_STEP_US)) {
        t->slew.set = false;
    }
    slew_feed(&t->slew, d_us, arrival_us);
}

/* Would the report put the newest packet anywhere near its arrival? */
static bool rtp_is_reasonable(const struct track *t, uint32_t rtp_ts, int64_t arrival_us)
{
    if (!t->unwrap.started) {
        return true;
    }
    int32_t ticks = sfu_ts_diff(rtp_ts, (uint32_t)t->unwrap.highest);
    int64_t said_us = arrival_us - sfu_ticks_to_us(ticks, t->clock_rate);
    return !is_apart(said_us, t->last_us, REASON_US);
}

/* The publisher's clock was set: media times go on as before, in the new NTP time. */
static void step_offset(struct sfu_timebase *tb, int64_t d_us, int64_t now_us)
{
    int64_t step_us = d_us - tb->slew.offset_us;

    for (size_t i = 0; i < tb->count; i++) {
        tb->tracks[i].sr_ntp_us -= step_us;
    }
    slew_set(&tb->slew, d_us, now_us);
    tb->suspects = 0;
}

/* False: not believed yet. */
static bool note_difference(struct sfu_timebase *tb, int64_t d_us, int64_t now_us)
{
    if (!tb->slew.set || !is_apart(d_us, tb->slew.offset_us, STEP_US)) {
        tb->suspects = 0;
        slew_feed(&tb->slew, d_us, now_us);
        return true;
    }
    if (tb->suspects == 0 || is_apart(d_us, tb->suspect_us, AGREE_US)) {
        tb->suspects = 0;
        tb->suspect_us = d_us;
    }
    if (++tb->suspects < STEP_REPORTS) {
        return false;
    }
    step_offset(tb, d_us, now_us);
    return true;
}

bool sfu_timebase_on_sr(struct sfu_timebase *tb, size_t track, uint64_t ntp, uint32_t rtp_ts,
                        int64_t arrival_us)
{
    struct track *t = track < tb->count ? &tb->tracks[track] : NULL;
    int64_t ntp_us = sfu_timebase_us_of_ntp(ntp);

    if (!t || t->clock_rate == 0 || ntp == 0 || !rtp_is_reasonable(t, rtp_ts, arrival_us) ||
        !note_difference(tb, arrival_us - ntp_us, arrival_us)) {
        return false;
    }
    t->sr_ntp_us = ntp_us;
    t->sr_rtp = rtp_ts;
    t->has_sr = true;
    return true;
}

int sfu_timebase_point(const struct sfu_timebase *tb, size_t track,
                       struct sfu_timebase_point *ret_point)
{
    const struct track *t = track < tb->count ? &tb->tracks[track] : NULL;

    if (!t || (!t->has_sr && !t->slew.set)) {
        return -EAGAIN;
    }
    ret_point->clock_rate = t->clock_rate;
    if (t->has_sr) {
        ret_point->rtp = t->sr_rtp;
        ret_point->us = t->sr_ntp_us + tb->slew.offset_us;
    } else {
        ret_point->rtp = (uint32_t)t->unwrap.highest;
        ret_point->us = sfu_ticks_to_us(t->unwrap.highest, t->clock_rate) + t->slew.offset_us;
    }
    return 0;
}

int sfu_timebase_media_us(const struct sfu_timebase *tb, size_t track, uint32_t rtp_ts,
                          int64_t *ret_us)
{
    struct sfu_timebase_point p;
    int rc = sfu_timebase_point(tb, track, &p);

    if (rc < 0) {
        return rc;
    }
    *ret_us = p.us + sfu_ticks_to_us(sfu_ts_diff(rtp_ts, p.rtp), p.clock_rate);
    return 0;
}

void sfu_timebase_point_report(const struct sfu_timebase_point *point, uint32_t ts_offset,
                               int64_t now_us, int64_t wall_us,
                               struct sfu_timebase_report *ret_report)
{
    int64_t us = point->us;
    uint32_t ticks = now_us >= us ? sfu_ticks_of_us(now_us - us, point->clock_rate)
                                  : 0u - sfu_ticks_of_us(us - now_us, point->clock_rate);

    ret_report->ntp = sfu_timebase_ntp_of_us(wall_us);
    ret_report->rtp_ts = point->rtp + ticks + ts_offset;
}

int sfu_timebase_report(const struct sfu_timebase *tb, size_t track, uint32_t ts_offset,
                        int64_t now_us, int64_t wall_us, struct sfu_timebase_report *ret_report)
{
    struct sfu_timebase_point p;
    int rc = sfu_timebase_point(tb, track, &p);

    if (rc < 0) {
        return rc;
    }
    sfu_timebase_point_report(&p, ts_offset, now_us, wall_us, ret_report);
    return 0;
}

bool sfu_timebase_is_anchored(const struct sfu_timebase *tb)
{
    return tb->slew.set;
}

uint64_t sfu_timebase_ntp_of_us(int64_t wall_us)
{
    uint64_t us = (uint64_t)wall_us + NTP_UNIX_SECONDS * 1000000;

    return (us / 1000000) << 32 | ((us % 1000000) << 32) / 1000000;
}

int64_t sfu_timebase_us_of_ntp(uint64_t ntp)
{
    int64_t sec = (int64_t)(ntp >> 32) - (int64_t)NTP_UNIX_SECONDS;
    uint64_t fraction = ntp & UINT32_MAX;

    return sec * 1000000 + (int64_t)((fraction * 1000000 + (UINT64_C(1) << 31)) >> 32);
}
