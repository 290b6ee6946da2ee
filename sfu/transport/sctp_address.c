#include "sfu/transport/sctp_address.h"

#include <errno.h>
#include <stdlib.h>
#include <usrsctp.h>

struct sfu_sctp_addresses {
    uint32_t max, known;            /* addresses are 1 to known */
    uint32_t free_head, free_count; /* of the ring unused */
    uint32_t *unused;
    uint64_t *owner;
};

static uint32_t index_of(const void *address)
{
    return (uint32_t)((uintptr_t)address - 1);
}

static void *address_at(uint32_t i)
{
    return (void *)((uintptr_t)i + 1); // NOLINT: a number, never followed
}

int sfu_sctp_addresses_create(uint32_t max, struct sfu_sctp_addresses **ret_a)
{
    struct sfu_sctp_addresses *a = calloc(1, sizeof(*a));
    if (!a) {
        return -ENOMEM;
    }
    a->max = max;
    a->unused = calloc(max, sizeof(*a->unused));
    a->owner = calloc(max, sizeof(*a->owner));
    if (!a->unused || !a->owner) {
        sfu_sctp_addresses_destroy(a);
        return -ENOMEM;
    }
    *ret_a = a;
    return 0;
}

void sfu_sctp_addresses_destroy(struct sfu_sctp_addresses *a)
{
    if (a) {
        free(a->unused);
        free(a->owner);
        free(a);
    }
}

void *sfu_sctp_address_take(struct sfu_sctp_addresses *a, uint64_t id)
{
    uint32_t i;
    if (a->free_count > 0) {
        i = a->unused[a->free_head];
        a->free_head = (a->free_head + 1) % a->max;
        a->free_count--;
    } else if (a->known < a->max) {
        i = a->known++;
        usrsctp_register_address(address_at(i));
    } else {
        return NULL;
    }
    a->owner[i] = id;
    return address_at(i);
}

void sfu_sctp_address_give_back(struct sfu_sctp_addresses *a, const void *address)
{
    if (address) {
        uint32_t i = index_of(address);
        a->owner[i] = 0;
        a->unused[(a->free_head + a->free_count++) % a->max] = i;
    }
}

uint64_t sfu_sctp_address_owner(const struct sfu_sctp_addresses *a, const void *address)
{
    uint32_t i = index_of(address);
    return i < a->known ? a->owner[i] : 0;
}
