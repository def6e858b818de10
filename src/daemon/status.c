#include "daemon/status.h"

#include "base/util.h"
#include "daemon/status_format.h"
#include "daemon/upkeep.h"
#include "sys/clock.h"

#include <unistd.h>

// The most listeners that a status shows.
#define LISTENERS_SHOWN 64

// In a word or two.
static const char *name_state(const struct status *s)
{
    const struct generations *gs = s->generations;
    if (s->stop->has_begun)
        return "stopping";
    if (gs->starting || reload_is_launching(s->reload) || !gs->current)
        return "starting a generation";
    return gs->is_unready ? "draining" : "serving";
}

static void describe_current(const struct generation *g, struct status_format *ret,
                             struct status_format_listener *listeners)
{
    ret->generation = g->id;
    ret->workers = g->wanted;
    ret->sandbox = &g->sandbox;
    for (size_t i = 0; i < g->listeners.count && i < LISTENERS_SHOWN; i++)
        status_format_look_at(g->listeners.items[i].fd, &listeners[ret->listener_count++]);
}

static void put_by(const struct status *s, struct buf *b,
                   void (*put)(struct buf *b, const struct status_format *s))
{
    struct status_format_listener listeners[LISTENERS_SHOWN];
    struct status_format f = {
        .pid = getpid(),
        .uptime_s = clock_wall_s() - s->generations->started_s,
        .state = name_state(s),
        .reload = s->outcome->text,
        .reload_s = s->outcome->at_s,
        .listeners = listeners,
    };
    generations_count_workers(s->generations, &f.alive, &f.ending);
    generations_report_totals(s->generations, &f.totals);
    if (s->generations->current) {
        describe_current(s->generations->current, &f, listeners);
        f.silent_count = root_watch_list_silent(&s->reload->roots, s->generations->current,
                                                f.silent, STATUS_FORMAT_SILENT);
    }
    put(b, &f);
}

void status_put_text(const struct status *s, struct buf *b)
{
    put_by(s, b, status_format_text);
}

void status_put_json(const struct status *s, struct buf *b)
{
    put_by(s, b, status_format_json);
}

// A loop moves, of the generation that serves or that is to be the first.
static bool is_healthy(const struct status *s)
{
    const struct generation *current = s->generations->current;
    return s->stop->has_begun || !current || upkeep_is_healthy(current);
}

void status_fill_facts(void *context, struct sd_lines_facts *ret)
{
    const struct status *s = context;
    const struct generation *current = s->generations->current;
    struct totals_report totals;
    generations_report_totals(s->generations, &totals);
    *ret = (struct sd_lines_facts){
        .state = name_state(s),
        .outcome = s->outcome->text,
        .connections = totals.connections,
        .requests = totals.counts.requests,
        .healthy = is_healthy(s),
    };
    if (current) {
        ret->generation = current->id;
        ret->workers = current->wanted;
        ret->alive = current->alive;
    }
}
