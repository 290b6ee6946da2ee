/*
 * sfu/transport/dtls_record.h - the outer shape of a DTLS 1.2 datagram (RFC 6347, 4.1).
 *
 * Pure; inside dtls only, and for tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

/*
 * Is this one or more whole records of known types?  0 and the number of records that are not of
 * epoch 0 (which are kept until there are keys); -EBADMSG: ignore the datagram.
 */
SFU_MUST_CHECK int sfu_dtls_records(const uint8_t *data, size_t len, unsigned *ret_early);

/* Does such a datagram hold a handshake message under keys?  In DTLS 1.2 without renegotiation only
 * Finished is one. */
bool sfu_dtls_finished_again(const uint8_t *data, size_t len);
