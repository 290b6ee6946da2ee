#include "sfu/core/link.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/cacheline.h"
#include "sfu/base/stat.h"
#include "sfu/core/link_out.h"
#include "sfu/core/peer_state.h"
#include "sfu/log.h"

enum { DATA_MAX = 2048 }; /* application data of one datagram */

struct sfu_link {
    /* what each packet needs, in the first cache line */
    struct sfu_link_env *env;
    struct sfu_ice_session *ice; /* NULL when closed: what still comes is from nowhere */
    struct sfu_srtp_tx *tx;
    struct sfu_srtp_rx *rx;
    int64_t alive_us; /* last valid packet */
    enum sfu_peer_state state;
    bool settled;     /* a valid packet under the keys proved that our last flight arrived */
    bool data;        /* keep the SSL object */
    int64_t since_us; /* of state */
    void *user;
    uint64_t peer;
    int64_t stale_us; /* silent for so long: stale */
    struct sfu_dtls *dtls;
    struct sfu_timer timer;
    struct sfu_list handshake; /* in env->handshakes */
};

static void step(struct sfu_link *link, enum sfu_peer_event event);

static int ice_creds(const struct sfu_plan *plan, struct sfu_ice_creds *ret)
{
    size_t ufrag = strlen(plan->local_ufrag), pwd = strlen(plan->local_pwd);
    if (ufrag >= sizeof ret->ufrag || pwd >= sizeof ret->pwd) {
        return -EINVAL;
    }
    memcpy(ret->ufrag, plan->local_ufrag, ufrag + 1);
    memcpy(ret->pwd, plan->local_pwd, pwd + 1);
    return 0;
}

/* --- time --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void arm(struct sfu_link *link)
{
    int64_t deadline = sfu_peer_deadline_us(&link->env->times, link->state);
    int64_t due = deadline == INT64_MAX ? INT64_MAX : link->since_us + deadline;
    due = earlier(due, sfu_dtls_next_us(link->dtls));
    if (link->state == SFU_PEER_UP) {
        due = earlier(due, link->alive_us + link->stale_us);
    }
    due = earlier(due, sfu_ice_consent_us(link->ice));
    if (due == INT64_MAX) {
        sfu_timer_cancel(link->env->wheel, &link->timer);
    } else if (link->state == SFU_PEER_UP) {
        sfu_timer_set_coarse(link->env->wheel, &link->timer, due);
    } else {
        sfu_timer_set(link->env->wheel, &link->timer, due);
    }
}

static const struct sfu_path *path_of(const struct sfu_link *link)
{
    return link->ice ? sfu_ice_selected(link->ice) : NULL;
}

static void flush_dtls(struct sfu_link *link)
{
    const struct sfu_path *path = path_of(link);
    for (;;) {
        uint8_t *room = link_reserve(link->env, path, SFU_DTLS_MTU);
        size_t len = room ? sfu_dtls_drain(link->dtls, room, SFU_DTLS_MTU) : 0;
        if (len == 0) {
            return;
        }
        if (path) {
            link_commit(link->env, path, len);
        }
    }
}

static void on_timer(struct sfu_timer *timer, void *arg)
{
    (void)timer;
    struct sfu_link *link = arg;
    int64_t now = link->env->now_us;
    int64_t deadline = sfu_peer_deadline_us(&link->env->times, link->state);
    if (sfu_dtls_next_us(link->dtls) <= now) {
        sfu_dtls_on_timeout(link->dtls, now);
        flush_dtls(link);
    }
    if (sfu_ice_consent_check(link->ice, now) == SFU_ICE_CONSENT_EXPIRED) {
        step(link, SFU_PEER_EV_CONSENT);
    } else if (deadline != INT64_MAX && now >= link->since_us + deadline) {
        step(link, SFU_PEER_EV_DEADLINE);
    } else if (now >= link->alive_us + link->stale_us) {
        step(link, SFU_PEER_EV_SILENT);
    }
    if (link->state != SFU_PEER_CLOSED) {
        arm(link);
    }
}

/* --- life cycle --- */

