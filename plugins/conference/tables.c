/* What the plugin can be asked, and what it says: checked against every call, printed as the
 * reference. */
#include "plugins/conference/conference.h"

#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

static const char *const sources[] = {"microphone", "camera", "screen", "screen_audio", NULL};
static const char *const groups[] = {"camera", "screen", NULL};

/* ---- shapes ---- */

static const struct sfu_param track_fields[] = {
    {.name = "id", .type = SFU_PARAM_STRING, .required = true, .doc = "`tr_…`"},
    {.name = "source",
     .type = SFU_PARAM_ENUM,
     .required = true,
     .choices = sources,
     .doc = "what is captured"},
    {.name = "kind", .type = SFU_PARAM_STRING, .required = true, .doc = "`audio` or `video`"},
    {.name = "codec", .type = SFU_PARAM_STRING, .required = true, .doc = "`opus`, `VP8` …"},
    {.name = "muted",
     .type = SFU_PARAM_BOOL,
     .required = true,
     .doc = "by its owner or by an admin"},
    {.name = "width",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "0 until the first key frame"},
    {.name = "height",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "0 until the first key frame"},
    END};
static const struct sfu_param participant_fields[] = {
    {.name = "id", .type = SFU_PARAM_STRING, .required = true, .doc = "`pt_…`"},
    {.name = "identity", .type = SFU_PARAM_STRING, .required = true, .doc = "from the token"},
    {.name = "name", .type = SFU_PARAM_STRING, .required = true, .doc = "display name"},
    {.name = "metadata", .type = SFU_PARAM_JSON, .required = true, .doc = "the application's"},
    {.name = "joined_us",
     .type = SFU_PARAM_INT,
     .required = true,
     .doc = "the server's wall clock"},
    {.name = "state",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "`connected` or `reconnecting`"},
    {.name = "tracks",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = track_fields,
     .doc = "published"},
    END};
static const struct sfu_param slot_fields[] = {
    {.name = "pair", .type = SFU_PARAM_INT, .required = true, .doc = "index of the pair"},
    {.name = "kind", .type = SFU_PARAM_STRING, .required = true, .doc = "`audio` or `video`"},
    {.name = "mid", .type = SFU_PARAM_STRING, .required = true, .doc = "of the m-line"},
    END};

#define PARTICIPANT_ID                                                                             \
    {                                                                                              \
        .name = "participant", .type = SFU_PARAM_STRING, .required = true, .min = 1, .max = 32,    \
        .doc = "`pt_…`"                                                                          \
    }
#define TRACK_ID                                                                                   \
    {                                                                                              \
        .name = "track", .type = SFU_PARAM_STRING, .required = true, .min = 1, .max = 32,          \
        .doc = "`tr_…`"                                                                          \
    }

/* ---- methods ---- */

static const struct sfu_param join_params[] = {
    {.name = "metadata", .type = SFU_PARAM_JSON, .max = 4096, .doc = "shown to the others"}, END};
static const struct sfu_param join_result[] = {
    {.name = "participant",
     .type = SFU_PARAM_OBJECT,
     .required = true,
     .fields = participant_fields,
     .doc = "oneself"},
    {.name = "participants",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = participant_fields,
     .doc = "the others, as they joined"},
    {.name = "locked", .type = SFU_PARAM_BOOL, .required = true, .doc = "nobody else may join"},
    {.name = "view", .type = SFU_PARAM_STRING, .required = true, .doc = "`auto`"},
    {.name = "slots",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = slot_fields,
     .doc = "none yet"},
    END};
static const enum sfu_err join_errors[] = {SFU_ERR_LOCKED, SFU_ERR_QUOTA, SFU_ERR_ALREADY_JOINED,
                                           SFU_ERR_NONE};

static const struct sfu_param offer_row[] = {
    {.name = "mid",
     .type = SFU_PARAM_STRING,
     .required = true,
     .min = 1,
     .max = 32,
     .doc = "of an m-line that sends"},
    {.name = "source",
     .type = SFU_PARAM_ENUM,
     .required = true,
     .choices = sources,
     .doc = "what it sends"},
    {.name = "muted",
     .type = SFU_PARAM_BOOL,
     .doc = "how a new track starts; later use `conference.mute`"},
    END};
static const struct sfu_param offer_params[] = {{.name = "sdp",
                                                 .type = SFU_PARAM_STRING,
                                                 .required = true,
                                                 .min = 1,
                                                 .max = 524288,
                                                 .doc = "the offer"},
                                                {.name = "tracks",
                                                 .type = SFU_PARAM_ARRAY,
                                                 .max = SFU_PEER_TRACKS,
                                                 .fields = offer_row,
                                                 .doc = "one row for each m-line that sends"},
                                                END};
static const struct sfu_param offered_row[] = {
    {.name = "mid", .type = SFU_PARAM_STRING, .required = true, .doc = "of the m-line"},
    {.name = "id", .type = SFU_PARAM_STRING, .required = true, .doc = "`tr_…`"},
    END};
