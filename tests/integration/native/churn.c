#include "tests/integration/native/churn.h"

#include <glib.h>
#include <string.h>

enum { CYCLE_MAX_US = 20000000, LEAVE_US = 100000, AT_ONCE_MAX = 64 };

/* Where a handshake may be broken off. */
static const char *const stages[] = {"connecting", "open", "joined", "ice", "dtls"};

struct place {
    struct nat_peer *peer;
    const char *dies_at; /* NULL: leaves in good order */
    int64_t start_us, up_us, left_us;
};

struct nat_churn {
    struct nat_churn_conf conf;
    GRand *random; /* seeded: each run breaks off at the same places */
    unsigned started, done, killed, failed;
    struct place places[AT_ONCE_MAX];
};

struct nat_churn *nat_churn_create(const struct nat_churn_conf *conf)
{
    struct nat_churn *churn = g_new0(struct nat_churn, 1);
    churn->conf = *conf;
    churn->conf.at_once = MIN(conf->at_once, (unsigned)AT_ONCE_MAX);
    churn->random = g_rand_new_with_seed(1);
    return churn;
}

void nat_churn_destroy(struct nat_churn *churn)
{
    if (!churn) {
        return;
    }
    for (unsigned i = 0; i < churn->conf.at_once; i++) {
        if (churn->places[i].peer) {
            nat_peer_destroy(churn->places[i].peer);
        }
    }
    g_rand_free(churn->random);
    g_free(churn);
}

static void begin(struct nat_churn *churn, struct place *at, int64_t now_us)
{
    struct nat_peer_conf conf = churn->conf.peer;
    bool dies = (unsigned)g_rand_int_range(churn->random, 0, 100) < churn->conf.kill_percent;
    int stage = g_rand_int_range(churn->random, 0, G_N_ELEMENTS(stages));
    conf.token = churn->conf.tokens[churn->started];
    conf.identity =
        churn->conf.tokens[churn->started]; /* for statistics, of which there are none */
    conf.index = 0;
    churn->started++;
    *at = (struct place){.dies_at = dies ? stages[stage] : NULL, .start_us = now_us};
    at->peer = nat_peer_create(&conf);
}

static void end(struct nat_churn *churn, struct place *at)
{
    nat_peer_destroy(at->peer);
    at->peer = NULL;
    churn->done++;
}

static void step(struct nat_churn *churn, struct place *at, int64_t now_us)
{
    nat_peer_tick(at->peer, now_us);
    const char *state = nat_peer_state(at->peer);
    bool up = strcmp(state, "up") == 0;
    if (at->dies_at && (strcmp(state, at->dies_at) == 0 || up)) {
        churn->killed++;
        end(churn, at);
        return;
    }
    if (strcmp(state, "failed") == 0 || now_us - at->start_us > CYCLE_MAX_US) {
        churn->failed++;
        end(churn, at);
        return;
    }
    at->up_us = up && !at->up_us ? now_us : at->up_us;
    if (at->up_us && !at->left_us && now_us - at->up_us >= churn->conf.hold_us) {
        at->left_us = now_us;
        nat_peer_leave(at->peer);
    } else if (at->left_us && now_us - at->left_us >= LEAVE_US) {
        end(churn, at);
    }
}

bool nat_churn_tick(struct nat_churn *churn, int64_t now_us)
{
    for (unsigned i = 0; i < churn->conf.at_once; i++) {
        struct place *at = &churn->places[i];
        if (at->peer) {
            step(churn, at, now_us);
        } else if (churn->started < churn->conf.cycles) {
            begin(churn, at, now_us);
        }
    }
    if (churn->done < churn->conf.cycles) {
        return true;
    }
    nat_print("churn", 0,
              json_pack("{s:i, s:i, s:i}", "done", (int)churn->done, "killed", (int)churn->killed,
                        "failed", (int)churn->failed));
    return false;
}

unsigned nat_churn_failed(const struct nat_churn *churn)
{
    return churn->failed;
}
