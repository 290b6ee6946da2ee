/*
 * sfu/base/prometheus.c - the numbers of stat.h in the text exposition format 0.0.4.
 */
#include <inttypes.h>

#include "sfu/base/stat.h"
#include "sfu/base/str.h"

/* Upper bounds in microseconds: powers of four, 1 us .. 67 s. */
enum { BOUNDS = 14 };

static void print_head(struct sfu_str *out, const char *name, const char *help, const char *type)
{
    sfu_str_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_rows(struct sfu_str *out, enum sfu_metric_family family)
{
    const struct sfu_metric_family_info *f = sfu_metric_family_info(family);
    for (unsigned i = 0; i < SFU_M_COUNT; i++) {
        const struct sfu_metric_info *m = sfu_metric_info((enum sfu_metric)i);
        if (m->family != family) {
            continue;
        }
        sfu_str_puts(out, f->name);
        if (m->value) {
            sfu_str_printf(out, "{%s=\"%s\"}", f->label, m->value);
        }
        if (f->type == SFU_METRIC_GAUGE) {
            sfu_str_printf(out, " %" PRId64 "\n", sfu_stat_gauge_get((enum sfu_metric)i));
        } else {
            sfu_str_printf(out, " %" PRIu64 "\n", sfu_stat_get((enum sfu_metric)i));
        }
    }
}

static void print_hist(struct sfu_str *out, enum sfu_hist_id id)
{
    const struct sfu_hist_info *info = sfu_hist_info(id);
    struct sfu_hist sum;
    uint64_t count = 0;
    unsigned bucket = 0;
    sfu_stat_hist_sum(id, &sum);
    print_head(out, info->name, info->help, "histogram");
    for (unsigned i = 0; i < BOUNDS; i++) {
        int64_t bound = INT64_C(1) << (2 * i);
        /* microseconds were cut, not rounded: below the bound is what took at most the bound */
        for (; bucket < SFU_HIST_BUCKETS && sfu_hist_bucket_top(bucket) < bound; bucket++) {
            count += atomic_load_explicit(&sum.bucket[bucket], memory_order_relaxed);
        }
        sfu_str_printf(out, "%s_bucket{le=\"%.6f\"} %" PRIu64 "\n", info->name, (double)bound / 1e6,
                       count);
    }
    uint64_t total = sfu_hist_count(&sum);
    sfu_str_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", info->name, total);
    sfu_str_printf(out, "%s_sum %.6f\n", info->name,
                   (double)atomic_load_explicit(&sum.sum, memory_order_relaxed) / 1e6);
    sfu_str_printf(out, "%s_count %" PRIu64 "\n", info->name, total);
}

void sfu_stat_print_prometheus(struct sfu_str *out)
{
    for (unsigned i = 0; i < SFU_MF_COUNT; i++) {
        const struct sfu_metric_family_info *f = sfu_metric_family_info((enum sfu_metric_family)i);
        print_head(out, f->name, f->help, f->type == SFU_METRIC_GAUGE ? "gauge" : "counter");
        print_rows(out, (enum sfu_metric_family)i);
    }
    for (unsigned i = 0; i < SFU_H_COUNT; i++) {
        print_hist(out, (enum sfu_hist_id)i);
    }
}
