/*
 * sfu/base/log.c - levels, rate limit and the one write per line; logfmt.c makes the line.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sfu/log.h"

enum { LINE_BYTES = 2048, PER_SECOND = 5, SECOND_US = 1000000 };

#define LOG_LEVEL_DEFAULT(id, name) [SFU_COMP_##id] = SFU_LOG_INFO,
_Atomic uint8_t sfu_log_levels[SFU_COMP_COUNT] = {SFU_LOG_COMPONENTS(LOG_LEVEL_DEFAULT)};

static struct {
    _Atomic int fd;
    _Atomic int format;
    _Atomic(const struct sfu_clock *) clock;
} sink = {.fd = STDERR_FILENO};

static const char *const level_names[] = {
    [SFU_LOG_OFF] = "off",   [SFU_LOG_ERROR] = "error", [SFU_LOG_WARN] = "warn",
    [SFU_LOG_INFO] = "info", [SFU_LOG_DEBUG] = "debug", [SFU_LOG_TRACE] = "trace",
};

#define LOG_COMPONENT_NAME(id, name) [SFU_COMP_##id] = name,
static const char *const component_names[] = {SFU_LOG_COMPONENTS(LOG_COMPONENT_NAME)};

void sfu_log_init(int fd, enum sfu_log_format format, const struct sfu_clock *clock)
{
    atomic_store(&sink.fd, fd);
    atomic_store(&sink.format, (int)format);
    atomic_store(&sink.clock, clock);
}

static const struct sfu_clock *sink_clock(void)
{
    const struct sfu_clock *clock = atomic_load_explicit(&sink.clock, memory_order_relaxed);
    return clock ? clock : sfu_clock_real();
}

void sfu_log_set_level(enum sfu_log_component comp, enum sfu_log_level level)
{
    atomic_store_explicit(&sfu_log_levels[comp], (uint8_t)level, memory_order_relaxed);
}

void sfu_log_set_all(enum sfu_log_level level)
{
    for (unsigned i = 0; i < SFU_COMP_COUNT; i++) {
        sfu_log_set_level((enum sfu_log_component)i, level);
    }
}

const char *sfu_log_component_name(enum sfu_log_component comp)
{
    return (unsigned)comp < SFU_COMP_COUNT ? component_names[comp] : "?";
}

const char *sfu_log_level_name(enum sfu_log_level level)
{
    return (unsigned)level < SFU_ARRAY_LEN(level_names) ? level_names[level] : "?";
}

static int name_find(const char *const *names, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            return (int)i;
        }
    }
    return -ENOENT;
}

int sfu_log_component_find(const char *name, enum sfu_log_component *ret_comp)
{
    int i = name_find(component_names, SFU_COMP_COUNT, name, strlen(name));
    if (i < 0) {
        return i;
    }
    *ret_comp = (enum sfu_log_component)i;
    return 0;
}

int sfu_log_level_find(const char *name, enum sfu_log_level *ret_level)
{
    int i = name_find(level_names, SFU_ARRAY_LEN(level_names), name, strlen(name));
    if (i < 0) {
        return i;
    }
    *ret_level = (enum sfu_log_level)i;
    return 0;
}

/* "debug" for all or "ice=debug" for one; -EINVAL. */
static int spec_word(const char *word, size_t len, uint8_t levels[SFU_COMP_COUNT])
{
    const char *eq = memchr(word, '=', len);
    const char *level_name = eq ? eq + 1 : word;
    size_t level_len = len - (size_t)(level_name - word);
    int level = name_find(level_names, SFU_ARRAY_LEN(level_names), level_name, level_len);
    if (level < 0) {
        return -EINVAL;
    }
    if (!eq) {
        memset(levels, level, SFU_COMP_COUNT);
        return 0;
    }
    int comp = name_find(component_names, SFU_COMP_COUNT, word, (size_t)(eq - word));
    if (comp < 0) {
        return -EINVAL;
    }
    levels[comp] = (uint8_t)level;
    return 0;
}

/* levels: in, the ones in force; out, with the spec applied. */
static int spec_parse(const char *spec, uint8_t levels[SFU_COMP_COUNT])
{
    for (const char *word = spec; *word != '\0';) {
        size_t len = strcspn(word, ",");
        int err = spec_word(word, len, levels);
        if (err) {
            return err;
        }
        word += len;
        word += *word == ',';
    }
    return 0;
}

int sfu_log_check_spec(const char *spec)
{
    uint8_t levels[SFU_COMP_COUNT] = {0};
    return spec_parse(spec, levels);
}

int sfu_log_set_spec(const char *spec)
{
    uint8_t levels[SFU_COMP_COUNT];
    for (unsigned i = 0; i < SFU_COMP_COUNT; i++) {
        levels[i] = atomic_load_explicit(&sfu_log_levels[i], memory_order_relaxed);
    }
    int err = spec_parse(spec, levels);
    if (err) {
        return err;
    }
    for (unsigned i = 0; i < SFU_COMP_COUNT; i++) {
        sfu_log_set_level((enum sfu_log_component)i, (enum sfu_log_level)levels[i]);
    }
    return 0;
}

void sfu_log_vwrite(enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                    const char *kv, va_list ap)
{
    char line[LINE_BYTES];
    const int saved = errno; /* a log line between a call and its errno must not change it */
    const struct sfu_clock *clock = sink_clock();
    size_t n = sfu_log_format_line(
        line, sizeof line,
        (enum sfu_log_format)atomic_load_explicit(&sink.format, memory_order_relaxed),
        sfu_clock_wall_us(clock), level, comp, what, kv, ap);
    ssize_t written = write(atomic_load_explicit(&sink.fd, memory_order_relaxed), line, n);
    (void)written; /* nowhere to complain */
    errno = saved;
}

void sfu_log_write(enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                   const char *kv, ...)
{
    va_list ap;
    va_start(ap, kv);
    sfu_log_vwrite(level, comp, what, kv, ap);
    va_end(ap);
}

bool sfu_log_limit_pass(struct sfu_log_limit *limit, uint32_t *ret_suppressed)
{
    int64_t now = sfu_clock_mono_us(sink_clock());
    int64_t window = atomic_load_explicit(&limit->window_us, memory_order_relaxed);
    if (now - window >= SECOND_US || window == 0) {
        /* the thread that moves the window reports what the last one lost */
        if (atomic_compare_exchange_strong(&limit->window_us, &window, now)) {
            atomic_store_explicit(&limit->used, 1, memory_order_relaxed);
            *ret_suppressed = atomic_exchange_explicit(&limit->suppressed, 0, memory_order_relaxed);
            return true;
        }
    }
    if (atomic_fetch_add_explicit(&limit->used, 1, memory_order_relaxed) < PER_SECOND) {
        *ret_suppressed = 0;
        return true;
    }
    atomic_fetch_add_explicit(&limit->suppressed, 1, memory_order_relaxed);
    return false;
}
