/*
 * sfu/base/list.h - intrusive doubly linked list: circular, with a head that is a node itself.
 *
 * The node lives in the object, the list owns nothing.  No thread safety.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sfu/base/attr.h"

struct sfu_list {
    struct sfu_list *next, *prev;
};

/* Heads and nodes both: a node that was initialised or removed reports "not linked". */
static inline void sfu_list_init(struct sfu_list *node)
{
    node->next = node;
    node->prev = node;
}

static inline bool sfu_list_empty(const struct sfu_list *head)
{
    return head->next == head;
}

static inline bool sfu_list_linked(const struct sfu_list *node)
{
    return node->next != node;
}

static inline void sfu_list_insert_between(struct sfu_list *node, struct sfu_list *prev,
                                           struct sfu_list *next)
{
    node->prev = prev;
    node->next = next;
    prev->next = node;
    next->prev = node;
}

static inline void sfu_list_push_back(struct sfu_list *head, struct sfu_list *node)
{
    sfu_list_insert_between(node, head->prev, head);
}

static inline void sfu_list_push_front(struct sfu_list *head, struct sfu_list *node)
{
    sfu_list_insert_between(node, head, head->next);
}

/* Allowed on a node that is not linked (but initialised). */
static inline void sfu_list_remove(struct sfu_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    sfu_list_init(node);
}

/* NULL when empty. */
static inline struct sfu_list *sfu_list_pop_front(struct sfu_list *head)
{
    struct sfu_list *node = head->next;
    if (node == head) {
        return NULL;
    }
    sfu_list_remove(node);
    return node;
}

/* Moves all nodes of from behind those of to; from is empty afterwards. */
static inline void sfu_list_splice_back(struct sfu_list *to, struct sfu_list *from)
{
    if (sfu_list_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    sfu_list_init(from);
}

/* SFU_LIST_ENTRY(node, struct peer, link) is the object around a node. */
#define SFU_LIST_ENTRY(node, type, member) SFU_CONTAINER_OF(node, type, member)

#define SFU_LIST_FOREACH(node, head)                                                               \
    for (struct sfu_list *node = (head)->next; node != (head); node = node->next)

/* The body may remove and free the current node, no other. */
#define SFU_LIST_FOREACH_SAFE(node, head)                                                          \
    for (struct sfu_list *node = (head)->next, *node##_next = node->next; node != (head);          \
         node = node##_next, node##_next = node->next)
