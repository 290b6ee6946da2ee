#include "signaling/problem.h"

#include <string.h>

static void member(struct sfu_str *s, const char *name, const char *text)
{
    sfu_str_puts(s, ",\"");
    sfu_str_puts(s, name);
    sfu_str_puts(s, "\":\"");
    sfu_str_json(s, text, strlen(text));
    sfu_str_putc(s, '"');
}

void sig_problem_write(struct sfu_str *s, const struct sfu_error *error)
{
    const struct sfu_err_info *info = sfu_err_info(error->code);
    sfu_str_puts(s, "{\"status\":");
    sfu_str_putu(s, info->http);
    member(s, "title", info->text);
    member(s, "code", info->code);
    sfu_str_puts(s, info->retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    if (error->detail[0]) {
        member(s, "detail", error->detail);
    }
    if (error->field[0]) {
        member(s, "field", error->field);
    }
    if (error->retry_after_ms) {
        sfu_str_puts(s, ",\"retry_after_ms\":");
        sfu_str_putu(s, error->retry_after_ms);
    }
    sfu_str_puts(s, "}\n");
}
