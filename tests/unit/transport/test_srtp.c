#include "sfu/transport/srtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/alloc_fail.h"
#include "tests/unit/transport/unit.h"

enum { HEADER = 12, ROOM = 2048 };

static const struct profile {
    const char *name;
    enum sfu_srtp_profile id;
    srtp_profile_t oracle;
    size_t rtp_extra, rtcp_extra;
} profiles[] = {
    {"AES_CM_128_HMAC_SHA1_80", SFU_SRTP_AES128_CM_SHA1_80, srtp_profile_aes128_cm_sha1_80, 10, 14},
    {"AEAD_AES_128_GCM", SFU_SRTP_AEAD_AES_128_GCM, srtp_profile_aead_aes_128_gcm, 16, 20},
    {"AEAD_AES_256_GCM", SFU_SRTP_AEAD_AES_256_GCM, srtp_profile_aead_aes_256_gcm, 16, 20},
};

static uint8_t master[SFU_SRTP_MASTER_MAX];
static const struct sfu_srtp_ops *ops; /* every test runs over each of them */
static struct sfu_srtp_shared *shared; /* … and over sfu_srtp_evp with and without */

static int make_master(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof master; i++) {
        master[i] = (uint8_t)(17 * i + 3);
    }
    return sfu_srtp_libsrtp2_load(); /* the oracle must not: the library takes it once only */
}

/* The library used directly: an oracle for the bytes on the wire. */
static srtp_t oracle(const struct profile *p, srtp_ssrc_type_t direction)
{
    srtp_policy_t policy = {.ssrc.type = direction, .key = master, .window_size = 128};
    srtp_t session;
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, p->oracle), 0);
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, p->oracle), 0);
    assert_int_equal(srtp_create(&session, &policy), 0);
    return session;
}

static size_t rtp_header(uint8_t *p, uint16_t seq, uint32_t ssrc, unsigned csrcs,
                         unsigned ext_words)
{
    size_t at = HEADER + 4 * csrcs;
    memset(p, 0, at);
    p[0] = (uint8_t)(0x80 | csrcs | (ext_words ? 0x10 : 0));
    p[1] = 96;
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    ssrc = htonl(ssrc);
    memcpy(p + 8, &ssrc, 4);
    if (ext_words) {
        p[at] = 0xbe;
        p[at + 1] = 0xde;
        p[at + 2] = 0;
        p[at + 3] = (uint8_t)ext_words;
        memset(p + at + 4, 0x10, (size_t)ext_words * 4);
        at += 4 + (size_t)ext_words * 4;
    }
    return at;
}

static size_t rtcp_packet(uint8_t *p, uint32_t ssrc)
{
    memset(p, 0, 28);
    p[0] = 0x80;
    p[1] = 200;
    p[3] = 6;
    ssrc = htonl(ssrc);
    memcpy(p + 4, &ssrc, 4);
    return 28;
}

static struct sfu_srtp_tx *sender(const struct profile *p)
{
    struct sfu_srtp_tx *tx;
    assert_int_equal(sfu_srtp_tx_create(ops, p->id, master, &tx), 0);
    sfu_srtp_tx_share(tx, shared);
    return tx;
}

static struct sfu_srtp_rx *receiver(const struct profile *p)
{
    struct sfu_srtp_rx *rx;
    assert_int_equal(sfu_srtp_rx_create(ops, p->id, master, &rx), 0);
    sfu_srtp_rx_share(rx, shared);
    return rx;
}

static size_t seal(struct sfu_srtp_tx *tx, uint16_t seq, uint32_t ssrc, uint8_t *out)
{
    uint8_t hdr[HEADER];
    size_t len;
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, rtp_header(hdr, seq, ssrc, 0, 0),
                                          (const uint8_t *)"payload", 7, out, ROOM, &len),
                     0);
    return len;
}

