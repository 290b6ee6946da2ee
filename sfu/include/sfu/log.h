/*
 * sfu/include/sfu/log.h - one line per event worth telling, on stderr, as text or JSON.
 *
 *     SFU_LOG(SFU_LOG_INFO, SFU_COMP_ICE, "nominated", "peer=%" PRIu64 " addr=%s", id, addr);
 *     SFU_LOG(SFU_LOG_INFO, SFU_COMP_MAIN, "ready");
 *     SFU_LOG_LIMIT(SFU_LOG_WARN, SFU_COMP_SRTP, "bad tag", "peer=%" PRIu64, id);
 *
 * The fourth argument is a literal of "key=<one conversion>" words, checked by the compiler like
 * printf.  Conversions: d i u x (h hh l ll z j), s, .*s, c, p, f g (.n); values are escaped and
 * quoted one by one, so no value can forge a key or a line.  Any thread; one write(2) per line.
 * A level that is off costs one relaxed load.  Never log keys, tokens, a full SDP above debug, and
 * never once per packet.
 */
#pragma once

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"
#include "sfu/base/clock.h"

enum sfu_log_level {
    SFU_LOG_OFF, /* as a component's level: nothing at all */
    SFU_LOG_ERROR,
    SFU_LOG_WARN,
    SFU_LOG_INFO,
    SFU_LOG_DEBUG,
    SFU_LOG_TRACE,
};

/* clang-format off */
#define SFU_LOG_COMPONENTS(X)                                                                      \
    X(MAIN, "main") X(CONF, "conf") X(BASE, "base") X(WORKER, "worker") X(UDP, "udp")              \
    X(TCP, "tcp") X(ICE, "ice") X(DTLS, "dtls") X(SRTP, "srtp") X(SCTP, "sctp") X(RTP, "rtp")      \
    X(RTCP, "rtcp") X(SDP, "sdp") X(ROUTER, "router") X(ROOM, "room") X(PEER, "peer")              \
    X(SLOT, "slot") X(FORWARD, "forward") X(PLUGIN, "plugin") X(EDGE, "edge") X(HTTP, "http")      \
    X(WS, "ws") X(RPC, "rpc") X(AUTH, "auth") X(DIRECTORY, "directory") X(DB, "db")                \
    X(CHAT, "chat") X(RECORD, "record") X(OUT, "out") X(ADMIN, "admin") X(SESSION, "session")      \
    X(TEST, "test")
/* clang-format on */

enum sfu_log_component {
#define SFU_LOG_ROW(id, name) SFU_COMP_##id,
    SFU_LOG_COMPONENTS(SFU_LOG_ROW)
#undef SFU_LOG_ROW
        SFU_COMP_COUNT
};

enum sfu_log_format { SFU_LOG_TEXT, SFU_LOG_JSON };

struct sfu_log_limit {
    _Atomic int64_t window_us; /* start of the current second */
    _Atomic uint32_t used, suppressed;
};

extern _Atomic uint8_t sfu_log_levels[SFU_COMP_COUNT];

/* Before threads start; without it: text, level info, fd 2, the real clock. */
void sfu_log_init(int fd, enum sfu_log_format format, const struct sfu_clock *clock);
void sfu_log_set_level(enum sfu_log_component comp, enum sfu_log_level level);
void sfu_log_set_all(enum sfu_log_level level);
/* "info,ice=debug,dtls=trace": applied as a whole or, with -EINVAL, not at all. */
SFU_MUST_CHECK int sfu_log_set_spec(const char *spec);
SFU_MUST_CHECK int sfu_log_check_spec(const char *spec); /* the same without applying it */

const char *sfu_log_component_name(enum sfu_log_component comp);
const char *sfu_log_level_name(enum sfu_log_level level);
/* -ENOENT. */
SFU_MUST_CHECK int sfu_log_component_find(const char *name, enum sfu_log_component *ret_comp);
SFU_MUST_CHECK int sfu_log_level_find(const char *name, enum sfu_log_level *ret_level);

static inline bool sfu_log_on(enum sfu_log_component comp, enum sfu_log_level level)
{
    return (uint8_t)level <= atomic_load_explicit(&sfu_log_levels[comp], memory_order_relaxed);
}

void sfu_log_write(enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                   const char *kv, ...) SFU_PRINTF(4, 5);
void sfu_log_vwrite(enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                    const char *kv, va_list ap) SFU_PRINTF(4, 0);
/* False: the site has had its 5 lines of this second.  *ret_suppressed: lines lost before this one.
 */
bool sfu_log_limit_pass(struct sfu_log_limit *limit, uint32_t *ret_suppressed);

/* The line as it would be written, without level check: for tests and plugin hosts. */
size_t sfu_log_format_line(char *ret_line, size_t size, enum sfu_log_format format, int64_t wall_us,
                           enum sfu_log_level level, enum sfu_log_component comp, const char *what,
                           const char *kv, va_list ap) SFU_PRINTF(8, 0);

#define SFU_LOG(level, comp, what, ...)                                                            \
    do {                                                                                           \
        if (SFU_UNLIKELY(sfu_log_on((comp), (level)))) {                                           \
            sfu_log_write((level), (comp), what, " " __VA_ARGS__);                                 \
        }                                                                                          \
    } while (0)

/* For lines that strangers can trigger: at most 5 per second and site, then a count. */
#define SFU_LOG_LIMIT(level, comp, what, ...)                                                      \
    do {                                                                                           \
        static struct sfu_log_limit sfu_log_limit_site;                                            \
        uint32_t sfu_log_lost = 0;                                                                 \
        if (sfu_log_on((comp), (level)) &&                                                         \
            sfu_log_limit_pass(&sfu_log_limit_site, &sfu_log_lost)) {                              \
            if (sfu_log_lost > 0) {                                                                \
                sfu_log_write((level), (comp), what, " suppressed=%u", sfu_log_lost);              \
            }                                                                                      \
            sfu_log_write((level), (comp), what, " " __VA_ARGS__);                                 \
        }                                                                                          \
    } while (0)
