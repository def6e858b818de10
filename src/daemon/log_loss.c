#include "daemon/log_loss.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *loss_reason(int error)
{
    if (error == 0) // of a worker that is no more
        return "the reason is not known";
    return error == EAGAIN ? "nobody reads them fast enough" : strerror(error);
}

static void warn(struct log_loss *l, int error, int64_t now)
{
    l->is_losing = true;
    l->warned_at = now;
    log_event(EVENT_LOG_LOSES, &(struct event_fields){.error = error},
              "the access log loses lines: %s", loss_reason(error));
}

static void tell_end(struct log_loss *l)
{
    log_event(EVENT_LOG_WORKS, NULL, "the access log is written again: %" PRIu64 " lines were lost",
              l->seen - l->told);
    l->is_losing = false;
    l->told = l->seen;
}

void log_loss_begin(struct log_loss *l, uint64_t lost)
{
    *l = (struct log_loss){.told = lost, .seen = lost};
}

void log_loss_look(struct log_loss *l, const struct totals_report *totals, int64_t now)
{
    const bool goes_on = totals->counts.log_dropped != l->seen;
    const bool may_warn = !l->warned_at || now - l->warned_at >= LOG_LOSS_PAUSE;
    l->seen = totals->counts.log_dropped;
    if (!l->is_losing && l->seen != l->told && may_warn)
        warn(l, totals->log_error, now);
    if (l->is_losing && !goes_on && !totals->is_log_losing)
        tell_end(l);
}