static const struct sfu_param offer_result[] = {
    {.name = "sdp", .type = SFU_PARAM_STRING, .required = true, .doc = "the answer"},
    {.name = "tracks",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = offered_row,
     .doc = "what is published now"},
    {.name = "slots",
     .type = SFU_PARAM_ARRAY,
     .required = true,
     .fields = slot_fields,
     .doc = "what can be received now"},
    END};
static const enum sfu_err offer_errors[] = {SFU_ERR_INVALID_SDP, SFU_ERR_TOO_LARGE, SFU_ERR_QUOTA,
                                            SFU_ERR_CONFLICT, SFU_ERR_NONE};

static const struct sfu_param mute_params[] = {
    TRACK_ID,
    {.name = "muted", .type = SFU_PARAM_BOOL, .required = true, .doc = "false: sends again"},
    END};
static const enum sfu_err not_found[] = {SFU_ERR_NOT_FOUND, SFU_ERR_NONE};

static const struct sfu_param update_params[] = {
    {.name = "name", .type = SFU_PARAM_STRING, .max = SFU_NAME_BYTES, .doc = "display name"},
    {.name = "metadata", .type = SFU_PARAM_JSON, .max = 4096, .doc = "replaces the old one"},
    END};

static const struct sfu_param view_row[] = {
    PARTICIPANT_ID,
    {.name = "group",
     .type = SFU_PARAM_ENUM,
     .required = true,
     .choices = groups,
     .doc = "camera and microphone, or screen and its audio"},
    {.name = "width",
     .type = SFU_PARAM_INT,
     .required = true,
     .max = 8192,
     .doc = "pixels; 0: only heard"},
    {.name = "height",
     .type = SFU_PARAM_INT,
     .required = true,
     .max = 8192,
     .doc = "pixels; 0: only heard"},
    END};
static const struct sfu_param view_params[] = {
    {.name = "pairs",
     .type = SFU_PARAM_ARRAY,
     .max = PLG_CONF_PAIRS,
     .fields = view_row,
     .doc = "what is shown, most important first"},
    {.name = "auto",
     .type = SFU_PARAM_BOOL,
     .doc = "the server chooses; what a call without `pairs` means too"},
    END};

static const struct sfu_param sizes_params[] = {{.name = "tiles",
                                                 .type = SFU_PARAM_ARRAY,
                                                 .required = true,
                                                 .max = PLG_CONF_PAIRS,
                                                 .fields = view_row,
                                                 .doc = "all of which the size is known"},
                                                END};

static const struct sfu_param mute_participant_params[] = {
    PARTICIPANT_ID,
    {.name = "source",
     .type = SFU_PARAM_ENUM,
     .required = true,
     .choices = sources,
     .doc = "which track"},
    {.name = "muted", .type = SFU_PARAM_BOOL, .doc = "true when absent; false lifts it"},
    END};
static const struct sfu_param kick_params[] = {
    PARTICIPANT_ID,
    {.name = "reason", .type = SFU_PARAM_STRING, .max = 256, .doc = "for the log"},
    END};
static const enum sfu_err kick_errors[] = {SFU_ERR_NOT_FOUND, SFU_ERR_CONFLICT, SFU_ERR_NONE};
static const struct sfu_param lock_params[] = {
    {.name = "locked", .type = SFU_PARAM_BOOL, .required = true, .doc = "false: open again"}, END};

const struct sfu_method plg_conf_methods[] = {
    {.name = "conference.join",
     .fn = plg_conf_join,
     .flags = SFU_METHOD_TOLD,
     .params = join_params,
     .result = join_result,
     .errors = join_errors,
     .doc = "Makes the session a participant of its room. An admin may enter a locked one."},
    {.name = "conference.leave",
     .fn = plg_conf_leave,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .doc = "Leaves; the peer is closed, the session stays open."},
    {.name = "conference.offer",
     .fn = plg_conf_offer,
     .permit = SFU_PERMIT_MEDIA,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_LARGE,
     .params = offer_params,
     .result = offer_result,
     .errors = offer_errors,
     .doc = "Publishes and receives: the one way to open and to change the peer."},
    {.name = "conference.mute",
     .fn = plg_conf_mute,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .params = mute_params,
     .errors = not_found,
     .doc = "Own track. What an admin muted only an admin lifts."},
    {.name = "conference.update",
     .fn = plg_conf_update,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .params = update_params,
     .doc = "Own name and metadata; what is absent stays."},
    {.name = "conference.view",
     .fn = plg_conf_view,
     .permit = SFU_PERMIT_SUBSCRIBE,
     .flags = SFU_METHOD_JOINED,
     .params = view_params,
     .doc = "Says what the client shows. Who is not there (any more) is passed over."},
    {.name = "conference.sizes",
     .fn = plg_conf_sizes,
     .permit = SFU_PERMIT_SUBSCRIBE,
     .flags = SFU_METHOD_JOINED,
     .params = sizes_params,
     .doc = "At which sizes the client shows what the server chooses (`auto`). Replaces what was "
            "said before; of what is not named large pictures are sent."},
    {.name = "conference.mute_participant",
     .fn = plg_conf_mute_participant,
     .permit = SFU_PERMIT_ADMIN,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .params = mute_participant_params,
     .errors = not_found,
     .doc = "Mutes another's track on the server."},
    {.name = "conference.kick",
     .fn = plg_conf_kick,
     .permit = SFU_PERMIT_ADMIN,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .params = kick_params,
     .errors = kick_errors,
     .doc = "Ends another's session; its token is refused until it expires."},
    {.name = "conference.lock",
     .fn = plg_conf_lock,
     .permit = SFU_PERMIT_ADMIN,
     .flags = SFU_METHOD_JOINED | SFU_METHOD_TOLD,
     .params = lock_params,
     .doc = "Nobody else may join."},
    {0}};