static void bytes_are_those_of_the_oracle(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        const struct profile *p = &profiles[i];
        struct sfu_srtp_tx *tx = sender(p);
        struct sfu_srtp_rx *rx = receiver(p);
        srtp_t out_oracle = oracle(p, ssrc_any_outbound), in_oracle = oracle(p, ssrc_any_inbound);
        uint16_t seq = 65500; /* over the roll-over */
        for (unsigned n = 0; n < 100; n++, seq++) {
            _Alignas(16) uint8_t hdr[128], payload[1300], sealed[ROOM], theirs[ROOM];
            size_t payload_len = n * 12, len, opened;
            size_t hdr_len = rtp_header(hdr, seq, 0x1000 + n % 3, n % 5, n % 4);
            memset(payload, (int)n, sizeof payload);
            assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, hdr_len, payload, payload_len, sealed,
                                                  sizeof sealed, &len),
                             0);
            assert_int_equal(len, hdr_len + payload_len + p->rtp_extra);
            int oracle_len = (int)(hdr_len + payload_len);
            memcpy(theirs, hdr, hdr_len);
            memcpy(theirs + hdr_len, payload, payload_len);
            assert_int_equal(srtp_protect(out_oracle, theirs, &oracle_len), 0);
            assert_int_equal(oracle_len, len);
            assert_memory_equal(sealed, theirs, len);
            assert_int_equal(srtp_unprotect(in_oracle, theirs, &oracle_len), 0);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, sealed, len, &opened), 0);
            assert_int_equal(opened, hdr_len + payload_len);
            assert_memory_equal(sealed, hdr, hdr_len);
            assert_memory_equal(sealed + hdr_len, payload, payload_len);

            uint8_t rtcp[28];
            size_t rtcp_len = rtcp_packet(rtcp, 0x1000 + n % 3);
            assert_int_equal(sfu_srtp_protect_rtcp(tx, rtcp, rtcp_len, sealed, sizeof sealed, &len),
                             0);
            assert_int_equal(len, rtcp_len + p->rtcp_extra);
            memcpy(theirs, rtcp, rtcp_len);
            oracle_len = (int)rtcp_len;
            assert_int_equal(srtp_protect_rtcp(out_oracle, theirs, &oracle_len), 0);
            assert_int_equal(oracle_len, len);
            assert_memory_equal(sealed, theirs, len);
            assert_int_equal(sfu_srtp_unprotect_rtcp(rx, sealed, len, &opened), 0);
            assert_int_equal(opened, rtcp_len);
            assert_memory_equal(sealed, rtcp, rtcp_len);
        }
        assert_int_equal(sfu_srtp_tx_stats(tx)->rtp, 100);
        assert_int_equal(sfu_srtp_rx_stats(rx)->rtp, 100);
        assert_int_equal(sfu_srtp_rx_stats(rx)->rtcp, 100);
        sfu_srtp_tx_destroy(tx);
        sfu_srtp_rx_destroy(rx);
        srtp_dealloc(out_oracle);
        srtp_dealloc(in_oracle);
    }
}

/* Each length of a good packet, each byte of it wrong: an error of the right kind, and the next
 * good one passes. */
static void damage_is_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        struct sfu_srtp_tx *tx = sender(&profiles[i]);
        struct sfu_srtp_rx *rx = receiver(&profiles[i]);
        uint8_t good[ROOM], rtcp[28];
        size_t opened, len = seal(tx, 1, 5, good);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, good, cut);
            int rc = sfu_srtp_unprotect_rtp(rx, copy, cut, &opened);
            assert_int_equal(rc, cut < HEADER + profiles[i].rtp_extra ? -EBADMSG : -EACCES);
            free(copy);
        }
        for (size_t at = 1; at < len; at++) {
            uint8_t copy[ROOM];
            memcpy(copy, good, len);
            copy[at] ^= 0x80;
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, copy, len, &opened), -EACCES);
        }
        uint8_t version[64] = {0x40};
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, version, sizeof version, &opened), -EBADMSG);
        uint8_t long_header[64] = {0x9f}; /* CSRCs and an extension beyond the end */
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, long_header, sizeof long_header, &opened),
                         -EBADMSG);

        size_t rtcp_len;
        assert_int_equal(
            sfu_srtp_protect_rtcp(tx, rtcp, rtcp_packet(rtcp, 5), good, sizeof good, &rtcp_len), 0);
        for (size_t cut = 0; cut < rtcp_len; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, good, cut);
            int rc = sfu_srtp_unprotect_rtcp(rx, copy, cut, &opened);
            assert_true(rc == -EBADMSG || rc == -EACCES);
            free(copy);
        }
        assert_int_equal(sfu_srtp_unprotect_rtcp(rx, good, rtcp_len, &opened), 0);
        assert_true(sfu_srtp_rx_stats(rx)->auth > 0 && sfu_srtp_rx_stats(rx)->malformed > 0);
        assert_int_equal(sfu_srtp_rx_stats(rx)->other, 0);
        sfu_srtp_tx_destroy(tx);
        sfu_srtp_rx_destroy(rx);
    }
}

