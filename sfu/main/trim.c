#include "sfu/main/trim.h"

#define QUIET_US INT64_C(5000000)
#define LATE_US INT64_C(60000000)

bool trim_due(struct trim *t, uint64_t changes, int64_t now_us)
{
    if (changes != t->seen) {
        t->seen = changes;
        t->quiet_us = now_us + QUIET_US;
        t->late_us = t->pending ? t->late_us : now_us + LATE_US;
        t->pending = true;
    }
    if (!t->pending || (now_us < t->quiet_us && now_us < t->late_us)) {
        return false;
    }
    t->pending = false;
    return true;
}
