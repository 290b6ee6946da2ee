#include "sfu/transport/ice_lite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sfu/base/cacheline.h"
#include "sfu/base/rand.h"
#include "sfu/transport/ice_impl.h"

enum {
    UFRAGS_PER_SESSION = 3, /* now, before, and for a moment the next */
    UFRAGS_FIRST = 64,
};

void sfu_ice_creds_make(struct sfu_ice_creds *ret_creds)
{
    static const char ice_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[SFU_ICE_UFRAG_BYTES + SFU_ICE_PWD_BYTES];
    sfu_rand_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < SFU_ICE_UFRAG_BYTES - 1; i++) {
        ret_creds->ufrag[i] = ice_chars[bytes[i] & 63];
    }
    for (size_t i = 0; i < SFU_ICE_PWD_BYTES - 1; i++) {
        ret_creds->pwd[i] = ice_chars[bytes[SFU_ICE_UFRAG_BYTES + i] & 63];
    }
    ret_creds->ufrag[SFU_ICE_UFRAG_BYTES - 1] = '\0';
    ret_creds->pwd[SFU_ICE_PWD_BYTES - 1] = '\0';
}

int sfu_ice_create(uint32_t max_sessions, int64_t consent_us, struct sfu_ice **ret_ice)
{
    struct sfu_ice *ice = calloc(1, sizeof *ice);
    if (!ice) {
        return -ENOMEM;
    }
    sfu_list_init(&ice->sessions);
    ice->max_sessions = max_sessions;
    ice->consent_us = consent_us;
    ice->paths_cap = 64;
    sfu_stun_agent_init(&ice->agent);
    int rc = sfu_bmap_create(UFRAGS_FIRST, SFU_ICE_UFRAG_BYTES - 1, &ice->by_ufrag);
    if (rc == 0) {
        rc = sfu_bmap_create(ice->paths_cap, SFU_PATH_KEY_BYTES, &ice->by_path);
    }
    if (rc != 0) {
        sfu_ice_destroy(ice);
        return rc;
    }
    *ret_ice = ice;
    return 0;
}

void sfu_ice_destroy(struct sfu_ice *ice)
{
    if (!ice) {
        return;
    }
    SFU_LIST_FOREACH_SAFE(node, &ice->sessions)
    {
        sfu_ice_session_destroy(SFU_LIST_ENTRY(node, struct sfu_ice_session, link));
    }
    sfu_bmap_destroy(ice->by_path);
    sfu_bmap_destroy(ice->by_ufrag);
    free(ice);
}

const struct sfu_ice_stats *sfu_ice_stats(const struct sfu_ice *ice)
{
    return &ice->stats;
}

static bool ice_chars_only(const char *text, size_t min, size_t max)
{
    size_t n = 0;
    for (; text[n] != '\0'; n++) {
        char c = text[n];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (n == max || !(letter || (c >= '0' && c <= '9') || c == '+' || c == '/')) {
            return false;
        }
    }
    return n >= min;
}

/* Registers credentials for the session; on failure nothing has changed. */
static int generation_set(struct sfu_ice_session *s, struct generation *gen,
                          const struct sfu_ice_creds *local, const char *remote_ufrag)
{
    if (!ice_chars_only(local->ufrag, SFU_ICE_UFRAG_BYTES - 1, SFU_ICE_UFRAG_BYTES - 1) ||
        !ice_chars_only(local->pwd, SFU_ICE_PWD_BYTES - 1, SFU_ICE_PWD_BYTES - 1) ||
        !ice_chars_only(remote_ufrag, 4, SFU_ICE_REMOTE_UFRAG_MAX)) {
        return -EINVAL;
    }
    char *theirs = strdup(remote_ufrag);
    if (!theirs) {
        return -ENOMEM;
    }
    int rc = sfu_bmap_reserve(s->ice->by_ufrag, s->ice->max_sessions * UFRAGS_PER_SESSION);
    rc = rc != 0 ? rc : sfu_bmap_put(s->ice->by_ufrag, local->ufrag, SFU_ICE_UFRAG_BYTES - 1, s);
    if (rc != 0) {
        free(theirs);
        return rc;
    }
    *gen = (struct generation){.local = *local, .remote_ufrag = theirs, .live = true};
    return 0;
}