static void replays_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        struct sfu_srtp_tx *tx = sender(&profiles[i]);
        struct sfu_srtp_rx *rx = receiver(&profiles[i]);
        uint8_t sealed[3][ROOM], copy[ROOM];
        size_t len[3], opened;
        len[0] = seal(tx, 100, 5, sealed[0]);
        len[1] = seal(tx, 101, 5, sealed[1]);
        len[2] = seal(tx, 100 + 1100, 5, sealed[2]);
        static const struct {
            int packet, rc;
        } steps[] = {{1, 0}, {1, -EALREADY}, {0, 0}, {0, -EALREADY}, {2, 0}, {1, -EALREADY}};
        for (size_t k = 0; k < SFU_ARRAY_LEN(steps); k++) {
            int n = steps[k].packet;
            memcpy(copy, sealed[n], len[n]);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, copy, len[n], &opened), steps[k].rc);
        }
        assert_int_equal(sfu_srtp_rx_stats(rx)->replay, 3);
        sfu_srtp_rx_remove(rx, 4); /* unknown */
        memcpy(copy, sealed[2], len[2]);
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, copy, len[2], &opened), -EALREADY);
        sfu_srtp_rx_remove(rx, 5); /* its window stays while nobody needs the place */
        memcpy(copy, sealed[2], len[2]);
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, copy, len[2], &opened), -EALREADY);

        uint8_t hdr[HEADER];
        size_t out_len = 4711;
        size_t hdr_len = rtp_header(hdr, 101, 5, 0, 0);
        assert_int_equal(
            sfu_srtp_protect_rtp(tx, hdr, hdr_len, NULL, 0, copy, sizeof copy, &out_len),
            -EALREADY);
        assert_int_equal(out_len, 4711);
        sfu_srtp_tx_remove(tx, 5);
        assert_int_equal(
            sfu_srtp_protect_rtp(tx, hdr, hdr_len, NULL, 0, copy, sizeof copy, &out_len), 0);
        sfu_srtp_tx_destroy(tx);
        sfu_srtp_rx_destroy(rx);
    }
}

static void bad_arguments_are_refused(void **state)
{
    struct sfu_srtp_tx *tx = sender(&profiles[1]);
    uint8_t hdr[64], out[ROOM];
    size_t len, n = rtp_header(hdr, 1, 1, 0, 0);
    (void)state;
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n - 1, NULL, 0, out, ROOM, &len), -EINVAL);
    hdr[0] |= 0x10; /* an extension that is not there */
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n + 3, NULL, 0, out, ROOM, &len), -EINVAL);
    hdr[0] = 0x80;
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n, hdr, 10, out, n + 10 + 15, &len), -ENOBUFS);
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n, hdr, SIZE_MAX - 4, out, ROOM, &len),
                     -ENOBUFS);
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n, hdr, 10, out, n + 10 + 16, &len), 0);
    n = rtp_header(hdr, 2, 1, 0, 0); /* the first piece may reach into the payload */
    memset(hdr + n, 'p', 4);
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, n + 4, hdr, 10, out, ROOM, &len), 0);
    assert_int_equal(len, n + 4 + 10 + 16);
    assert_int_equal(sfu_srtp_protect_rtcp(tx, hdr, 4, out, ROOM, &len), -EINVAL);
    n = rtcp_packet(hdr, 1);
    assert_int_equal(sfu_srtp_protect_rtcp(tx, hdr, n, out, n + 23, &len), -ENOBUFS);
    assert_int_equal(sfu_srtp_protect_rtcp(tx, hdr, n, out, n + 24, &len), 0);
    sfu_srtp_tx_destroy(tx);
    assert_int_equal(sfu_srtp_tx_create(ops, SFU_SRTP_NONE, master, &tx), -EINVAL);
    assert_int_equal(sfu_srtp_key_bytes(SFU_SRTP_NONE), 0);
    sfu_srtp_tx_destroy(NULL);
    sfu_srtp_rx_destroy(NULL);
}

