/*
 * tests/bench/load/ice.h - ICE (RFC 8445) with one candidate on each side, by libnice's STUN codec.
 *
 * Controlling against Stoa and where we offer; controlled where Janus offers.  Owned by a peer.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_ice;

struct load_ice_conf {
    void (*send)(void *arg, const uint8_t *data, size_t len);
    void (*connected)(void *arg); /* once */
    void (*failed)(void *arg);    /* no answer for 10 s, or consent lost for 30 s */
    void *arg;
};

struct load_ice *load_ice_create(const struct load_ice_conf *conf);
void load_ice_destroy(struct load_ice *ice); /* NULL is allowed */
const char *load_ice_ufrag(const struct load_ice *ice);
const char *load_ice_pwd(const struct load_ice *ice);
/* Starts the checks. */
void load_ice_start(struct load_ice *ice, const char *ufrag, const char *pwd, bool controlling,
                    int64_t now_ns);
void load_ice_input(struct load_ice *ice, const struct sockaddr_in *from, const uint8_t *data,
                    size_t len, int64_t now_ns);
void load_ice_tick(struct load_ice *ice, int64_t now_ns); /* every few ms */
