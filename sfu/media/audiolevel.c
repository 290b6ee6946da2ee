#include "sfu/media/audiolevel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Loudness is 127 - level: 0 silence .. 127 full scale, in dB. */
#define LOUD_MAX 127
#define LOUD_ON 77.0f  /* -50 dBov */
#define LOUD_OFF 67.0f /* -60 dBov */
#define PASS_DB 6.0f

#define ATTACK_US 100000.0f
#define DECAY_US 300000.0f
#define SLOW_US 1500000.0f
#define PACKET_US 20000 /* what one packet vouches for after a pause */
#define PAUSE_US 60000  /* no packet for so long: silence */
#define HANG_US 1000000

struct voice {
    int64_t at_us;    /* levels hold up to here; 0: never heard */
    int64_t quiet_us; /* under LOUD_OFF since; 0: not */
    float fast, slow;
    bool speaks;
};

struct sfu_audiolevel {
    size_t max;
    size_t speakers;
    size_t told; /* entries of the last list */
    uint16_t *order;
    uint16_t *told_order;
    struct voice voices[]; /* then order[max], told_order[max] */
};

int sfu_audiolevel_create(size_t max, struct sfu_audiolevel **ret_al)
{
    if (max < 1 || max > SFU_AUDIOLEVEL_MAX) {
        return -EINVAL;
    }
    size_t each = sizeof(struct voice) + 2 * sizeof(uint16_t);
    struct sfu_audiolevel *al = calloc(1, sizeof(*al) + max * each);
    if (!al) {
        return -ENOMEM;
    }
    al->max = max;
    al->order = (uint16_t *)&al->voices[max];
    al->told_order = al->order + max;
    *ret_al = al;
    return 0;
}

void sfu_audiolevel_destroy(struct sfu_audiolevel *al)
{
    free(al);
}

/* A first-order filter over us microseconds of the same input, without exp(). */
static float toward(float level, float input, float us, float tau_us)
{
    return level + (input - level) * (us / (tau_us + us));
}

static void hear(struct voice *v, float loud, int64_t us)
{
    v->fast = toward(v->fast, loud, (float)us, loud > v->fast ? ATTACK_US : DECAY_US);
    v->slow = toward(v->slow, loud, (float)us, SLOW_US);
    v->at_us += us;
}

void sfu_audiolevel_on_packet(struct sfu_audiolevel *al, size_t who, uint8_t level, int64_t now_us)
{
    if (who >= al->max) {
        return;
    }
    struct voice *v = &al->voices[who];
    if (v->at_us == 0) {
        v->at_us = now_us - PACKET_US;
    }
    int64_t passed_us = now_us - v->at_us;
    if (passed_us <= 0) {
        return;
    }
    if (passed_us > PAUSE_US) {
        hear(v, 0, passed_us - PACKET_US);
        passed_us = PACKET_US;
    }
    hear(v, (float)(level < LOUD_MAX ? LOUD_MAX - level : 0), passed_us);
}

static void remove_speaker(struct sfu_audiolevel *al, size_t who)
{
    size_t kept = 0;

    for (size_t i = 0; i < al->speakers; i++) {
        if (al->order[i] != who) {
            al->order[kept++] = al->order[i];
        }
    }
    al->speakers = kept;
    al->voices[who].speaks = false;
    al->voices[who].quiet_us = 0;
}

void sfu_audiolevel_reset(struct sfu_audiolevel *al, size_t who)
{
    if (who >= al->max) {
        return;
    }
    if (al->voices[who].speaks) {
        remove_speaker(al, who);
    }
    al->voices[who] = (struct voice){0};
}

static void judge(struct sfu_audiolevel *al, size_t who, int64_t now_us)
{
    struct voice *v = &al->voices[who];

    if (now_us - v->at_us > PAUSE_US) {
        hear(v, 0, now_us - v->at_us);
    }
    if (!v->speaks) {
        if (v->fast >= LOUD_ON) {
            v->speaks = true;
            al->order[al->speakers++] = (uint16_t)who;
        }
        return;
    }
    if (v->fast >= LOUD_OFF) {
        v->quiet_us = 0;
    } else if (v->quiet_us == 0) {
        v->quiet_us = now_us;
    } else if (now_us - v->quiet_us >= HANG_US) {
        remove_speaker(al, who);
    }
}

/* From the back, so that somebody much louder gets to the front at once. */
static void reorder(struct sfu_audiolevel *al)
{
    for (size_t i = al->speakers; i-- > 1;) {
        uint16_t ahead = al->order[i - 1], behind = al->order[i];
        if (al->voices[behind].slow > al->voices[ahead].slow + PASS_DB) {
            al->order[i - 1] = behind;
            al->order[i] = ahead;
        }
    }
}

static bool note_told(struct sfu_audiolevel *al, size_t n)
{
    bool same = n == al->told && memcmp(al->order, al->told_order, n * sizeof(al->order[0])) == 0;

    memcpy(al->told_order, al->order, n * sizeof(al->order[0]));
    al->told = n;
    return !same;
}

static uint8_t level_of(float loud)
{
    return (uint8_t)(LOUD_MAX - (int)(loud + 0.5f));
}

size_t sfu_audiolevel_update(struct sfu_audiolevel *al, int64_t now_us,
                             struct sfu_audiolevel_speaker *ret_list, size_t cap, bool *ret_changed)
{
    for (size_t who = 0; who < al->max; who++) {
        if (al->voices[who].at_us != 0) {
            judge(al, who, now_us);
        }
    }
    reorder(al);
    size_t n = al->speakers < cap ? al->speakers : cap;
    for (size_t i = 0; i < n; i++) {
        const struct voice *v = &al->voices[al->order[i]];
        ret_list[i] = (struct sfu_audiolevel_speaker){
            .who = al->order[i], .level = level_of(v->fast), .rank = level_of(v->slow)};
    }
    *ret_changed = note_told(al, n);
    return n;
}
