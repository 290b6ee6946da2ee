/*
 * tests/integration/native/delays.h - a histogram of delays whose buckets grow by a sixteenth.
 *
 * No allocation; embed it, zeroed.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

enum { NAT_DELAY_BUCKETS = 400, NAT_DELAY_LATE_US = 50000 };

struct nat_delays {
    uint64_t buckets[NAT_DELAY_BUCKETS];
    uint64_t count, late; /* late: beyond NAT_DELAY_LATE_US */
    int64_t max_us;
};

void nat_delays_add(struct nat_delays *h, int64_t us);
json_t *nat_delays_stats(const struct nat_delays *h); /* {count, late, p50, p95, p99, max} in ms */