static void generation_drop(struct sfu_ice_session *s, struct generation *gen)
{
    if (gen->live) {
        sfu_bmap_del(s->ice->by_ufrag, gen->local.ufrag, SFU_ICE_UFRAG_BYTES - 1);
        free(gen->remote_ufrag);
        *gen = (struct generation){0};
    }
}

int sfu_ice_session_create(struct sfu_ice *ice, const struct sfu_ice_creds *local,
                           const char *remote_ufrag, void *user,
                           struct sfu_ice_session **ret_session)
{
    if (ice->session_count == ice->max_sessions) {
        return -ENOBUFS;
    }
    struct sfu_ice_session *s = sfu_cacheline_calloc(sizeof *s);
    if (!s) {
        return -ENOMEM;
    }
    s->ice = ice;
    s->user = user;
    s->selected = ICE_NO_PATH;
    s->paths = s->first;
    int rc = generation_set(s, &s->now, local, remote_ufrag);
    if (rc != 0) {
        free(s);
        return rc;
    }
    sfu_list_init(&s->link);
    sfu_list_push_back(&ice->sessions, &s->link);
    ice->session_count++;
    *ret_session = s;
    return 0;
}

int sfu_ice_session_restart(struct sfu_ice_session *session, const struct sfu_ice_creds *local,
                            const char *remote_ufrag)
{
    if (strcmp(local->ufrag, session->now.local.ufrag) == 0) {
        return 0;
    }
    struct generation next = {0};
    int rc = generation_set(session, &next, local, remote_ufrag);
    if (rc != 0) {
        return rc;
    }
    if (session->before.live && !session->now.checked) {
        /* a second restart before the first was used: what works is still the one before */
        generation_drop(session, &session->now);
    } else {
        generation_drop(session, &session->before);
        session->before = session->now;
    }
    session->now = next;
    return 0;
}

void sfu_ice_session_destroy(struct sfu_ice_session *session)
{
    if (!session) {
        return;
    }
    while (session->path_count > 0) {
        ice_path_remove(session, session->path_count - 1);
    }
    generation_drop(session, &session->now);
    generation_drop(session, &session->before);
    sfu_list_remove(&session->link);
    session->ice->session_count--;
    free(session->more);
    free(session);
}

struct lookup {
    struct sfu_ice *ice;
    struct sfu_ice_session *session;
    struct generation *gen;
};

/* USERNAME is "ours:theirs" (RFC 8445, 7.2.2). */
static const char *find_password(void *arg, const uint8_t *username, size_t len)
{
    struct lookup *l = arg;
    const size_t ours = SFU_ICE_UFRAG_BYTES - 1;
    if (len < ours + 1 || username[ours] != ':') {
        return NULL;
    }
    struct sfu_ice_session *s = sfu_bmap_get(l->ice->by_ufrag, username, ours);
    if (!s) {
        return NULL;
    }
    struct generation *gen = memcmp(username, s->now.local.ufrag, ours) == 0 ? &s->now : &s->before;
    size_t theirs = strlen(gen->remote_ufrag);
    if (len != ours + 1 + theirs || memcmp(username + ours + 1, gen->remote_ufrag, theirs) != 0) {
        return NULL;
    }
    l->session = s;
    l->gen = gen;
    return gen->local.pwd;
}

static void count_drop(struct sfu_ice_stats *stats, int rc)
{
    switch (rc) {
    case -EPROTO:
        stats->not_request++;
        break;
    case -ENOENT:
        stats->unknown_user++;
        break;
    case -EACCES:
        stats->bad_auth++;
        break;
    default:
        stats->malformed++;
        break;
    }
}

