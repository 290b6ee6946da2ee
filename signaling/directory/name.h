/*
 * signaling/directory/name.h - the one form of a name that people type: rooms, identities, display
 * names.
 *
 * Pure; any thread.
 */
#pragma once

#include <stddef.h>

#include "sfu/base/attr.h"

/*
 * Writes the NFC form (Unicode TR15) with a NUL behind; 1..max_bytes bytes after normalising,
 * max_bytes <= 128, ret_name holds max_bytes + 1.
 * -EBADMSG: not UTF-8, empty, with control or format characters (bidi overrides …; the two joiners
 * are fine inside), line separators or noncharacters, or with white space at an end; -ENOBUFS: too
 * long; -ENOMEM.
 */
SFU_MUST_CHECK int sig_dir_name(const char *text, size_t len, size_t max_bytes, char *ret_name);
