#include "tests/bench/replay/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sfu/proto/demux.h"
#include "tests/unit/transport/stun_build.h"

static int open_socket(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int replay_client_open(struct replay_client *c, uint64_t id, uint16_t port,
                       struct sfu_dtls_ctx *ours, const struct sfu_dtls_fingerprint *server)
{
    *c = (struct replay_client){.id = id, .fd = open_socket(port)};
    if (c->fd < 0) {
        return c->fd;
    }
    sfu_ice_creds_make(&c->creds);
    return sfu_dtls_create(ours, SFU_DTLS_ACTIVE, server, &c->dtls);
}

void replay_client_close(struct replay_client *c)
{
    sfu_dtls_destroy(c->dtls);
    sfu_srtp_tx_destroy(c->tx);
    if (c->fd > 0) {
        close(c->fd);
    }
}

void replay_client_send(struct replay_client *c, const void *data, size_t len)
{
    c->sends++;
    if (write(c->fd, data, len) != (ssize_t)len) {
        perror("write");
        abort();
    }
}

void replay_client_check(struct replay_client *c)
{
    static const uint8_t priority[4] = {0x6e, 0, 0x1e, 0xff}, tie[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct stun_b b;
    char user[32];
    int n = snprintf(user, sizeof user, "%s:%s", c->creds.ufrag, REPLAY_UFRAG);
    stun_b_start(&b, 0x0001, ++c->transaction);
    stun_b_attr(&b, STUN_B_USERNAME, user, (size_t)n);
    stun_b_attr(&b, STUN_B_CONTROLLING, tie, sizeof tie);
    stun_b_attr(&b, STUN_B_USE_CANDIDATE, NULL, 0);
    stun_b_attr(&b, STUN_B_PRIORITY, priority, sizeof priority);
    stun_b_integrity(&b, c->creds.pwd);
    stun_b_fingerprint(&b);
    replay_client_send(c, b.data, b.len);
}

static int take_keys(struct replay_client *c)
{
    struct sfu_srtp_keys keys;
    int rc = sfu_dtls_keys(c->dtls, &keys);
    return rc < 0 ? rc : sfu_srtp_tx_create(&sfu_srtp_evp, keys.profile, keys.local, &c->tx);
}

int replay_client_step(struct replay_client *c, int64_t now_us)
{
    uint8_t buf[2048];
    ssize_t got;
    size_t len;
    int rc = 0;
    while (rc == 0 && (got = recv(c->fd, buf, sizeof buf, 0)) > 0) {
        if (sfu_demux(buf, (size_t)got) == SFU_DEMUX_DTLS) {
            rc = sfu_dtls_input(c->dtls, buf, (size_t)got, now_us);
        } else if (sfu_dtls_state(c->dtls) == SFU_DTLS_NEW) {
            rc = sfu_dtls_start(c->dtls, now_us); /* the check was answered */
        }
    }
    while (rc == 0 && (len = sfu_dtls_drain(c->dtls, buf, sizeof buf)) > 0) {
        replay_client_send(c, buf, len);
    }
    if (rc < 0 || sfu_dtls_state(c->dtls) != SFU_DTLS_UP) {
        return rc;
    }
    rc = c->tx ? 0 : take_keys(c);
    return rc < 0 ? rc : 1;
}
