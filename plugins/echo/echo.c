/*
 * plugins/echo - an echo test, and the living example of a plugin.
 *
 * A client offers its microphone and camera and one pair of receive slots (m-lines recvonly, or the
 * same ones sendrecv); what it sends comes back.  No room is touched: the others see nothing.
 *
 * What to look at when you write your own:
 *   1. the tables at the end say what can be called; the host checks permission and parameters
 * before a method runs, and `stoad --reference` prints them;
 *   2. the host table (struct sfu_host) is the only way out: this file links nothing of stoad;
 *   3. state hangs on what init returns, never on file-scope variables: two instances may live in
 * one process;
 *   4. everything runs on the control thread: no locks, and nothing may block (host->job is for
 * that).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sfu/plugin.h"

enum { ECHO_TRACKS = 2, COUNT_STARTED = 0 };

/* One instance. */
struct echo {
    const struct sfu_host *host;
};

static int echo_init(const struct sfu_host *host, const json_t *conf, void **ret_state)
{
    (void)conf; /* valid by .keys, of which we have none */
    struct echo *echo = calloc(1, sizeof *echo);
    if (!echo) {
        return -ENOMEM;
    }
    echo->host = host;
    *ret_state = echo;
    return 0;
}

static void echo_fini(void *state)
{
    free(state);
}

/* The first live slot of a kind, or NULL. */
static const struct sfu_slot_info *slot_of_kind(const struct sfu_slot_info *slots, size_t count,
                                                enum sfu_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].live && slots[i].kind == kind) {
            return &slots[i];
        }
    }
    return NULL;
}

/* Each of the session's tracks goes to its own slot of that kind.  A mapping is a level, not an
 * event: setting it again changes nothing, and the host sends it to the media worker when there is
 * room. */
static int map_all(const struct sfu_host *host, uint64_t session)
{
    struct sfu_slot_info slots[SFU_PEER_SLOTS];
    uint64_t tracks[ECHO_TRACKS];
    size_t slot_count = host->slots(host, session, slots, SFU_PEER_SLOTS);
    size_t track_count = host->tracks(host, session, tracks, ECHO_TRACKS);
    int err = 0;
    for (size_t i = 0; i < track_count && i < ECHO_TRACKS && err == 0; i++) {
        struct sfu_track_info track;
        err = host->track_info(host, tracks[i], &track);
        if (err != 0) {
            break;
        }
        const struct sfu_slot_info *slot =
            slot_of_kind(slots, slot_count, sfu_source_kind(track.source));
        if (slot) {
            err = host->map(host, session, slot->slot, tracks[i], false);
            if (err == 0) {
                err = host->show(host, session, slot->slot, 1280, 720); /* video: its size */
            }
        }
    }
    return err;
}

/* → {"sdp": offer}   ← {"sdp": answer} */
static int echo_start(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    const struct sfu_host *host = ((struct echo *)state)->host;
    const json_t *sdp = json_object_get(params, "sdp");
    struct sfu_offer offer = {
        .sdp = json_string_value(sdp),
        .sdp_len = json_string_length(sdp),
        .publish = false, /* the tracks stay ours; the host names their sources by kind */
    };
    json_t *answer = NULL;
    int err = host->offer(host, call, &offer, &answer);
    if (err != 0) {
        return err; /* the host has said why in call->error */
    }
    err = map_all(host, call->session);
    if (err == 0) {
        *ret_result = json_pack("{s:O}", "sdp", json_object_get(answer, "sdp"));
        err = *ret_result ? 0 : -ENOMEM;
    }
    json_decref(answer);
    if (err != 0) {
        (void)host->peer_close(host, call->session);
        return err;
    }
    host->count(host, COUNT_STARTED, 1);
    host->log(host, SFU_LOG_INFO, "started", " session=%" PRIu64, call->session);
    return 0;
}

static int echo_stop(void *state, struct sfu_call *call, const json_t *params, json_t **ret_result)
{
    const struct sfu_host *host = ((struct echo *)state)->host;
    (void)params;
    (void)ret_result; /* left NULL: the answer is {} */
    int err = host->peer_close(host, call->session);
    if (err == -ENOENT || err == -EPERM) {
        return host->refuse(call, SFU_ERR_CONFLICT, NULL, "no echo test is running");
    }
    return err;
}

/* ---- what can be called ---- */

static const struct sfu_param sdp_table[] = {{.name = "sdp",
                                              .type = SFU_PARAM_STRING,
                                              .required = true,
                                              .min = 1,
                                              .max = 524288,
                                              .doc = "the session description"},
                                             {0}};
static const enum sfu_err start_errors[] = {SFU_ERR_INVALID_SDP, SFU_ERR_QUOTA, SFU_ERR_CONFLICT,
                                            SFU_ERR_NONE};
static const enum sfu_err stop_errors[] = {SFU_ERR_CONFLICT, SFU_ERR_NONE};

static const struct sfu_method methods[] = {
    {.name = "echo.start",
     .fn = echo_start,
     .permit = SFU_PERMIT_MEDIA,
     .flags = SFU_METHOD_LARGE,
     .params = sdp_table,
     .result = sdp_table,
     .errors = start_errors,
     .doc = "Answers an offer; what is sent on its m-lines comes back on the first pair."},
    {.name = "echo.stop", .fn = echo_stop, .errors = stop_errors, .doc = "Ends the echo test."},
    {0}};

static const struct sfu_counter counters[] = {
    [COUNT_STARTED] = {"started", "echo tests"},
    {0},
};

/* The one symbol that the host looks up. */
const struct sfu_plugin SFU_PLUGIN = {
    .abi = SFU_PLUGIN_ABI,
    .size = sizeof(struct sfu_plugin),
    .name = "echo",
    .version = STOA_VERSION,
    .doc = "An echo test: what a client sends comes back to it.",
    .methods = methods,
    .counters = counters,
    .init = echo_init,
    .fini = echo_fini,
};
