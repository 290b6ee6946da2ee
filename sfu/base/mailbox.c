/*
 * sfu/base/mailbox.c - a ring of cells with sequence numbers, and credits that count free cells.
 *
 * A producer first takes a credit (the queue is never full behind it), then the next place, copies,
 * and publishes the place by its sequence number.  The consumer frees the cell before it gives the
 * credit back.  Sleeping and publishing are sequentially consistent: either the consumer sees the
 * message, or the producer sees that the consumer sleeps.
 */
#include "sfu/base/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CACHE_LINE = 64, CELLS_MAX = 1 << 20, CELL_MIN = 8, CELL_MAX = 4096 };

struct cell_head {
    _Atomic uint64_t seq; /* place: free; place + 1: holds the message of that place */
};

struct sfu_mailbox {
    uint32_t cells, cell_size;
    size_t stride;
    uint8_t *mem;
    int fd;

    _Alignas(CACHE_LINE) _Atomic uint64_t tail; /* next place to write, producers */
    _Alignas(CACHE_LINE) _Atomic uint32_t credits;
    _Alignas(CACHE_LINE) uint64_t head; /* next place to read, consumer */
    bool armed;                         /* consumer: between arm and disarm */
    bool late; /* consumer: a producer's write to the eventfd had not come yet */
    _Alignas(CACHE_LINE) _Atomic bool sleeping;
    _Atomic bool poked; /* woken without a message */
};

static struct cell_head *cell_at(const struct sfu_mailbox *mb, uint64_t place)
{
    return (struct cell_head *)(void *)(mb->mem + (place & (mb->cells - 1)) * mb->stride);
}

static void *cell_data(struct cell_head *cell)
{
    return cell + 1;
}

static int mailbox_alloc(struct sfu_mailbox *mb, uint32_t cells, uint32_t cell_size)
{
    mb->cells = 2;
    while (mb->cells < cells) {
        mb->cells *= 2;
    }
    mb->cell_size = cell_size;
    mb->stride = (sizeof(struct cell_head) + cell_size + 7) / 8 * 8;
    mb->mem = calloc(mb->cells, mb->stride);
    if (!mb->mem) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < mb->cells; i++) {
        atomic_init(&cell_at(mb, i)->seq, i);
    }
    atomic_init(&mb->credits, mb->cells);
    return 0;
}

int sfu_mailbox_create(uint32_t cells, uint32_t cell_size, struct sfu_mailbox **ret_mb)
{
    if (cells < 2 || cells > CELLS_MAX || cell_size < CELL_MIN || cell_size > CELL_MAX) {
        return -EINVAL;
    }
    int err = -ENOMEM;
    struct sfu_mailbox *mb = aligned_alloc(CACHE_LINE, sizeof *mb);
    if (!mb) {
        return err;
    }
    memset(mb, 0, sizeof *mb);
    err = mailbox_alloc(mb, cells, cell_size);
    if (err) {
        goto free_mb;
    }
    mb->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (mb->fd < 0) {
        err = -errno;
        goto free_mem;
    }
    *ret_mb = mb;
    return 0;
free_mem:
    free(mb->mem);
free_mb:
    free(mb);
    return err;
}

void sfu_mailbox_destroy(struct sfu_mailbox *mb)
{
    if (!mb) {
        return;
    }
    close(mb->fd);
    free(mb->mem);
    free(mb);
}

int sfu_mailbox_reserve(struct sfu_mailbox *mb, uint32_t n)
{
    uint32_t have = atomic_load_explicit(&mb->credits, memory_order_relaxed);
    do {
        if (have < n) {
            return -ENOBUFS;
        }
    } while (!atomic_compare_exchange_weak_explicit(&mb->credits, &have, have - n,
                                                    memory_order_acq_rel, memory_order_relaxed));
    return 0;
}

void sfu_mailbox_unreserve(struct sfu_mailbox *mb, uint32_t n)
{
    atomic_fetch_add_explicit(&mb->credits, n, memory_order_acq_rel);
}

/* True: the consumer was asleep and will wake up. */
static bool mailbox_notify(struct sfu_mailbox *mb)
{
    if (SFU_LIKELY(!atomic_load_explicit(&mb->sleeping, memory_order_seq_cst)) ||
        !atomic_exchange_explicit(&mb->sleeping, false, memory_order_seq_cst)) {
        return false;
    }
    uint64_t one = 1;
    ssize_t n = write(mb->fd, &one, sizeof one);
    (void)n; /* EAGAIN needs 2^64 - 2 unread wake-ups */
    return true;
}

