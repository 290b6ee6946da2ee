#include "signaling/directory/name.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

enum {
    NAME_MAX_BYTES = 128,
    /* NFC never makes UTF-8 more than three times longer (TR15, 12.1) */
    NFC_BYTES = NAME_MAX_BYTES * 3,
    ZERO_WIDTH_NON_JOINER = 0x200c,
    ZERO_WIDTH_JOINER = 0x200d,
};

static bool is_noncharacter(ucs4_t c)
{
    return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* Characters that change how the text around them looks without being seen themselves; the joiners
 * stay: Persian words and most emoji need them. */
static bool is_refused(ucs4_t c)
{
    if (c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER) {
        return false;
    }
    return is_noncharacter(c) ||
           uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cf |
                                                   UC_CATEGORY_MASK_Cs | UC_CATEGORY_MASK_Zl |
                                                   UC_CATEGORY_MASK_Zp);
}

static bool is_space(ucs4_t c)
{
    return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Zs);
}

static int check_characters(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        ucs4_t c = 0;
        int n = u8_mbtoucr(&c, s + i, len - i);
        if (n <= 0 || is_refused(c)) {
            return -EBADMSG;
        }
        bool at_end = i == 0 || i + (size_t)n == len;
        if (at_end && (is_space(c) || c == ZERO_WIDTH_JOINER || c == ZERO_WIDTH_NON_JOINER)) {
            return -EBADMSG;
        }
        i += (size_t)n;
    }
    return 0;
}

int sig_dir_name(const char *text, size_t len, size_t max_bytes, char *ret_name)
{
    if (max_bytes > NAME_MAX_BYTES) {
        return -EINVAL;
    }
    /* composing can only shorten a text by so much; anything longer need not be looked at */
    if (len > NFC_BYTES) {
        return -ENOBUFS;
    }
    if (len == 0 || u8_check((const uint8_t *)text, len)) {
        return -EBADMSG;
    }
    uint8_t buf[NFC_BYTES * 3];
    size_t nfc_len = sizeof buf;
    uint8_t *nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)text, len, buf, &nfc_len);
    if (!nfc) {
        return -ENOMEM;
    }
    int err = nfc_len > max_bytes ? -ENOBUFS : check_characters(nfc, nfc_len);
    if (!err) {
        memcpy(ret_name, nfc, nfc_len);
        ret_name[nfc_len] = '\0';
    }
    if (nfc != buf) {
        free(nfc);
    }
    return err;
}