/* A library that made state for each forged SSRC would be drowned by them. */
static void forged_ssrcs_cost_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        struct sfu_srtp_rx *rx = receiver(&profiles[i]);
        size_t opened;
        size_t before = 0;
        for (uint32_t n = 0; n < 20000; n++) {
            uint8_t pkt[100] = {0};
            rtp_header(pkt, (uint16_t)n, n * 2654435761U, 0, 0);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, sizeof pkt, &opened), -EACCES);
            rtcp_packet(pkt, n * 2654435761U);
            memset(pkt + 28, 0xff, sizeof pkt - 28); /* with the bit that says "encrypted" */
            assert_int_equal(sfu_srtp_unprotect_rtcp(rx, pkt, sizeof pkt, &opened), -EACCES);
            if (n == 1000) {
                before = mallinfo2().uordblks;
            }
        }
        assert_true(mallinfo2().uordblks <= before + 4096);
        assert_int_equal(sfu_srtp_rx_stats(rx)->auth, 40000);
        sfu_srtp_rx_destroy(rx);
    }
}

/* And a peer with the keys may open no more than the bound; what is removed makes room. */
static void genuine_ssrcs_are_bounded(void **state)
{
    struct sfu_srtp_tx *tx = sender(&profiles[1]);
    struct sfu_srtp_rx *rx = receiver(&profiles[1]);
    uint8_t pkt[ROOM];
    size_t opened;
    (void)state;
    for (uint32_t ssrc = 1; ssrc <= 2 * SFU_SRTP_SSRCS_MAX; ssrc++) {
        size_t len = seal(tx, 1, ssrc, pkt);
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened),
                         ssrc <= SFU_SRTP_SSRCS_MAX ? 0 : -ENOBUFS);
    }
    assert_int_equal(sfu_srtp_rx_stats(rx)->ssrcs, SFU_SRTP_SSRCS_MAX);
    sfu_srtp_rx_remove(rx, 7);
    size_t len = seal(tx, 2, 1000, pkt);
    assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), 0);
    len = seal(tx, 2, 1001, pkt);
    assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), -ENOBUFS);
    len = seal(tx, 2, SFU_SRTP_SSRCS_MAX, pkt);
    assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), 0);
    sfu_srtp_tx_destroy(tx);
    sfu_srtp_rx_destroy(rx);
}

/* A track is unpublished and published again, with the SSRC of before: its sender's counter has
 * gone on. */
