/*
 * sfu/base/metrics.c - look-ups in the tables of sfu/metrics.h.
 */
#include "sfu/metrics.h"

#include "sfu/base/str.h"

static const struct sfu_metric_family_info families[SFU_MF_COUNT] = {
#define FAMILY_ROW(id, name_, type_, label_, help_)                                                \
    [SFU_MF_##                                                                                     \
        id] = {.name = (name_), .label = (label_), .help = (help_), .type = SFU_METRIC_##type_},
    SFU_METRIC_FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};

static const struct sfu_metric_info metrics[SFU_M_COUNT] = {
#define METRIC_ROW(id, family_, value_, text_)                                                     \
    [SFU_M_##id] = {.family = SFU_MF_##family_, .value = (value_), .text = (text_)},
#define ERR_ROW(id, code, rpc, http, ws, retry, text_)                                             \
    [SFU_M_ERR_##id] = {.family = SFU_MF_RPC_ERRORS, .value = (code), .text = (text_)},
    SFU_METRICS(METRIC_ROW) SFU_ERRORS(ERR_ROW)
#undef ERR_ROW
#undef METRIC_ROW
};

static const struct sfu_hist_info hists[SFU_H_COUNT] = {
#define HIST_ROW(id, name_, help_) [SFU_H_##id] = {.name = (name_), .help = (help_)},
    SFU_METRIC_HISTS(HIST_ROW)
#undef HIST_ROW
};

const struct sfu_metric_family_info *sfu_metric_family_info(enum sfu_metric_family family)
{
    return &families[family];
}

const struct sfu_metric_info *sfu_metric_info(enum sfu_metric metric)
{
    return &metrics[metric];
}

const struct sfu_hist_info *sfu_hist_info(enum sfu_hist_id hist)
{
    return &hists[hist];
}

static void print_rows(struct sfu_str *out, enum sfu_metric_family family)
{
    for (unsigned i = 0; i < SFU_M_COUNT; i++) {
        const struct sfu_metric_info *m = &metrics[i];
        if (m->family == family && m->value) {
            sfu_str_printf(out, "| | `%s=\"%s\"` | %s |\n", families[family].label, m->value,
                           m->text);
        }
    }
}

void sfu_metric_print_markdown(struct sfu_str *out)
{
    static const char *const types[] = {"counter", "gauge"};
    sfu_str_puts(out, "| metric | type or label | meaning |\n|---|---|---|\n");
    for (unsigned i = 0; i < SFU_MF_COUNT; i++) {
        const struct sfu_metric_family_info *f = &families[i];
        sfu_str_printf(out, "| `%s` | %s | %s |\n", f->name, types[f->type], f->help);
        print_rows(out, (enum sfu_metric_family)i);
    }
    for (unsigned i = 0; i < SFU_H_COUNT; i++) {
        sfu_str_printf(out, "| `%s` | histogram | %s |\n", hists[i].name, hists[i].help);
    }
}
