#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "sfu/transport/srtp_ops.h"

enum { REPLAY_WINDOW_PKTS = 1024 };

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static bool library_ok;

static void init_library(void)
{
    library_ok = srtp_init() == srtp_err_status_ok;
}

int sfu_srtp_libsrtp2_load(void)
{
    pthread_once(&library_once, init_library);
    return library_ok ? 0 : -EIO;
}

static int to_errno(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return 0;
    case srtp_err_status_auth_fail:
        return -EACCES;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_pkt_idx_old:
        return -EALREADY;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
    case srtp_err_status_cant_check: /* SRTCP that says that it is not encrypted */
        return -EBADMSG;
    case srtp_err_status_alloc_fail:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

static srtp_profile_t library_profile(enum sfu_srtp_profile profile)
{
    switch (profile) {
    case SFU_SRTP_AEAD_AES_128_GCM:
        return srtp_profile_aead_aes_128_gcm;
    case SFU_SRTP_AEAD_AES_256_GCM:
        return srtp_profile_aead_aes_256_gcm;
    default:
        return srtp_profile_aes128_cm_sha1_80;
    }
}

static int libsrtp2_init(void *impl, enum sfu_srtp_profile profile, const uint8_t *master,
                         bool outbound)
{
    uint8_t key[SFU_SRTP_MASTER_MAX];
    srtp_policy_t policy = {0};
    srtp_t *session = impl;

    if (sfu_srtp_libsrtp2_load() != 0) {
        return -EIO;
    }
    memcpy(key, master, sfu_srtp_key_bytes(profile) + sfu_srtp_salt_bytes(profile));
    srtp_profile_t p = library_profile(profile);
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, p) != srtp_err_status_ok ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, p) != srtp_err_status_ok) {
        return -EIO;
    }
    policy.ssrc.type = outbound ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key;
    policy.window_size = REPLAY_WINDOW_PKTS;
    policy.allow_repeat_tx = 0;
    srtp_err_status_t status = srtp_create(session, &policy);
    explicit_bzero(key, sizeof key);
    if (status != srtp_err_status_ok) {
        return status == srtp_err_status_alloc_fail ? -ENOMEM : -EIO;
    }
    return 0;
}

static srtp_t session_of(void *impl)
{
    return *(srtp_t *)impl;
}

static void libsrtp2_fini(void *impl)
{
    if (session_of(impl)) {
        (void)srtp_dealloc(session_of(impl));
    }
}

static int libsrtp2_protect(void *impl, bool rtcp, const struct sfu_srtp_plain *plain, uint8_t *out,
                            size_t *ret_len)
{
    int len = (int)(plain->hdr_len + plain->payload_len);
    memcpy(out, plain->hdr, plain->hdr_len);
    if (plain->payload_len > 0) {
        memcpy(out + plain->hdr_len, plain->payload, plain->payload_len);
    }
    srtp_err_status_t status = rtcp ? srtp_protect_rtcp(session_of(impl), out, &len)
                                    : srtp_protect(session_of(impl), out, &len);
    if (status != srtp_err_status_ok) {
        return to_errno(status);
    }
    *ret_len = (size_t)len;
    return 0;
}

static int libsrtp2_unprotect(void *impl, bool rtcp, uint8_t *pkt, size_t len, size_t *ret_len)
{
    int n = (int)len;
    srtp_err_status_t status = rtcp ? srtp_unprotect_rtcp(session_of(impl), pkt, &n)
                                    : srtp_unprotect(session_of(impl), pkt, &n);
    if (status != srtp_err_status_ok) {
        return to_errno(status);
    }
    *ret_len = (size_t)n;
    return 0;
}

static void libsrtp2_remove(void *impl, uint32_t ssrc)
{
    (void)srtp_remove_stream(session_of(impl), htonl(ssrc));
}

const struct sfu_srtp_ops sfu_srtp_libsrtp2 = {
    .name = "libsrtp2",
    .size = sizeof(srtp_t),
    .init = libsrtp2_init,
    .fini = libsrtp2_fini,
    .protect = libsrtp2_protect,
    .unprotect = libsrtp2_unprotect,
    .remove = libsrtp2_remove,
};
