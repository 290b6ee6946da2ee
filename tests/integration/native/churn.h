/*
 * tests/integration/native/churn.h - participants who come, publish and go, again and again, some of
 * them without a word.
 *
 * Main loop only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/integration/native/peer.h"

struct nat_churn; /* body in churn.c */

struct nat_churn_conf {
    struct nat_peer_conf peer; /* of each; token and identity are replaced */
    char *const *tokens;       /* one per cycle */
    unsigned cycles, at_once;
    unsigned kill_percent; /* so many vanish in mid-handshake */
    int64_t hold_us;       /* with media */
};

struct nat_churn *nat_churn_create(const struct nat_churn_conf *conf);
void nat_churn_destroy(struct nat_churn *churn);
/* False: all cycles are over, and what they came to is printed. */
bool nat_churn_tick(struct nat_churn *churn, int64_t now_us);
/* Those who did not get where they wanted. */
unsigned nat_churn_failed(const struct nat_churn *churn);
