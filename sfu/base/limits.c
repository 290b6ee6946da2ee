/*
 * sfu/base/limits.c - look-ups in the table of sfu/limits.h.
 */
#include "sfu/limits.h"

#include "sfu/base/attr.h"
#include "sfu/base/str.h"

static const struct sfu_limit_info infos[SFU_LIMIT_COUNT] = {
#define LIMIT_ROW(id, name_, value_, low, high, unit_, err, text_)                                 \
    [SFU_LIMIT_##id] = {.name = (name_),                                                           \
                        .unit = (unit_),                                                           \
                        .text = (text_),                                                           \
                        .value = (value_),                                                         \
                        .lowest = (low),                                                           \
                        .highest = (high),                                                         \
                        .error = SFU_ERR_##err},
    SFU_LIMITS(LIMIT_ROW)
#undef LIMIT_ROW
};

const struct sfu_limit_info *sfu_limit_info(enum sfu_limit limit)
{
    return &infos[limit];
}

void sfu_limit_print_markdown(struct sfu_str *out)
{
    sfu_str_puts(out, "| limit | value | unit | may be set to | error | what is bounded |\n"
                      "|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < SFU_LIMIT_COUNT; i++) {
        const struct sfu_limit_info *l = &infos[i];
        sfu_str_printf(out, "| `%s` | %u | %s | ", l->name, l->value, l->unit);
        if (l->lowest == l->highest) {
            sfu_str_puts(out, "fixed");
        } else {
            sfu_str_printf(out, "%u..%u", l->lowest, l->highest);
        }
        sfu_str_printf(out, " | `%s` | %s |\n", sfu_err_info(l->error)->code, l->text);
    }
}