static void step(struct sfu_link *link, enum sfu_peer_event event)
{
    struct sfu_peer_step to = sfu_peer_next(link->state, event);
    if (to.next == link->state) {
        return;
    }
    SFU_LOG(SFU_LOG_DEBUG, SFU_COMP_PEER, "state", "peer=%" PRIu64 " from=%s to=%s why=%s",
            link->peer, sfu_peer_state_name(link->state), sfu_peer_state_name(to.next),
            sfu_peer_end_name(to.why));
    link->state = to.next;
    link->since_us = link->env->now_us;
    if (to.next == SFU_PEER_CLOSED) {
        sfu_timer_cancel(link->env->wheel, &link->timer);
        sfu_list_remove(&link->handshake);
        sfu_ice_session_destroy(link->ice);
        link->ice = NULL;
    }
    link->env->on_state(link->env->arg, link->user, to.next, to.why);
}

static void alive(struct sfu_link *link)
{
    link->alive_us = link->env->now_us;
    if (link->state == SFU_PEER_STALE) {
        step(link, SFU_PEER_EV_ALIVE);
        arm(link);
    }
}

int sfu_link_create(struct sfu_link_env *env, const struct sfu_plan *plan, void *user,
                    struct sfu_link **ret_link)
{
    struct sfu_ice_creds creds;
    struct sfu_dtls_fingerprint fp = {.hash = SFU_DTLS_SHA256};
    int rc = ice_creds(plan, &creds);
    if (rc < 0) {
        return rc;
    }
    struct sfu_link *link = sfu_cacheline_calloc(sizeof *link);
    if (!link) {
        return -ENOMEM;
    }
    link->env = env;
    link->user = user;
    link->peer = plan->peer;
    link->data = plan->data;
    link->stale_us = plan->stale_us > 0 ? plan->stale_us : env->times.stale_us;
    link->since_us = link->alive_us = env->now_us;
    sfu_list_init(&link->handshake);
    sfu_timer_init(&link->timer, on_timer, link);
    memcpy(fp.digest, plan->fingerprint, sizeof plan->fingerprint);
    rc = sfu_dtls_create(env->dtls, plan->dtls_client ? SFU_DTLS_ACTIVE : SFU_DTLS_PASSIVE, &fp,
                         &link->dtls);
    if (rc < 0) {
        goto fail_link;
    }
    rc = sfu_ice_session_create(env->ice, &creds, plan->remote_ufrag, link, &link->ice);
    if (rc < 0) {
        goto fail_dtls;
    }
    step(link, SFU_PEER_EV_START);
    arm(link);
    *ret_link = link;
    return 0;

fail_dtls:
    sfu_dtls_destroy(link->dtls);
fail_link:
    free(link);
    return rc;
}

void sfu_link_destroy(struct sfu_link *link)
{
    if (!link) {
        return;
    }
    sfu_timer_cancel(link->env->wheel, &link->timer);
    sfu_list_remove(&link->handshake);
    sfu_ice_session_destroy(link->ice);
    sfu_dtls_destroy(link->dtls);
    sfu_srtp_rx_destroy(link->rx);
    sfu_srtp_tx_destroy(link->tx);
    free(link);
}

int sfu_link_apply(struct sfu_link *link, const struct sfu_plan *plan)
{
    struct sfu_ice_creds creds;
    int rc = link->ice ? ice_creds(plan, &creds) : -EPROTO;
    return rc < 0 ? rc : sfu_ice_session_restart(link->ice, &creds, plan->remote_ufrag);
}

void sfu_link_on_check(struct sfu_link *link, unsigned ice_events)
{
    alive(link);
    /* a check that was refused (role conflict) proves who sent it, but validates no path */
    if (link->state == SFU_PEER_ICE && path_of(link)) {
        step(link, SFU_PEER_EV_PATH);
        if (sfu_dtls_state(link->dtls) == SFU_DTLS_NEW) {
            /* the active role starts; the passive one has nothing to say yet */
            if (sfu_dtls_start(link->dtls, link->env->now_us) < 0) {
                SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_DTLS, "start failed", "peer=%" PRIu64,
                              link->peer);
            }
            flush_dtls(link);
        }
        arm(link);
    }
    if (ice_events & SFU_ICE_SELECTED) {
        SFU_LOG(SFU_LOG_DEBUG, SFU_COMP_ICE, "path selected", "peer=%" PRIu64, link->peer);
    }
}

