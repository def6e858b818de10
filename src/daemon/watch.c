#include "daemon/watch.h"

#include "base/util.h"
#include "sys/clock.h"

#include <limits.h>

int watch_init(struct watches *ws)
{
    timers_init(&ws->timers);
    ws->now = ws->woken = clock_now();
    ws->away = 0;
    return poller_init(&ws->poller);
}

void watch_cleanup(struct watches *ws)
{
    poller_cleanup(&ws->poller);
}

int watch_add(struct watches *ws, int fd, struct watch *w)
{
    return poller_add(&ws->poller, fd, POLLER_IN, w);
}

void watch_remove(struct watches *ws, int fd)
{
    poller_remove(&ws->poller, fd);
}

static void call_ready(const struct poller_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        const struct watch *w = events[i].source;
        w->ready(w->context);
    }
}

int watch_wait_ready(struct watches *ws, int timeout_ms)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count = poller_wait(&ws->poller, events, timeout_ms);
    call_ready(events, count);
    return count;
}

// Until the next timer is due, but never not at all: one that is due again and again must not keep
// the processor busy.
static int poll_timeout(const struct watches *ws)
{
    int64_t next = timers_next(&ws->timers);
    return next < 0 ? -1 : (int)MIN(MAX(next - clock_now(), 1), INT_MAX);
}

void watch_wait(struct watches *ws)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count = poller_wait(&ws->poller, events, poll_timeout(ws));
    ws->now = clock_now();
    ws->away = ws->now - ws->woken;
    ws->woken = ws->now;
    call_ready(events, count);
    ws->now = clock_now();
    timers_run(&ws->timers, ws->now);
}
