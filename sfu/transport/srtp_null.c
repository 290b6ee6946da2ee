#include <errno.h>
#include <string.h>

#include "sfu/transport/srtp_ops.h"

enum { TAG_BYTES = 16, INDEX_BYTES = 4 };

/* A constant tag keeps lengths as they are on the wire and lets a test forge a wrong one. */
static const uint8_t tag[TAG_BYTES] = {'n', 'o', 't', ' ', 's', 'e', 'a', 'l',
                                       'e', 'd', ' ', 't', 'e', 's', 't', 's'};

static int null_init(void *impl, enum sfu_srtp_profile profile, const uint8_t *master,
                     bool outbound)
{
    (void)impl;
    (void)profile;
    (void)master;
    (void)outbound;
    return 0;
}

static void null_fini(void *impl)
{
    (void)impl;
}

static int null_protect(void *impl, bool rtcp, const struct sfu_srtp_plain *plain, uint8_t *out,
                        size_t *ret_len)
{
    size_t len = plain->hdr_len + plain->payload_len;
    (void)impl;
    memcpy(out, plain->hdr, plain->hdr_len);
    if (plain->payload_len > 0) {
        memcpy(out + plain->hdr_len, plain->payload, plain->payload_len);
    }
    memcpy(out + len, tag, sizeof tag);
    len += sizeof tag;
    if (rtcp) {
        memset(out + len, 0, INDEX_BYTES);
        len += INDEX_BYTES;
    }
    *ret_len = len;
    return 0;
}

static int null_unprotect(void *impl, bool rtcp, uint8_t *pkt, size_t len, size_t *ret_len)
{
    size_t trailer = sizeof tag + (rtcp ? (size_t)INDEX_BYTES : 0);
    (void)impl;
    if (len < trailer) {
        return -EBADMSG;
    }
    if (memcmp(pkt + len - trailer, tag, sizeof tag) != 0) {
        return -EACCES;
    }
    *ret_len = len - trailer;
    return 0;
}

static void null_remove(void *impl, uint32_t ssrc)
{
    (void)impl;
    (void)ssrc;
}

const struct sfu_srtp_ops sfu_srtp_null = {
    .name = "null",
    .init = null_init,
    .fini = null_fini,
    .protect = null_protect,
    .unprotect = null_unprotect,
    .remove = null_remove,
};