static void a_removed_ssrc_comes_back_with_its_rollover(void **state)
{
    static const uint16_t seqs[] = {1, 30000, 60000, 20000};
    (void)state;
    for (size_t i = 0; i < SFU_ARRAY_LEN(profiles); i++) {
        struct sfu_srtp_tx *tx = sender(&profiles[i]);
        struct sfu_srtp_rx *rx = receiver(&profiles[i]);
        uint8_t pkt[ROOM];
        size_t len, opened;
        for (size_t k = 0; k < SFU_ARRAY_LEN(seqs); k++) {
            len = seal(tx, seqs[k], 5, pkt);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), 0);
        }
        sfu_srtp_rx_remove(rx, 5);
        len = seal(tx, 20001, 5, pkt);
        assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), 0);
        /* it is in use again: no place for one more than there are */
        for (uint32_t ssrc = 101; ssrc <= 100 + SFU_SRTP_SSRCS_MAX; ssrc++) {
            len = seal(tx, 1, ssrc, pkt);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened),
                             ssrc < 100 + SFU_SRTP_SSRCS_MAX ? 0 : -ENOBUFS);
        }
        sfu_srtp_rx_remove(rx, 5);
        sfu_srtp_rx_remove(rx, 100 + SFU_SRTP_SSRCS_MAX - 1); /* the last place */
        static const struct {
            uint32_t ssrc;
            int rc;
        } places[] = {{201, 0}, {202, 0}, {203, -ENOBUFS}, {201, 0}, {202, 0}, {5, -ENOBUFS}};
        for (uint16_t k = 0; k < SFU_ARRAY_LEN(places); k++) {
            len = seal(tx, (uint16_t)(20002 + k), places[k].ssrc, pkt);
            assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), places[k].rc);
        }
        sfu_srtp_tx_destroy(tx);
        sfu_srtp_rx_destroy(rx);
    }
}

/* A client may have slots made anew for ever. */
static void sent_ssrcs_are_bounded(void **state)
{
    struct sfu_srtp_tx *tx = sender(&profiles[1]);
    uint8_t hdr[HEADER], pkt[ROOM];
    size_t len;
    (void)state;
    if (ops == &sfu_srtp_libsrtp2) {
        sfu_srtp_tx_destroy(tx);
        return;
    }
    for (uint32_t ssrc = 1; ssrc <= SFU_SRTP_SSRCS_SENT_MAX; ssrc++) {
        seal(tx, 1, ssrc, pkt);
    }
    rtp_header(hdr, 1, SFU_SRTP_SSRCS_SENT_MAX + 1, 0, 0);
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, HEADER, NULL, 0, pkt, ROOM, &len), -ENOBUFS);
    seal(tx, 2, SFU_SRTP_SSRCS_SENT_MAX, pkt);
    sfu_srtp_tx_destroy(tx);
}

static void null_twin_keeps_lengths(void **state)
{
    struct sfu_srtp_tx *tx;
    struct sfu_srtp_rx *rx;
    uint8_t hdr[HEADER], rtcp[28], pkt[ROOM];
    size_t len, opened;
    (void)state;
    assert_int_equal(sfu_srtp_tx_create(&sfu_srtp_null, SFU_SRTP_AEAD_AES_128_GCM, master, &tx), 0);
    assert_int_equal(sfu_srtp_rx_create(&sfu_srtp_null, SFU_SRTP_AEAD_AES_128_GCM, master, &rx), 0);
    assert_int_equal(sfu_srtp_protect_rtp(tx, hdr, rtp_header(hdr, 1, 1, 0, 0),
                                          (const uint8_t *)"abc", 3, pkt, ROOM, &len),
                     0);
    assert_int_equal(len, HEADER + 3 + 16);
    assert_int_equal(sfu_srtp_unprotect_rtp(rx, pkt, len, &opened), 0);
    assert_int_equal(opened, HEADER + 3);
    assert_memory_equal(pkt + HEADER, "abc", 3);
    assert_int_equal(sfu_srtp_protect_rtcp(tx, rtcp, rtcp_packet(rtcp, 1), pkt, ROOM, &len), 0);
    assert_int_equal(len, 28 + 20);
    pkt[len - 5] ^= 1;
    assert_int_equal(sfu_srtp_unprotect_rtcp(rx, pkt, len, &opened), -EACCES);
    sfu_srtp_tx_destroy(tx);
    sfu_srtp_rx_destroy(rx);
}

