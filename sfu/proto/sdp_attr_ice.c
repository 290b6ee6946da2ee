/* Attributes of ICE and DTLS. */
#include <string.h>

#include "sfu/base/str.h"
#include "sfu/proto/sdp_parser.h"

static bool is_ice_chars(struct sfu_sdp_span text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.s[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            c != '+' && c != '/') {
            return false;
        }
    }
    return true;
}

/* RFC 8839, 5.4: ice-char = ALPHA / DIGIT / "+" / "/". */
static bool is_credential(struct sfu_sdp_span text, uint32_t min)
{
    return text.len >= min && text.len <= SFU_SDP_MAX_UFRAG_LEN && is_ice_chars(text);
}

int sfu_sdp_attr_ufrag(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    if (!is_credential(value, 4)) {
        return sfu_sdp_parser_fail(p, "ice-ufrag", "is not 4..256 ice-chars");
    }
    p->transport->ufrag = value;
    return 0;
}

int sfu_sdp_attr_pwd(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    if (!is_credential(value, 22)) {
        return sfu_sdp_parser_fail(p, "ice-pwd", "is not 22..256 ice-chars");
    }
    p->transport->pwd = value;
    return 0;
}

int sfu_sdp_attr_ice_options(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    while (value.len > 0) {
        struct sfu_sdp_span word = sfu_sdp_span_word(&value);
        while (word.len > 0) { /* libdatachannel, and so OBS, writes "ice2,trickle" */
            if (sfu_sdp_span_is(sfu_sdp_span_cut(&word, ','), "trickle")) {
                p->transport->trickle = true;
            }
        }
    }
    return 0;
}

int sfu_sdp_attr_setup(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    static const char *const names[] = {
        [SFU_SDP_SETUP_ACTPASS] = "actpass",
        [SFU_SDP_SETUP_ACTIVE] = "active",
        [SFU_SDP_SETUP_PASSIVE] = "passive",
        [SFU_SDP_SETUP_HOLDCONN] = "holdconn",
    };

    value = sfu_sdp_span_trim(value);
    for (unsigned i = SFU_SDP_SETUP_ACTPASS; i < SFU_ARRAY_LEN(names); i++) {
        if (sfu_sdp_span_is(value, names[i])) {
            p->transport->setup = (enum sfu_sdp_setup)i;
            return 0;
        }
    }
    return sfu_sdp_parser_fail(p, "setup", "is not actpass, active, passive or holdconn");
}

/* "AB:CD:…" of exactly 32 bytes. */
static bool fingerprint_bytes(struct sfu_sdp_span text, uint8_t ret[32])
{
    for (unsigned i = 0; i < 32; i++) {
        struct sfu_sdp_span byte = sfu_sdp_span_cut(&text, ':');
        if (byte.len != 2 || sfu_str_unhex(byte.s, byte.len, ret + i, 1) != 1) {
            return false;
        }
    }
    return text.len == 0;
}

int sfu_sdp_attr_fingerprint(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp_transport *t = p->transport;
    uint8_t bytes[32];

    if (!sfu_sdp_span_is_nocase(sfu_sdp_span_word(&value), "sha-256")) {
        t->other_fingerprint = true;
        return 0;
    }
    if (!fingerprint_bytes(sfu_sdp_span_trim(value), bytes)) {
        return sfu_sdp_parser_fail(p, "fingerprint", "sha-256 needs 32 bytes as XX:XX:…");
    }
    if (t->has_sha256 && memcmp(t->sha256, bytes, sizeof(bytes)) != 0) {
        return sfu_sdp_parser_fail(p, "fingerprint", "two different ones of one hash");
    }
    t->has_sha256 = true;
    memcpy(t->sha256, bytes, sizeof(bytes));
    return 0;
}

/* foundation component transport priority address port "typ" type …  (RFC 8839, 5.1) */
static bool candidate_parse(struct sfu_sdp_span value, struct sfu_sdp_candidate *ret)
{
    struct sfu_sdp_span transport;
    uint64_t component, priority, port;

    ret->foundation = sfu_sdp_span_word(&value);
    if (!sfu_sdp_span_u64(sfu_sdp_span_word(&value), 255, &component)) {
        return false;
    }
    transport = sfu_sdp_span_word(&value);
    if (!sfu_sdp_span_u64(sfu_sdp_span_word(&value), UINT32_MAX, &priority) || priority == 0) {
        return false;
    }
    ret->address = sfu_sdp_span_word(&value);
    if (!sfu_sdp_span_u64(sfu_sdp_span_word(&value), UINT16_MAX, &port) ||
        !sfu_sdp_span_is(sfu_sdp_span_word(&value), "typ")) {
        return false;
    }
    ret->type = sfu_sdp_span_word(&value);
    ret->component = (uint8_t)component;
    ret->udp = sfu_sdp_span_is_nocase(transport, "udp");
    ret->priority = (uint32_t)priority;
    ret->port = (uint16_t)port;
    return ret->type.len > 0;
}

int sfu_sdp_attr_candidate(struct sfu_sdp_parser *p, struct sfu_sdp_span value)
{
    struct sfu_sdp *sdp = p->sdp;
    struct sfu_sdp_candidate candidate = {.media = (uint8_t)(p->media - sdp->media)};

    if (sdp->candidate_count == SFU_SDP_MAX_CANDIDATES || !candidate_parse(value, &candidate)) {
        sdp->candidates_dropped++;
        return 0;
    }
    sdp->candidates[sdp->candidate_count++] = candidate;
    return 0;
}