static int accept_check(struct lookup *l, bool use_candidate, const struct sfu_path *path,
                        int64_t now_us, unsigned *ret_events)
{
    struct sfu_ice_session *s = l->session;
    unsigned events = 0;
    int rc = ice_path_touch(s, path, now_us, &events);
    if (rc != 0) {
        return rc;
    }
    int index = (int)(ice_path_find(s, path) - s->paths);
    if (use_candidate) {
        events |= ice_path_nominate(s, index, now_us);
    } else if (s->selected == ICE_NO_PATH) {
        s->selected = index;
        events |= SFU_ICE_SELECTED;
    }
    s->checked_us = now_us;
    l->gen->checked = true;
    if (l->gen == &s->now && s->before.live) {
        generation_drop(s, &s->before);
        events |= SFU_ICE_RESTARTED;
    }
    *ret_events = events;
    return 0;
}

int sfu_ice_input(struct sfu_ice *ice, const uint8_t *data, size_t len, const struct sfu_path *path,
                  int64_t now_us, uint8_t *reply, struct sfu_ice_result *ret)
{
    struct lookup lookup = {.ice = ice};
    struct sfu_stun_check check;
    struct sfu_ice_result result = {0};

    int rc = len > SFU_ICE_CHECK_MAX
                 ? -EBADMSG
                 : sfu_stun_open(&ice->agent, data, len, find_password, &lookup, &check);
    if (rc != 0) {
        count_drop(&ice->stats, rc);
        return rc;
    }
    if (check.unknown) {
        ice->stats.unknown_attr++;
        result.reply_len = sfu_stun_unknown(&ice->agent, &check, reply, SFU_ICE_REPLY_MAX);
    } else if (check.controlled) {
        ice->stats.conflicts++;
        result.reply_len = sfu_stun_role_conflict(&ice->agent, &check, reply, SFU_ICE_REPLY_MAX);
    } else {
        rc = accept_check(&lookup, check.use_candidate, path, now_us, &result.events);
        if (rc != 0) {
            return rc;
        }
        ice->stats.checks++;
        result.reply_len =
            sfu_stun_answer(&ice->agent, &check, &path->remote, reply, SFU_ICE_REPLY_MAX);
    }
    result.session = lookup.session;
    result.user = lookup.session->user;
    *ret = result;
    return 0;
}

struct sfu_ice_session *sfu_ice_find(const struct sfu_ice *ice, const struct sfu_path *path)
{
    return ice_path_owner(ice, path);
}

void sfu_ice_on_tcp_gone(struct sfu_ice *ice, void (*fn)(void *arg, const struct sfu_path *path),
                         void *arg)
{
    ice->tcp_gone = fn;
    ice->tcp_gone_arg = arg;
}

struct sfu_ice_session *sfu_ice_path_lost(struct sfu_ice *ice, const struct sfu_path *path)
{
    struct sfu_ice_session *s = ice_path_owner(ice, path);
    if (s) {
        ice_path_remove(s, (unsigned)(ice_path_find(s, path) - s->paths));
        ice_path_select_freshest(s);
    }
    return s;
}

void *sfu_ice_session_user(const struct sfu_ice_session *session)
{
    return session->user;
}

const struct sfu_path *sfu_ice_selected(const struct sfu_ice_session *session)
{
    return session->selected == ICE_NO_PATH ? NULL : &session->paths[session->selected].path;
}

enum sfu_ice_consent sfu_ice_consent_check(struct sfu_ice_session *session, int64_t now_us)
{
    for (unsigned i = session->path_count; i-- > 0;) {
        if (now_us - session->paths[i].checked_us >= session->ice->consent_us) {
            ice_path_remove(session, i);
        }
    }
    if (!session->had_path) {
        return SFU_ICE_CONSENT_NEW;
    }
    if (now_us - session->checked_us >= session->ice->consent_us) {
        return SFU_ICE_CONSENT_EXPIRED;
    }
    if (session->selected == ICE_NO_PATH && session->path_count > 0) {
        ice_path_select_freshest(session);
        return SFU_ICE_CONSENT_MOVED;
    }
    return SFU_ICE_CONSENT_LIVE;
}

int64_t sfu_ice_consent_us(const struct sfu_ice_session *session)
{
    if (!session->had_path) {
        return INT64_MAX;
    }
    int64_t checked_us = session->selected == ICE_NO_PATH
                             ? session->checked_us
                             : session->paths[session->selected].checked_us;
    return checked_us + session->ice->consent_us;
}
