/*
 * sfu/core/link_out.h - where a datagram is written: the arena of the UDP socket, or the queue of a
 * TCP connection.  For link.c and worker*.c.
 *
 * Inline, because it is called for each packet.
 */
#pragma once

#include "sfu/core/link.h"

/* As sfu_udp_reserve and sfu_tcp_reserve.  path NULL: for nobody, but it can be written to. */
static inline uint8_t *link_reserve(const struct sfu_link_env *env, const struct sfu_path *path,
                                    size_t max_len)
{
    if (SFU_UNLIKELY(path && path->tcp)) {
        return sfu_tcp_reserve(env->tcp, path->tcp, max_len);
    }
    return sfu_udp_reserve(env->udp, max_len);
}

static inline void link_commit(const struct sfu_link_env *env, const struct sfu_path *path,
                               size_t len)
{
    if (SFU_UNLIKELY(path->tcp)) {
        sfu_tcp_commit(env->tcp, path->tcp, len);
    } else {
        sfu_udp_commit(env->udp, path, len);
    }
}
