#include "daemon/watchdog.h"

#include "base/util.h"

int64_t watchdog_look(struct watchdog *w, uint64_t beat, int64_t passed)
{
    if (beat == w->beat)
        w->still += MIN(passed, WATCHDOG_GAP);
    else
        *w = (struct watchdog){.beat = beat};
    return w->still;
}
