#include <openssl/err.h>
#include <openssl/ssl.h>

#include "sfu/transport/dtls_ctx.h"

struct reason {
    int reason;
    enum sfu_dtls_failure failure;
};

static const struct reason reasons[] = {
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SFU_DTLS_NO_CERTIFICATE},
    {SSL_R_CERTIFICATE_VERIFY_FAILED, SFU_DTLS_BAD_FINGERPRINT},
};

enum sfu_dtls_failure sfu_dtls_failure_of(unsigned long error)
{
    int reason = ERR_GET_REASON(error);
    for (size_t i = 0; i < SFU_ARRAY_LEN(reasons); i++) {
        if (reasons[i].reason == reason) {
            return reasons[i].failure;
        }
    }
    return reason > SSL_AD_REASON_OFFSET ? SFU_DTLS_ALERT : SFU_DTLS_PROTOCOL;
}

const char *sfu_dtls_failure_text(enum sfu_dtls_failure failure)
{
    static const char *const texts[] = {
        [SFU_DTLS_OK] = "none",
        [SFU_DTLS_BAD_FINGERPRINT] = "fingerprint does not match",
        [SFU_DTLS_NO_CERTIFICATE] = "no certificate",
        [SFU_DTLS_NO_SRTP] = "no common SRTP profile",
        [SFU_DTLS_BUDGET] = "handshake too long",
        [SFU_DTLS_ALERT] = "refused by the peer",
        [SFU_DTLS_PROTOCOL] = "protocol error",
    };
    return failure < SFU_ARRAY_LEN(texts) ? texts[failure] : "unknown";
}
