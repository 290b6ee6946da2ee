#include "tests/integration/native/srtp.h"

#include <glib.h>

struct nat_srtp {
    srtp_t in, out;
};

static srtp_t session(srtp_profile_t profile, const uint8_t *key, srtp_ssrc_type_t type)
{
    srtp_policy_t policy = {
        .ssrc.type = type, .key = (unsigned char *)(uintptr_t)key, .window_size = 1024};
    srtp_t s;
    srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile);
    srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile);
    if (srtp_create(&s, &policy) != srtp_err_status_ok) {
        g_error("libsrtp2");
    }
    return s;
}

struct nat_srtp *nat_srtp_create(const struct nat_dtls_keys *keys)
{
    static bool initialised;
    if (!initialised) {
        initialised = srtp_init() == srtp_err_status_ok;
    }
    struct nat_srtp *s = g_new0(struct nat_srtp, 1);
    s->out = session(keys->profile, keys->local, ssrc_any_outbound);
    s->in = session(keys->profile, keys->remote, ssrc_any_inbound);
    return s;
}

void nat_srtp_destroy(struct nat_srtp *s)
{
    if (s) {
        srtp_dealloc(s->in);
        srtp_dealloc(s->out);
        g_free(s);
    }
}

size_t nat_srtp_seal(struct nat_srtp *s, bool rtcp, uint8_t *pkt, size_t len)
{
    int n = (int)len;
    srtp_err_status_t status =
        rtcp ? srtp_protect_rtcp(s->out, pkt, &n) : srtp_protect(s->out, pkt, &n);
    return status == srtp_err_status_ok ? (size_t)n : 0;
}

size_t nat_srtp_open(struct nat_srtp *s, bool rtcp, uint8_t *pkt, size_t len)
{
    int n = (int)len;
    srtp_err_status_t status =
        rtcp ? srtp_unprotect_rtcp(s->in, pkt, &n) : srtp_unprotect(s->in, pkt, &n);
    return status == srtp_err_status_ok ? (size_t)n : 0;
}
