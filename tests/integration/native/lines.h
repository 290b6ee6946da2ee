/*
 * tests/integration/native/lines.h - which m-lines a peer offers, and what it sends on them.
 *
 * Main loop thread.
 */
#pragma once

#include "tests/integration/native/media.h"
#include "tests/integration/native/peer.h"
#include "tests/integration/native/sdp.h"

/* Adds to an offer without lines what conf publishes, then pairs that only receive, then (data) one
 * for data channels.  Makes the senders. */
void nat_lines_build(const struct nat_peer_conf *conf, bool data, struct nat_media *media,
                     struct nat_offer *offer);
/* Of the lines that it makes: [{mid, source}, …]; bits of enum nat_publish. */
json_t *nat_lines_tracks(unsigned bits);
