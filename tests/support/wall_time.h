/*
 * tests/support/wall_time.h - the time of day that libraries are told which ask for it themselves.
 *
 * The SCTP stack does, to tell which packets are old enough to be lost, and OpenSSL, for the timers of
 * DTLS.  In a program that calls one of these gettimeofday is not libc's: it stands still until the
 * test moves it, and never goes back.
 */
#pragma once

#include <stdint.h>

int64_t wall_time_us(void); /* since 1970 */
void wall_time_advance(int64_t us);