/* --- DTLS --- */

static int take_keys(struct sfu_link *link)
{
    struct sfu_srtp_keys keys;
    int rc = sfu_dtls_keys(link->dtls, &keys);
    if (rc < 0) {
        return rc;
    }
    rc = sfu_srtp_rx_create(link->env->srtp, keys.profile, keys.remote, &link->rx);
    if (rc == 0) {
        sfu_srtp_rx_share(link->rx, link->env->srtp_shared);
        rc = sfu_srtp_tx_create(link->env->srtp, keys.profile, keys.local, &link->tx);
    }
    if (rc == 0) {
        sfu_srtp_tx_share(link->tx, link->env->srtp_shared);
    }
    explicit_bzero(&keys, sizeof keys);
    return rc;
}

static void settle(struct sfu_link *link)
{
    link->settled = true;
    sfu_dtls_settled(link->dtls);
    if (link->data) {
        sfu_dtls_trim(link->dtls);
    }
    arm(link);
}

/* Also without a reader: what is not read stays in the way of close_notify. */
static void take_data(struct sfu_link *link)
{
    uint8_t packet[DATA_MAX];
    size_t len;
    bool came = false;
    while (link->data && (len = sfu_dtls_recv(link->dtls, packet, sizeof packet)) > 0) {
        if (link->env->on_data) {
            link->env->on_data(link->env->arg, link->user, packet, len);
        } else {
            sfu_stat_inc(SFU_M_DROP_DTLS_APP_DATA);
        }
        came = true;
    }
    if (came && !link->settled && link->state != SFU_PEER_CLOSED) {
        settle(link); /* a peer without media */
    }
}

static void after_dtls(struct sfu_link *link)
{
    take_data(link);
    flush_dtls(link);
    enum sfu_dtls_state state = sfu_dtls_state(link->dtls);
    if (state == SFU_DTLS_UP && !link->tx) {
        int rc = take_keys(link);
        if (rc == 0 && !link->data) {
            sfu_dtls_release_handshake(link->dtls);
        }
        step(link, rc < 0 ? SFU_PEER_EV_REFUSED : SFU_PEER_EV_KEYS);
    } else if (state == SFU_DTLS_FAILED) {
        SFU_LOG_LIMIT(SFU_LOG_INFO, SFU_COMP_DTLS, "handshake failed", "peer=%" PRIu64 " why=%s",
                      link->peer, sfu_dtls_failure_text(sfu_dtls_failure(link->dtls)));
        step(link, SFU_PEER_EV_REFUSED);
    } else if (state == SFU_DTLS_CLOSED) {
        step(link, SFU_PEER_EV_BYE);
    }
    if (link->state != SFU_PEER_CLOSED) {
        arm(link);
    }
}

void sfu_link_on_dtls(struct sfu_link *link, const uint8_t *data, size_t len)
{
    if (sfu_dtls_state(link->dtls) >= SFU_DTLS_UP) {
        if (sfu_dtls_input(link->dtls, data, len, link->env->now_us) < 0) {
            SFU_LOG(SFU_LOG_DEBUG, SFU_COMP_DTLS, "association ends", "peer=%" PRIu64, link->peer);
        }
        after_dtls(link);
        return;
    }
    if (sfu_dtls_defer(link->dtls, data, len) == 0 && !sfu_list_linked(&link->handshake)) {
        sfu_list_push_back(&link->env->handshakes, &link->handshake);
    }
}

bool sfu_link_handshake_step(struct sfu_link_env *env)
{
    struct sfu_list *node = sfu_list_pop_front(&env->handshakes);
    if (!node) {
        return false;
    }
    struct sfu_link *link = SFU_LIST_ENTRY(node, struct sfu_link, handshake);
    /* what failed shows in the state, which after_dtls looks at */
    if (sfu_dtls_run(link->dtls, env->now_us) < 0) {
        SFU_LOG(SFU_LOG_DEBUG, SFU_COMP_DTLS, "input refused", "peer=%" PRIu64, link->peer);
    }
    after_dtls(link);
    return true;
}

