/*
 * sfu/base/err.c - look-ups in the table of sfu/err.h.
 */
#include "sfu/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "sfu/base/str.h"

static const struct sfu_err_info infos[SFU_ERR_COUNT] = {
#define ERR_ROW(id, code_, rpc_, http_, ws, retry, text_)                                          \
    [SFU_ERR_##id] = {.code = (code_),                                                             \
                      .text = (text_),                                                             \
                      .rpc = (rpc_),                                                               \
                      .http = (http_),                                                             \
                      .ws_close = (ws),                                                            \
                      .retryable = (retry)},
    SFU_ERRORS(ERR_ROW)
#undef ERR_ROW
};

const struct sfu_err_info *sfu_err_info(enum sfu_err code)
{
    bool known = code > SFU_ERR_NONE && code < SFU_ERR_COUNT;
    return &infos[known ? code : SFU_ERR_INTERNAL];
}

enum sfu_err sfu_err_find(const char *code)
{
    for (unsigned i = SFU_ERR_NONE + 1; i < SFU_ERR_COUNT; i++) {
        if (strcmp(infos[i].code, code) == 0) {
            return (enum sfu_err)i;
        }
    }
    return SFU_ERR_NONE;
}

enum sfu_err sfu_err_from_errno(int err)
{
    static const struct {
        int err;
        enum sfu_err code;
    } map[] = {
        {EBADMSG, SFU_ERR_INVALID_PARAM}, {EINVAL, SFU_ERR_INVALID_PARAM},
        {EPROTO, SFU_ERR_CONFLICT},       {EEXIST, SFU_ERR_CONFLICT},
        {ENOENT, SFU_ERR_NOT_FOUND},      {EACCES, SFU_ERR_FORBIDDEN},
        {EPERM, SFU_ERR_FORBIDDEN},       {EMSGSIZE, SFU_ERR_TOO_LARGE},
        {ENOBUFS, SFU_ERR_UNAVAILABLE},   {ENOMEM, SFU_ERR_UNAVAILABLE},
        {EAGAIN, SFU_ERR_UNAVAILABLE},    {ENOSPC, SFU_ERR_UNAVAILABLE},
        {ETIMEDOUT, SFU_ERR_TIMEOUT},     {EOPNOTSUPP, SFU_ERR_UNSUPPORTED},
        {ENOTSUP, SFU_ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < SFU_ARRAY_LEN(map); i++) {
        if (err == -map[i].err) {
            return map[i].code;
        }
    }
    return err == 0 ? SFU_ERR_NONE : SFU_ERR_INTERNAL;
}

/* Builders leave out what does not fit; here the beginning is better than nothing. */
static void copy_cut(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);
    len = len < size ? len : size - 1;
    memcpy(to, from, len);
    to[len] = '\0';
}

bool sfu_error_set(struct sfu_error *ret_error, enum sfu_err code, const char *field,
                   const char *detail_fmt, ...)
{
    *ret_error = (struct sfu_error){.code = code};
    copy_cut(ret_error->field, sizeof ret_error->field, field ? field : "");
    if (detail_fmt) {
        char text[512];
        struct sfu_str s;
        va_list ap;
        sfu_str_init_fixed(&s, text, sizeof text);
        va_start(ap, detail_fmt);
        sfu_str_vprintf(&s, detail_fmt, ap);
        va_end(ap);
        copy_cut(ret_error->detail, sizeof ret_error->detail, text);
    }
    return false;
}

const char *sfu_error_text(const struct sfu_error *error)
{
    return error->detail[0] != '\0' ? error->detail : sfu_err_info(error->code)->text;
}

static void put_member(struct sfu_str *out, const char *name, const char *text)
{
    if (text[0]) {
        sfu_str_printf(out, ",\"%s\":\"", name);
        sfu_str_json(out, text, strlen(text));
        sfu_str_putc(out, '"');
    }
}

void sfu_error_put_problem(struct sfu_str *out, const struct sfu_error *error)
{
    const struct sfu_err_info *info = sfu_err_info(error->code);
    sfu_str_puts(out, "{\"status\":");
    sfu_str_putu(out, info->http);
    put_member(out, "title", info->text);
    put_member(out, "code", info->code);
    sfu_str_puts(out, info->retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    put_member(out, "detail", error->detail);
    put_member(out, "field", error->field);
    if (error->retry_after_ms) {
        sfu_str_puts(out, ",\"retry_after_ms\":");
        sfu_str_putu(out, error->retry_after_ms);
    }
    sfu_str_puts(out, "}\n");
}

void sfu_err_print_markdown(struct sfu_str *out)
{
    sfu_str_puts(out, "| code | JSON-RPC | HTTP | WebSocket close | retry | meaning |\n"
                      "|---|---|---|---|---|---|\n");
    for (unsigned i = SFU_ERR_NONE + 1; i < SFU_ERR_COUNT; i++) {
        const struct sfu_err_info *e = &infos[i];
        sfu_str_printf(out, "| `%s` | %d | %u | ", e->code, e->rpc, e->http);
        if (e->ws_close != 0) {
            sfu_str_putu(out, e->ws_close);
        } else {
            sfu_str_putc(out, '-');
        }
        sfu_str_printf(out, " | %s | %s |\n", e->retryable ? "yes" : "no", e->text);
    }
}
