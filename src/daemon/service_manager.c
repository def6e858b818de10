#include "daemon/service_manager.h"

#include "base/util.h"
#include "sys/clock.h"
#include "sys/systemd.h"

// A phase may take so much longer than the limits that end it.
#define MARGIN 5000 // ms

static void plan_next(struct service_manager *sm)
{
    struct watches *watches = sm->generations->maker.watches;
    timers_set(&watches->timers, &sm->timer, sd_lines_next(&sm->lines));
}

// Adds what is due to the text, and sends it.
static void tell(struct service_manager *sm, struct buf *b, int64_t now)
{
    struct generation_maker *maker = &sm->generations->maker;
    struct sd_lines_facts facts;
    sm->facts(sm->context, &facts);
    sd_lines_do_due(&sm->lines, &facts, now, b);
    if (sm->lines.phase != SD_LINES_STARTING) // before, what a predecessor has stored counts
        fdstore_write_totals(&maker->fdstore, &maker->totals.shown);
    b->data[b->len] = '\0';
    if (b->len)
        systemd_notify(b->data);
    plan_next(sm);
}

static void tell_what_is_due(void *context)
{
    char text[SD_LINES_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    tell(context, &b, clock_now());
}

static void enter(struct service_manager *sm, enum sd_lines_phase phase, int64_t until, int64_t now)
{
    char text[SD_LINES_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    if (!sm->is_there)
        return;
    sd_lines_enter(&sm->lines, phase, until + MARGIN, clock_now_us(), &b);
    tell(sm, &b, now);
}

void service_manager_enter(struct service_manager *sm, enum sd_lines_phase phase)
{
    int64_t now = clock_now();
    enter(sm, phase, now + GENERATION_START_TIME, now);
}

void service_manager_enter_stop(struct service_manager *sm, int64_t when)
{
    enter(sm, SD_LINES_STOPPING, when + generations_drain_time(sm->generations), clock_now());
}

void service_manager_change(struct service_manager *sm)
{
    sd_lines_change(&sm->lines);
    if (sm->is_there)
        plan_next(sm);
}

void service_manager_begin(struct service_manager *sm, bool is_upgrade)
{
    enum sd_lines_phase phase = is_upgrade ? SD_LINES_RELOADING : SD_LINES_STARTING;
    int64_t until = clock_now() + GENERATION_START_TIME + MARGIN;
    timers_make(&sm->timer, tell_what_is_due, sm);
    sm->is_there = systemd_has_manager();
    sd_lines_init(&sm->lines, phase, until, systemd_watchdog() / 2);
    if (sm->is_there && is_upgrade) // the predecessor has spoken
        plan_next(sm);
    else if (sm->is_there)
        tell_what_is_due(sm);
}

void service_manager_keep(struct service_manager *sm, const struct generation *g,
                          const struct generation *previous)
{
    struct generation_maker *maker = &sm->generations->maker;
    struct listeners *stored = &maker->fdstore.listeners;
    listener_notes_forget(&maker->notes, &g->listeners, &maker->inherited);
    fdstore_write_notes(&maker->fdstore, &maker->notes);
    if (sm->is_there)
        fdstore_keep(&g->listeners, previous ? &previous->listeners : stored);
    listeners_close(stored, &g->listeners);
}

void service_manager_end(struct service_manager *sm)
{
    struct fdstore *store = &sm->generations->maker.fdstore;
    struct totals_report totals;
    generations_report_totals(sm->generations, &totals);
    if (sm->is_there)
        fdstore_write_totals(store, &totals.counts);
    fdstore_cleanup(store);
}