static int make_both(void *arg)
{
    struct sfu_srtp_tx *tx = NULL;
    struct sfu_srtp_rx *rx = NULL;
    (void)arg;
    int rc = sfu_srtp_tx_create(ops, SFU_SRTP_AEAD_AES_128_GCM, master, &tx);
    if (rc == 0) {
        rc = sfu_srtp_rx_create(ops, SFU_SRTP_AEAD_AES_128_GCM, master, &rx);
    }
    sfu_srtp_tx_destroy(tx);
    sfu_srtp_rx_destroy(rx);
    return rc;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make_both, NULL);
}

/* --- the first packet of a channel, which makes its contexts --- */

static int seal_any(struct sfu_srtp_tx *tx, bool rtcp, uint16_t seq, uint8_t *out, size_t *ret_len)
{
    uint8_t hdr[28];
    return rtcp ? sfu_srtp_protect_rtcp(tx, hdr, rtcp_packet(hdr, 5), out, ROOM, ret_len)
                : sfu_srtp_protect_rtp(tx, hdr, rtp_header(hdr, seq, 5, 0, 0),
                                       (const uint8_t *)"payload", 7, out, ROOM, ret_len);
}

static int open_any(struct sfu_srtp_rx *rx, bool rtcp, const uint8_t *pkt, size_t len)
{
    uint8_t copy[ROOM];
    size_t opened;
    memcpy(copy, pkt, len);
    return rtcp ? sfu_srtp_unprotect_rtcp(rx, copy, len, &opened)
                : sfu_srtp_unprotect_rtp(rx, copy, len, &opened);
}

/* Its n-th allocation fails: the packet is lost with its number, the next one passes.  False: it
 * has no n-th. */
static bool sealed_without(const struct profile *p, bool rtcp, unsigned n)
{
    struct sfu_srtp_tx *tx = sender(p);
    struct sfu_srtp_rx *rx = receiver(p);
    uint8_t pkt[ROOM];
    size_t len;
    alloc_fail_arm(n, ALLOC_FAIL_ALL);
    int rc = seal_any(tx, rtcp, 1, pkt, &len);
    bool failed = alloc_fail_disarm();
    if (failed ? rc != -EIO && rc != -ENOBUFS : rc != 0) {
        fail_msg("%s, %s, allocation %u: %d", p->name, rtcp ? "RTCP" : "RTP", n, rc);
    }
    if (rc == -EIO && !rtcp) {
        assert_int_equal(seal_any(tx, rtcp, 1, pkt, &len), -EALREADY);
    }
    assert_int_equal(seal_any(tx, rtcp, 2, pkt, &len), 0);
    assert_int_equal(open_any(rx, rtcp, pkt, len), 0);
    sfu_srtp_tx_destroy(tx);
    sfu_srtp_rx_destroy(rx);
    return failed;
}

/* The same for opening: not a forgery, and not seen yet. */
static bool opened_without(const struct profile *p, bool rtcp, unsigned n)
{
    struct sfu_srtp_tx *tx = sender(p);
    struct sfu_srtp_rx *rx = receiver(p);
    uint8_t pkt[ROOM];
    size_t len;
    assert_int_equal(seal_any(tx, rtcp, 1, pkt, &len), 0);
    alloc_fail_arm(n, ALLOC_FAIL_ALL);
    int rc = open_any(rx, rtcp, pkt, len);
    bool failed = alloc_fail_disarm();
    if (failed ? rc != -EIO && rc != -ENOMEM : rc != 0) {
        fail_msg("%s, %s, allocation %u: %d", p->name, rtcp ? "RTCP" : "RTP", n, rc);
    }
    assert_int_equal(open_any(rx, rtcp, pkt, len), failed ? 0 : -EALREADY);
    assert_int_equal(open_any(rx, rtcp, pkt, len), -EALREADY);
    sfu_srtp_tx_destroy(tx);
    sfu_srtp_rx_destroy(rx);
    return failed;
}

