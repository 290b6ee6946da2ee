/*
 * sfu/transport/udp_kernel.h - sfu_udp_ops over a real socket; inside udp only.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "sfu/transport/udp.h"
#include "sfu/transport/udp_runs.h"

/* Receiving: one packet info and one overflow counter.  Sending: one packet info and one segment
 * size. */
enum { SFU_UDP_CONTROL_BYTES = 128 };

/* The arrays of the system calls live here, so that a batch touches no stack pages. */
struct sfu_udp_kernel {
    int fd;
    bool v4;      /* no IPv6 on this machine: an AF_INET socket */
    bool segment; /* the kernel takes runs (UDP_SEGMENT, Linux 4.18), and so far the device did */
    uint16_t port;
    int rcvbuf_bytes, sndbuf_bytes;
    struct sfu_udp_run runs[SFU_UDP_TX_BATCH];
    struct mmsghdr msgs[SFU_UDP_TX_BATCH];
    struct iovec iov[SFU_UDP_TX_BATCH];
    struct sockaddr_storage names[SFU_UDP_TX_BATCH];
    union {
        struct cmsghdr align;
        uint8_t bytes[SFU_UDP_CONTROL_BYTES];
    } control[SFU_UDP_TX_BATCH];
};

extern const struct sfu_udp_ops sfu_udp_kernel_ops;

SFU_MUST_CHECK int sfu_udp_kernel_open(const struct sfu_udp_conf *conf,
                                       struct sfu_udp_kernel **ret_kernel);