/* ---- notifications ---- */

static const struct sfu_param joined_params[] = {{.name = "participant",
                                                  .type = SFU_PARAM_OBJECT,
                                                  .required = true,
                                                  .fields = participant_fields,
                                                  .doc = "who"},
                                                 END};
static const struct sfu_param left_params[] = {
    PARTICIPANT_ID,
    {.name = "reason",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "`left`, `kicked`, `replaced`, `gone`, `revoked`"},
    END};
static const struct sfu_param updated_params[] = {
    PARTICIPANT_ID,
    {.name = "name", .type = SFU_PARAM_STRING, .doc = "when it changed"},
    {.name = "metadata", .type = SFU_PARAM_JSON, .doc = "when it changed"},
    {.name = "state", .type = SFU_PARAM_STRING, .doc = "when it changed"},
    END};
static const struct sfu_param published_params[] = {PARTICIPANT_ID,
                                                    {.name = "track",
                                                     .type = SFU_PARAM_OBJECT,
                                                     .required = true,
                                                     .fields = track_fields,
                                                     .doc = "the new track"},
                                                    END};
static const struct sfu_param unpublished_params[] = {PARTICIPANT_ID, TRACK_ID, END};
static const struct sfu_param muted_params[] = {
    PARTICIPANT_ID,
    TRACK_ID,
    {.name = "by", .type = SFU_PARAM_STRING, .required = true, .doc = "`self` or `admin`"},
    END};
static const struct sfu_param track_updated_params[] = {
    PARTICIPANT_ID,
    TRACK_ID,
    {.name = "codec", .type = SFU_PARAM_STRING, .required = true, .doc = "in use now"},
    {.name = "width", .type = SFU_PARAM_INT, .required = true, .doc = "pixels"},
    {.name = "height", .type = SFU_PARAM_INT, .required = true, .doc = "pixels"},
    END};
static const struct sfu_param speaker_row[] = {PARTICIPANT_ID,
                                               {.name = "level",
                                                .type = SFU_PARAM_NUMBER,
                                                .required = true,
                                                .max = 1,
                                                .doc = "1: as loud as can be"},
                                               END};
static const struct sfu_param speakers_params[] = {{.name = "speakers",
                                                    .type = SFU_PARAM_ARRAY,
                                                    .required = true,
                                                    .fields = speaker_row,
                                                    .doc = "loudest first"},
                                                   END};
static const struct sfu_param quality_row[] = {PARTICIPANT_ID,
                                               {.name = "quality",
                                                .type = SFU_PARAM_STRING,
                                                .required = true,
                                                .doc = "`good`, `fair`, `poor`, `lost`"},
                                               END};
static const struct sfu_param quality_params[] = {{.name = "participants",
                                                   .type = SFU_PARAM_ARRAY,
                                                   .required = true,
                                                   .fields = quality_row,
                                                   .doc = "everybody whose quality is known"},
                                                  END};
static const struct sfu_param locked_params[] = {
    {.name = "locked", .type = SFU_PARAM_BOOL, .required = true, .doc = "what it is now"},
    {.name = "by",
     .type = SFU_PARAM_STRING,
     .required = true,
     .doc = "`pt_…`, or null: the server"},
    END};

const struct sfu_notification plg_conf_notifications[] = {
    {.name = "participant.joined", .params = joined_params, .doc = "To the others."},
    {.name = "participant.left", .params = left_params, .doc = "To the others."},
    {.name = "participant.updated", .params = updated_params, .doc = "To the others."},
    {.name = "track.published", .params = published_params, .doc = "To the others."},
    {.name = "track.unpublished", .params = unpublished_params, .doc = "To the others."},
    {.name = "track.muted",
     .params = muted_params,
     .doc = "To the others; by an admin: to its owner too."},
    {.name = "track.unmuted",
     .params = muted_params,
     .doc = "To the others; by an admin: to its owner too."},
    {.name = "track.updated",
     .params = track_updated_params,
     .doc = "To the others: codec or size changed."},
    {.name = "speakers.changed", .ephemeral = true, .params = speakers_params, .doc = "To all."},
    {.name = "quality.changed",
     .ephemeral = true,
     .params = quality_params,
     .doc = "To all, at most once a second."},
    {.name = "room.locked", .params = locked_params, .doc = "To all."},
    {0}};

const struct sfu_counter plg_conf_counters[] = {
    {"events_lost", "notifications that there was no memory for"}, {0}};