/* --- media --- */

int sfu_link_open(struct sfu_link *link, uint8_t *data, size_t len, bool rtcp, size_t *ret_len)
{
    if (!link->rx) {
        return -EPROTO;
    }
    int rc = rtcp ? sfu_srtp_unprotect_rtcp(link->rx, data, len, ret_len)
                  : sfu_srtp_unprotect_rtp(link->rx, data, len, ret_len);
    if (rc < 0) {
        return rc;
    }
    alive(link);
    if (SFU_UNLIKELY(!link->settled)) {
        settle(link);
    }
    return 0;
}

int sfu_link_send_rtp(struct sfu_link *link, const uint8_t *head, size_t head_len,
                      const uint8_t *payload, size_t payload_len)
{
    const struct sfu_path *path = path_of(link);
    if (!link->tx || !path) {
        return -ENOTCONN;
    }
    size_t cap = head_len + payload_len + SFU_SRTP_RTP_OVERHEAD;
    uint8_t *room = link_reserve(link->env, path, cap);
    if (SFU_UNLIKELY(!room)) {
        return path->tcp ? -ENOBUFS : -EMSGSIZE;
    }
    size_t len;
    int rc = sfu_srtp_protect_rtp(link->tx, head, head_len, payload, payload_len, room, cap, &len);
    if (rc == 0) {
        link_commit(link->env, path, len);
    }
    return rc;
}

void sfu_link_fetch(const struct sfu_link *link, unsigned step)
{
    if (step == 0) {
        sfu_prefetch(link, SFU_CACHELINE);
    } else if (step == 1) {
        sfu_prefetch(link->ice, SFU_ICE_HOT_BYTES);
        sfu_srtp_tx_fetch(link->tx, 0);
    } else {
        sfu_srtp_tx_fetch(link->tx, 1);
    }
}

int sfu_link_send_rtcp(struct sfu_link *link, const uint8_t *rtcp, size_t rtcp_len)
{
    const struct sfu_path *path = path_of(link);
    if (!link->tx || !path) {
        return -ENOTCONN;
    }
    size_t cap = rtcp_len + SFU_SRTP_RTCP_OVERHEAD;
    uint8_t *room = link_reserve(link->env, path, cap);
    if (SFU_UNLIKELY(!room)) {
        return path->tcp ? -ENOBUFS : -EMSGSIZE;
    }
    size_t len;
    int rc = sfu_srtp_protect_rtcp(link->tx, rtcp, rtcp_len, room, cap, &len);
    if (rc == 0) {
        link_commit(link->env, path, len);
    }
    return rc;
}

int sfu_link_send_data(struct sfu_link *link, const uint8_t *packet, size_t len)
{
    if (!link->data || !path_of(link)) {
        return -ENOTCONN;
    }
    int rc = sfu_dtls_send(link->dtls, packet, len);
    flush_dtls(link);
    return rc;
}

enum sfu_tcpq_level sfu_link_level(const struct sfu_link *link)
{
    const struct sfu_path *path = path_of(link);
    return path && path->tcp ? sfu_tcp_level(link->env->tcp, path->tcp) : SFU_TCPQ_FREE;
}

void sfu_link_close(struct sfu_link *link)
{
    if (link->state == SFU_PEER_CLOSED) {
        return;
    }
    sfu_dtls_close(link->dtls);
    flush_dtls(link);
    step(link, SFU_PEER_EV_ASKED);
}

void sfu_link_forget_ssrc(struct sfu_link *link, uint32_t ssrc)
{
    if (link->rx) {
        sfu_srtp_rx_remove(link->rx, ssrc);
    }
}

void *sfu_link_user(const struct sfu_link *link)
{
    return link->user;
}

enum sfu_peer_state sfu_link_state(const struct sfu_link *link)
{
    return link->state;
}

const struct sfu_srtp_stats *sfu_link_rx_stats(const struct sfu_link *link)
{
    return link->rx ? sfu_srtp_rx_stats(link->rx) : NULL;
}

const struct sfu_srtp_stats *sfu_link_tx_stats(const struct sfu_link *link)
{
    return link->tx ? sfu_srtp_tx_stats(link->tx) : NULL;
}
