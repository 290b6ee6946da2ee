/*
 * sfu/transport/tcp_kernel.h - the socket calls of ICE over TCP; inside tcp only.
 */
#pragma once

#include <stdint.h>
#include <sys/uio.h>

#include "sfu/base/attr.h"
#include "sfu/transport/addr.h"

/* A non-blocking dual-stack listener (IPv4 only where the machine has no IPv6). */
SFU_MUST_CHECK int sfu_tcp_kernel_listen(const struct sfu_addr *bind, int *ret_fd,
                                         uint16_t *ret_port);
/* 0 and a non-blocking connection with its two addresses; -EAGAIN: none waits; -errno. */
SFU_MUST_CHECK int sfu_tcp_kernel_accept(int listener, int *ret_fd, struct sfu_path *ret_path);
/* Bytes, 0: end of the stream, -EAGAIN, -errno. */
SFU_MUST_CHECK int sfu_tcp_kernel_recv(int fd, void *buf, size_t size);
SFU_MUST_CHECK int sfu_tcp_kernel_send(int fd, struct iovec *iov, int count);
