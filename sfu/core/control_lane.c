#include "sfu/core/control_lane.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"
#include "sfu/core/session.h"
#include "sfu/log.h"

enum { LANE_MAX_TEXTS = 1024, LANE_MAX_BYTES = 1024 * 1024 };

/* A message that edge's ring had no room for. */
struct sfu_control_text {
    struct sfu_control_text *next;
    char *text;
    size_t len;
};

struct sfu_control_lane *sfu_control_lane_open(struct sfu_control *c, uint64_t id,
                                               const char *remote)
{
    struct sfu_control_lane *lane = calloc(1, sizeof *lane);
    if (!lane || sfu_map_reserve(c->lanes, 2 * c->conf.max_sessions) != 0 ||
        sfu_map_put(c->lanes, id, lane) != 0) {
        free(lane);
        (void)c->edge.lane_close(c->edge.arg, id, sfu_err_info(SFU_ERR_UNAVAILABLE)->ws_close,
                                 sfu_err_info(SFU_ERR_UNAVAILABLE)->code);
        return NULL;
    }
    lane->c = c;
    lane->id = id;
    if (sfu_str_copy(lane->remote, sizeof lane->remote, remote, strlen(remote)) != 0) {
        lane->remote[0] = 0;
    }
    sfu_list_init(&lane->link);
    sfu_stat_inc(SFU_M_LANE_OPENED);
    return lane;
}

static void drop_texts(struct sfu_control_lane *lane)
{
    while (lane->first) {
        struct sfu_control_text *t = lane->first;
        lane->first = t->next;
        free(t->text);
        free(t);
    }
    lane->last = NULL;
    lane->count = 0;
    lane->bytes = 0;
}

void sfu_control_lane_gone(struct sfu_control_lane *lane)
{
    sfu_stat_inc(SFU_M_LANE_CLOSED);
    if (lane->session) {
        lane->session->lane = NULL;
    }
    sfu_list_remove(&lane->link);
    sfu_map_del(lane->c->lanes, lane->id);
    drop_texts(lane);
    free(lane);
}

static void mark_dirty(struct sfu_control_lane *lane)
{
    if (!sfu_list_linked(&lane->link)) {
        sfu_list_push_back(&lane->c->dirty_lanes, &lane->link);
    }
}

/* What waits is lost with the lane; a session gets it again when it resumes. */
static void give_up(struct sfu_control_lane *lane)
{
    SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_SESSION, "lane too slow", "lane=%" PRIu64 " remote=%s",
                  lane->id, lane->remote);
    drop_texts(lane);
    sfu_control_lane_shut(lane, SFU_ERR_SLOW_CONSUMER);
}

/* The edge's answer to a request that no text answers. */
static int end_request(struct sfu_control_lane *lane)
{
    struct sfu_edge_ops *edge = &lane->c->edge;
    struct sfu_lane_answer a = {.status = 202, .known = lane->known};
    struct sfu_str out;
    if (lane->answered) {
        return 0;
    }
    sfu_str_init_grow(&out, 2048);
    if (lane->why != SFU_ERR_NONE) {
        a.status = sfu_err_info(lane->why)->http;
        a.content_type = "application/problem+json";
        sfu_error_put_problem(&out, &(struct sfu_error){.code = lane->why});
        a.len = out.len;
        a.body = sfu_str_take(&out);
    }
    int err = edge->http_reply(edge->arg, lane->id, &a);
    lane->answered = err == 0;
    if (err != 0) {
        free(a.body);
    }
    sfu_str_fini(&out);
    return err;
}

/* Takes text on success. */
static int hand_over(struct sfu_control_lane *lane, char *text, size_t len, uint16_t patience_ms)
{
    struct sfu_edge_ops *edge = &lane->c->edge;
    if (!lane->request) {
        lane->c->edge_told = lane->c->edge_told || patience_ms > 0;
        return edge->lane_send(edge->arg, lane->id, text, len, patience_ms);
    }
    struct sfu_lane_answer a = {.status = 200,
                                .content_type = "application/json",
                                .body = text,
                                .len = len,
                                .known = lane->known};
    int err = edge->http_reply(edge->arg, lane->id, &a);
    lane->answered = err == 0;
    return err;
}

