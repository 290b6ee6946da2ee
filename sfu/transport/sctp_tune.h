/*
 * sfu/transport/sctp_tune.h - what the whole SCTP stack does and does not do, and how fast (RFC 8831, 5).
 *
 * For sctp.c only, on its thread, once the stack has been made.
 */
#pragma once

void sfu_sctp_tune(void);
