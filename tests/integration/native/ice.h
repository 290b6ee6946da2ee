/*
 * tests/integration/native/ice.h - full ICE by libnice's NiceAgent: one stream, one component,
 * controlling.
 *
 * Main loop thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nat_ice;

struct nat_ice_ops {
    void (*gathered)(void *arg);  /* credentials and candidates are there; once */
    void (*connected)(void *arg); /* a pair is selected; again after a restart */
    void (*failed)(void *arg);    /* no pair, or consent is lost */
    void (*packet)(void *arg, const uint8_t *data, size_t len);
};

enum nat_ice_mode {
    NAT_ICE_UDP,
    NAT_ICE_TCP,   /* no UDP at all (RFC 6544) */
    NAT_ICE_RELAY, /* only by the TURN servers that the server names */
};

/* servers: "ice_servers" of session.open, borrowed. */
struct nat_ice *nat_ice_create(const struct nat_ice_ops *ops, void *arg, enum nat_ice_mode mode,
                               const json_t *servers);
void nat_ice_destroy(struct nat_ice *ice); /* NULL is allowed */

/* Our side, for the offer. */
const char *nat_ice_ufrag(const struct nat_ice *ice);
const char *nat_ice_pwd(const struct nat_ice *ice);

/* The answer's side. candidates: lines "candidate:…" without "a=", NULL at the end. */
bool nat_ice_set_remote(struct nat_ice *ice, const char *ufrag, const char *pwd,
                        const char *const *candidates);
/* New credentials (read them again); the old pair is used until set_remote. */
void nat_ice_restart(struct nat_ice *ice);
void nat_ice_send(struct nat_ice *ice, const uint8_t *data, size_t len);
/* Of the selected pair, as text for statistics, "udp" or "tcp" and "relay" behind it; "" while there
 * is none. */
const char *nat_ice_pair(const struct nat_ice *ice);