/* The caller holds a credit, so the cell of the next place was freed: its reader gave back the
 * credit, and the chain of read-modify-writes on credits and tail makes that visible here. */
static void mailbox_enqueue(struct sfu_mailbox *mb, const void *msg, size_t size)
{
    uint64_t place = atomic_fetch_add_explicit(&mb->tail, 1, memory_order_acq_rel);
    struct cell_head *cell = cell_at(mb, place);
    if (SFU_UNLIKELY(atomic_load_explicit(&cell->seq, memory_order_acquire) != place)) {
        abort(); /* somebody posted to a reservation that he did not have */
    }
    memcpy(cell_data(cell), msg, size);
    if (size < mb->cell_size) {
        memset((uint8_t *)cell_data(cell) + size, 0, mb->cell_size - size);
    }
    atomic_store_explicit(&cell->seq, place + 1, memory_order_seq_cst);
}

void sfu_mailbox_ring(struct sfu_mailbox *mb)
{
    (void)mailbox_notify(mb);
}

int sfu_mailbox_post(struct sfu_mailbox *mb, const void *msg, size_t size)
{
    int err = sfu_mailbox_post_quiet(mb, msg, size);
    if (!err) {
        sfu_mailbox_ring(mb);
    }
    return err;
}

int sfu_mailbox_post_quiet(struct sfu_mailbox *mb, const void *msg, size_t size)
{
    if (size > mb->cell_size) {
        return -EMSGSIZE;
    }
    int err = sfu_mailbox_reserve(mb, 1);
    if (err) {
        return err;
    }
    mailbox_enqueue(mb, msg, size);
    return 0;
}

void sfu_mailbox_post_reserved(struct sfu_mailbox *mb, const void *msg, size_t size)
{
    if (SFU_UNLIKELY(size > mb->cell_size)) {
        abort();
    }
    mailbox_enqueue(mb, msg, size);
    sfu_mailbox_ring(mb);
}

size_t sfu_mailbox_recv(struct sfu_mailbox *mb, void *ret_cells, size_t cap)
{
    uint8_t *out = ret_cells;
    size_t n = 0;
    for (; n < cap; n++) {
        struct cell_head *cell = cell_at(mb, mb->head);
        if (atomic_load_explicit(&cell->seq, memory_order_acquire) != mb->head + 1) {
            break;
        }
        memcpy(out + n * mb->cell_size, cell_data(cell), mb->cell_size);
        atomic_store_explicit(&cell->seq, mb->head + mb->cells, memory_order_release);
        mb->head++;
    }
    if (n > 0) {
        atomic_fetch_add_explicit(&mb->credits, (uint32_t)n, memory_order_acq_rel);
    }
    return n;
}

bool sfu_mailbox_arm(struct sfu_mailbox *mb)
{
    mb->armed = true;
    atomic_store_explicit(&mb->sleeping, true, memory_order_seq_cst);
    struct cell_head *cell = cell_at(mb, mb->head);
    bool waiting = atomic_load_explicit(&cell->seq, memory_order_seq_cst) == mb->head + 1;
    bool poked = atomic_exchange_explicit(&mb->poked, false, memory_order_seq_cst);
    if (waiting || poked) {
        sfu_mailbox_disarm(mb);
        return false;
    }
    return true;
}

void sfu_mailbox_disarm(struct sfu_mailbox *mb)
{
    if (!mb->armed) {
        return;
    }
    mb->armed = false;
    bool untouched = atomic_exchange_explicit(&mb->sleeping, false, memory_order_seq_cst);
    if (untouched && !mb->late) {
        return; /* nobody wrote the eventfd */
    }
    uint64_t count;
    ssize_t n = read(mb->fd, &count, sizeof count);
    /* who took the flag may not have written yet: then the next sleep ends early and reads it */
    mb->late = n < 0;
}

int sfu_mailbox_fd(const struct sfu_mailbox *mb)
{
    return mb->fd;
}

void sfu_mailbox_wake(struct sfu_mailbox *mb)
{
    if (!mailbox_notify(mb)) { /* a sleeper needs no reason to stay awake one turn longer */
        atomic_store_explicit(&mb->poked, true, memory_order_seq_cst);
        (void)mailbox_notify(mb);
    }
}

uint32_t sfu_mailbox_cell_size(const struct sfu_mailbox *mb)
{
    return mb->cell_size;
}

uint32_t sfu_mailbox_free(const struct sfu_mailbox *mb)
{
    return atomic_load_explicit(&mb->credits, memory_order_relaxed);
}
