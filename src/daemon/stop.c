#include "daemon/stop.h"

#include "base/log.h"
#include "base/util.h"
#include "sys/clock.h"

static void end_generations(struct generations *gs)
{
    int64_t now = clock_now();
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        if (g->phase == GENERATION_ENDING)
            generation_stop_handing(g, now);
        else
            generation_end(g, NULL, now);
    }
}

static void begin_stop(struct stop *s)
{
    s->has_begun = true;
    timers_cancel(&s->announced);
    service_manager_enter_stop(s->service_manager, clock_now());
    log_event(EVENT_STOPPING, NULL, "stopping");
    reload_stop(s->reload);
    end_generations(s->generations);
}

static void begin_announced(void *context)
{
    begin_stop(context);
}

static void announce(struct stop *s, int64_t delay)
{
    int64_t when = clock_now() + delay;
    timers_set(&s->generations->maker.watches->timers, &s->announced, when);
    service_manager_enter_stop(s->service_manager, when); // there is no way back
    generations_make_unready(s->generations);
    service_manager_change(s->service_manager);
    reload_dismiss(s->reload);
}

// Of the generation that is to be: one that another image has left says nothing of it.
static int64_t lame_duck(const struct stop *s)
{
    const struct generations *gs = s->generations;
    const struct generation *g = gs->starting ? gs->starting : gs->current;
    const struct conf *conf = s->reload->conf;
    if (!gs->current)
        return 0;
    return (int64_t)(conf ? conf : g->served.conf)->timeouts.lame_duck;
}

void stop_init(struct stop *s)
{
    timers_make(&s->announced, begin_announced, s);
}

void stop_request(struct stop *s)
{
    int64_t delay = lame_duck(s);
    if (stop_is_ending(s)) {
        if (clock_now() - s->requested_at >= STOP_ONE_REQUEST)
            stop_at_once(s);
        return;
    }
    s->requested_at = clock_now();
    if (delay)
        announce(s, delay);
    else
        begin_stop(s);
}

void stop_at_once(struct stop *s)
{
    if (!s->has_begun)
        begin_stop(s);
    generations_each(s->generations, generation_kill);
}

bool stop_is_ending(const struct stop *s)
{
    return s->has_begun || timers_is_set(&s->announced);
}
