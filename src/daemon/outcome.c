#include "daemon/outcome.h"

#include "sys/clock.h"

#include <stdarg.h>
#include <stdio.h>

PRINTF_LIKE(2, 0)
static void set(struct outcome *o, const char *format, va_list args)
{
    vsnprintf(o->text, sizeof(o->text), format, args);
    o->at_s = clock_wall_s();
    service_manager_change(o->service_manager);
}

void outcome_report(struct outcome *o, bool ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(o, format, args);
    va_end(args);
    outcome_tell(o, ok);
}

void outcome_set(struct outcome *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(o, format, args);
    va_end(args);
}

void outcome_tell(struct outcome *o, bool ok)
{
    control_waiters_tell(&o->waiters, ok, o->text);
}
