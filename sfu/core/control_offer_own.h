/*
 * sfu/core/control_offer_own.h - one offer on its way to a plan and an answer; for control_offer*.c
 * only.
 */
#pragma once

#include "sfu/core/control_offer.h"

/* One offer under way. */
struct sfu_control_offering {
    struct sfu_control *c;
    struct sfu_session *s;
    const void *owner;
    const struct sfu_offer *in;
    struct sfu_error *error;
    struct sfu_offer_track rows[SFU_PEER_TRACKS]; /* what the client publishes, by mid */
    size_t row_count;
    char mids[SFU_PEER_TRACKS][SFU_MID_SIZE]; /* of rows that we made */
    unsigned worker;
    struct sfu_control_peer *peer;
    bool fresh_peer;
    struct sfu_control_track *fresh[SFU_PEER_TRACKS]; /* made for this offer */
    size_t fresh_count;
    struct sfu_control_slot *fresh_slots[SFU_PEER_SLOTS];
    size_t fresh_slot_count;
    struct sfu_answer *answer;
    size_t text_len;
    struct sfu_plan *plan;
    json_t *result;
};

/* Where the media of this peer can be reached; fills ret, returns how many. */
size_t sfu_control_offer_candidates(const struct sfu_control_offering *o,
                                    struct sfu_answer_candidate ret[SFU_CONTROL_ADDRS]);

/* For offers with a shape: reads the rows, and looks whether all that was offered was taken. */
SFU_MUST_CHECK int sfu_control_offer_shape_rows(struct sfu_control_offering *o);
SFU_MUST_CHECK int sfu_control_offer_shape_check(struct sfu_control_offering *o);

int sfu_control_offer_refuse(struct sfu_control_offering *o, enum sfu_err code, const char *field,
                             const char *detail);
/* What the client says of that m-line; NULL. */
const struct sfu_offer_track *sfu_control_offer_row(const struct sfu_control_offering *o,
                                                    const char *mid);
/* The track of that row, when it still is what the client says; row NULL is allowed. */
struct sfu_control_track *sfu_control_offer_track(const struct sfu_control_offering *o,
                                                  const struct sfu_offer_track *row);
bool sfu_control_offer_is_slot(const struct sfu_answer_mline *m);
enum sfu_kind sfu_control_offer_kind(enum sfu_sdp_kind kind);
/* May this peer have data channels? */
bool sfu_control_offer_data(const struct sfu_control_offering *o);

/* Fill o->plan and o->result. */
SFU_MUST_CHECK int sfu_control_offer_plan(struct sfu_control_offering *o);
SFU_MUST_CHECK int sfu_control_offer_result(struct sfu_control_offering *o);
