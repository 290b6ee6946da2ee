/*
 * sfu/base/mailbox.h - bounded queue of fixed-size messages, many producers, one consumer.
 *
 * Owned by the consumer's thread; any thread may post.  Messages are copied in and out, in the
 * order in which producers got their cell.  The consumer sleeps on fd() (an eventfd), which
 * producers write only when the consumer said that it sleeps, so a busy mailbox costs no system
 * call.
 *
 * Space can be reserved ahead for events that must arrive: post takes only unreserved cells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/base/attr.h"

struct sfu_mailbox; /* body in mailbox.c */

/* cells: 2..1048576, rounded up to a power of two; cell_size: 8..4096 bytes.
 * -EINVAL, -ENOMEM, or the errno of eventfd(). */
SFU_MUST_CHECK int sfu_mailbox_create(uint32_t cells, uint32_t cell_size,
                                      struct sfu_mailbox **ret_mb);
/* No producer may be left.  Messages inside are dropped: receive them first if they own memory. */
void sfu_mailbox_destroy(struct sfu_mailbox *mb); /* NULL is allowed */

/* Any thread.  size <= cell_size; the rest of the cell is zero.  -ENOBUFS when no unreserved cell
 * is free, -EMSGSIZE. */
SFU_MUST_CHECK int sfu_mailbox_post(struct sfu_mailbox *mb, const void *msg, size_t size);

/* The same without waking the consumer, who may sleep until sfu_mailbox_ring() (any thread): for many
 * messages one after the other. */
SFU_MUST_CHECK int sfu_mailbox_post_quiet(struct sfu_mailbox *mb, const void *msg, size_t size);
void sfu_mailbox_ring(struct sfu_mailbox *mb);

/* Any thread.  Sets n cells aside; each serves one sfu_mailbox_post_reserved().  -ENOBUFS. */
SFU_MUST_CHECK int sfu_mailbox_reserve(struct sfu_mailbox *mb, uint32_t n);
void sfu_mailbox_unreserve(struct sfu_mailbox *mb, uint32_t n); /* gives unused ones back */
/* Uses one reserved cell up.  The caller must hold one: cannot fail then (-EMSGSIZE aborts). */
void sfu_mailbox_post_reserved(struct sfu_mailbox *mb, const void *msg, size_t size);

/* Consumer only.  Copies up to cap whole cells of cell_size bytes each; returns how many. */
size_t sfu_mailbox_recv(struct sfu_mailbox *mb, void *ret_cells, size_t cap);

/*
 * Consumer only.  arm() announces that the consumer is about to sleep on fd(): true when it may,
 * false when a message is waiting (it is then disarmed again).  disarm() after waking up: clears
 * the eventfd.  struct sfu_loop does both (sfu_loop_add_mailbox).
 */
SFU_MUST_CHECK bool sfu_mailbox_arm(struct sfu_mailbox *mb);
void sfu_mailbox_disarm(struct sfu_mailbox *mb);
int sfu_mailbox_fd(const struct sfu_mailbox *mb);

/* Any thread: the consumer wakes up, or does not fall asleep, without a message. */
void sfu_mailbox_wake(struct sfu_mailbox *mb);

uint32_t sfu_mailbox_cell_size(const struct sfu_mailbox *mb);
uint32_t sfu_mailbox_free(const struct sfu_mailbox *mb); /* unreserved cells; a snapshot */
