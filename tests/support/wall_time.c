#include "tests/support/wall_time.h"

#include <sys/time.h>

#include "sfu/base/attr.h"

static int64_t now_us = 1000000000;

/* Found before libc's: the linker exports what a shared library asks for. */
SFU_EXPORT int gettimeofday(struct timeval *restrict tv, void *restrict zone);

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = (time_t)(now_us / 1000000);
    tv->tv_usec = (suseconds_t)(now_us % 1000000);
    return 0;
}

int64_t wall_time_us(void)
{
    return now_us;
}

void wall_time_advance(int64_t us)
{
    now_us += us;
}