static void contexts_may_find_no_memory(void **state)
{
    static bool (*const ways[])(const struct profile *, bool, unsigned) = {sealed_without,
                                                                           opened_without};
    (void)state;
    for (size_t i = 0; ops == &sfu_srtp_evp && i < SFU_ARRAY_LEN(profiles); i++) {
        for (unsigned k = 0; k < 2 * SFU_ARRAY_LEN(ways); k++) {
            unsigned n = 1;
            while (ways[k / 2](&profiles[i], k % 2 != 0, n)) {
                n++;
            }
            /* a stream's two arrays, and unless it is there a context and what is in it */
            assert_true(n > (shared ? 2 : 4));
        }
    }
}

/* Contexts go from hand to hand: who had them before must not show, whoever it was. */
static void contexts_in_turn_know_whose_they_are(void **state)
{
    enum { PAIRS = 6 };
    struct sfu_srtp_tx *tx[PAIRS];
    struct sfu_srtp_rx *rx[PAIRS];
    uint8_t pkt[PAIRS][ROOM], own[SFU_SRTP_MASTER_MAX];
    size_t len[PAIRS];
    (void)state;
    for (unsigned i = 0; i < PAIRS; i++) {
        enum sfu_srtp_profile profile = profiles[i % SFU_ARRAY_LEN(profiles)].id;
        memcpy(own, master, sizeof own);
        own[0] = (uint8_t)i;
        assert_int_equal(sfu_srtp_tx_create(ops, profile, own, &tx[i]), 0);
        assert_int_equal(sfu_srtp_rx_create(ops, profile, own, &rx[i]), 0);
        sfu_srtp_tx_share(tx[i], shared);
        sfu_srtp_rx_share(rx[i], shared);
    }
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < PAIRS; i++) {
            assert_int_equal(seal_any(tx[i], true, 0, pkt[i], &len[i]), 0);
        }
        for (unsigned i = PAIRS; i-- > 0;) {
            if (i >= SFU_ARRAY_LEN(profiles)) { /* with another's key of the same profile */
                assert_int_equal(open_any(rx[i - SFU_ARRAY_LEN(profiles)], true, pkt[i], len[i]),
                                 -EACCES);
            }
            assert_int_equal(open_any(rx[i], true, pkt[i], len[i]), 0);
            assert_int_equal(open_any(rx[i], true, pkt[i], len[i]), -EALREADY);
        }
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        sfu_srtp_tx_destroy(tx[i]);
        sfu_srtp_rx_destroy(rx[i]);
    }
}

static int make_shared(void *arg)
{
    struct sfu_srtp_shared *s = NULL;
    (void)arg;
    int rc = sfu_srtp_shared_create(&s);
    sfu_srtp_shared_destroy(s);
    return rc;
}

static void shared_contexts_may_find_no_memory(void **state)
{
    (void)state;
    TEST_WITH_FAILING_ALLOCS(make_shared, NULL);
}

static int share(void **state)
{
    return make_master(state) || sfu_srtp_shared_create(&shared);
}

static int unshare(void **state)
{
    (void)state;
    sfu_srtp_shared_destroy(shared);
    shared = NULL;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_the_oracle),
        cmocka_unit_test(damage_is_told_apart),
        cmocka_unit_test(replays_are_refused),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(forged_ssrcs_cost_no_memory),
        cmocka_unit_test(genuine_ssrcs_are_bounded),
        cmocka_unit_test(a_removed_ssrc_comes_back_with_its_rollover),
        cmocka_unit_test(sent_ssrcs_are_bounded),
        cmocka_unit_test(null_twin_keeps_lengths),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(contexts_may_find_no_memory),
        cmocka_unit_test(contexts_in_turn_know_whose_they_are),
        cmocka_unit_test(shared_contexts_may_find_no_memory),
    };
    int failed = 0;
    ops = &sfu_srtp_evp;
    failed += cmocka_run_group_tests_name("evp", tests, make_master, NULL);
    failed += cmocka_run_group_tests_name("evp, shared", tests, share, unshare);
    ops = &sfu_srtp_libsrtp2;
    failed += cmocka_run_group_tests_name("libsrtp2", tests, make_master, NULL);
    return failed;
}