static bool push(struct sfu_control_lane *lane, char *text, size_t len)
{
    struct sfu_control_text *t = calloc(1, sizeof *t);
    if (!t) {
        return false;
    }
    t->text = text;
    t->len = len;
    if (lane->last) {
        lane->last->next = t;
    } else {
        lane->first = t;
    }
    lane->last = t;
    lane->count++;
    lane->bytes += len;
    return true;
}

static void send_take(struct sfu_control_lane *lane, char *text, size_t len, uint16_t patience_ms)
{
    if (lane->closing || !text) {
        free(text);
        return;
    }
    sfu_stat_inc(SFU_M_MESSAGE_OUT);
    bool sent = !lane->first && hand_over(lane, text, len, patience_ms) == 0;
    if (sent && lane->request) {
        sfu_control_lane_shut(lane, SFU_ERR_NONE);
    }
    if (sent) {
        return;
    }
    bool fits = lane->count < LANE_MAX_TEXTS && lane->bytes + len <= LANE_MAX_BYTES;
    if (!fits || !push(lane, text, len)) {
        free(text);
        give_up(lane);
        return;
    }
    mark_dirty(lane);
    if (lane->request) {
        sfu_control_lane_shut(lane, SFU_ERR_NONE);
    }
}

void sfu_control_lane_send_take(struct sfu_control_lane *lane, char *text, size_t len)
{
    send_take(lane, text, len, 0);
}

void sfu_control_lane_tell_take(struct sfu_control_lane *lane, char *text, size_t len,
                                uint16_t patience_ms)
{
    send_take(lane, text, len, patience_ms);
}

/* It may wait for room in the ring, but never overtakes or is lost: a lane that edge takes for a
 * stranger's may not send an offer. */
void sfu_control_lane_accept(struct sfu_control_lane *lane)
{
    struct sfu_edge_ops *edge = &lane->c->edge;
    lane->known = true;
    if (lane->request) {
        return; /* its answer says so */
    }
    lane->accept = edge->lane_accept(edge->arg, lane->id) != 0;
    if (lane->accept) {
        mark_dirty(lane);
    }
}

void sfu_control_lane_shut(struct sfu_control_lane *lane, enum sfu_err why)
{
    const struct sfu_err_info *info = sfu_err_info(why);
    if (lane->closing) {
        return;
    }
    lane->closing = true;
    lane->why = why;
    lane->close_code = why == SFU_ERR_NONE ? 1000 : info->ws_close ? info->ws_close : 1000;
    lane->close_reason = why == SFU_ERR_NONE ? "" : info->code;
    mark_dirty(lane);
}

/* False: edge's ring is full. */
static bool flush(struct sfu_control_lane *lane)
{
    struct sfu_edge_ops *edge = &lane->c->edge;
    if (lane->accept && edge->lane_accept(edge->arg, lane->id) != 0) {
        return false;
    }
    lane->accept = false;
    while (lane->first) {
        struct sfu_control_text *t = lane->first;
        if (hand_over(lane, t->text, t->len, 0) != 0) {
            return false;
        }
        lane->first = t->next;
        lane->count--;
        lane->bytes -= t->len;
        free(t);
    }
    lane->last = NULL;
    if (lane->closing && lane->request) {
        return end_request(lane) == 0;
    }
    return !lane->closing ||
           edge->lane_close(edge->arg, lane->id, lane->close_code, lane->close_reason) == 0;
}

void sfu_control_lane_retry(struct sfu_control *c)
{
    SFU_LIST_FOREACH_SAFE(node, &c->dirty_lanes)
    {
        struct sfu_control_lane *lane = SFU_LIST_ENTRY(node, struct sfu_control_lane, link);
        if (lane->closing && lane->session) {
            sfu_session_lane_lost(lane->session);
        }
        if (!flush(lane)) {
            break; /* one ring for all lanes */
        }
        if (lane->closing) {
            sfu_control_lane_gone(lane);
        } else {
            sfu_list_remove(&lane->link);
        }
    }
}
