#include "tests/integration/native/delays.h"

#include <glib.h>
#include <math.h>

#define GROWTH (17.0 / 16.0)

void nat_delays_add(struct nat_delays *h, int64_t us)
{
    us = MAX(us, 1);
    unsigned bucket = (unsigned)(log((double)us) / log(GROWTH));
    h->buckets[MIN(bucket, NAT_DELAY_BUCKETS - 1U)]++;
    h->count++;
    h->late += us > NAT_DELAY_LATE_US;
    h->max_us = MAX(h->max_us, us);
}

/* Upper end of the bucket in which the percentile lies. */
static double percentile_ms(const struct nat_delays *h, double share)
{
    double wanted = (double)h->count * share, seen = 0;
    for (unsigned i = 0; i < NAT_DELAY_BUCKETS; i++) {
        seen += (double)h->buckets[i];
        if (seen >= wanted && seen > 0) {
            return MIN(pow(GROWTH, i + 1), (double)h->max_us) / 1000;
        }
    }
    return 0;
}

json_t *nat_delays_stats(const struct nat_delays *h)
{
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)h->count, "late",
                     (json_int_t)h->late, "p50", percentile_ms(h, 0.5), "p95",
                     percentile_ms(h, 0.95), "p99", percentile_ms(h, 0.99), "max",
                     (double)h->max_us / 1000);
}
