#include "unit.h"

#include <time.h>
#include <unistd.h>

// Not clock_now(), which a test may move.
bool wait_on(struct wait *w)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (w->looks++ == 0)
        w->end = ms + PATIENCE;
    if (w->looks > 3)
        usleep(w->pause ? w->pause : 200);
    return ms < w->end;
}

size_t count_text(const char *in, const char *what)
{
    size_t count = 0;
    for (const char *at = in; at && (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}
