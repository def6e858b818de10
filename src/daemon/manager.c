#include "daemon/mastery.h"

#include "daemon/upkeep.h"
#include "sys/clock.h"
#include "sys/systemd.h"

// What a phase takes beyond the limits that end it.
#define MARGIN 5000 // ms

// A loop moves, of the generation that serves or that is to be the first.
static bool is_healthy(const struct master *m)
{
    return m->stopping || !m->current || upkeep_is_healthy(m->current);
}

static void gather(struct master *m, struct notify_facts *ret)
{
    struct totals_report totals;
    commands_report_totals(m, &totals);
    *ret = (struct notify_facts){
        .state = commands_state(m),
        .outcome = m->outcome,
        .connections = totals.connections,
        .requests = totals.counts.requests,
        .healthy = is_healthy(m),
    };
    if (m->current) {
        ret->generation = m->current->id;
        ret->workers = m->current->wanted;
        ret->alive = m->current->alive;
    }
}

// Adds what is due to the text, and sends it.
static void tell(struct master *m, struct buf *b, int64_t now)
{
    struct notify_facts facts;
    gather(m, &facts);
    notify_do_due(&m->notify, &facts, now, b);
    if (m->notify.phase != NOTIFY_STARTING) // before, what a predecessor has stored counts
        store_write_totals(&m->maker.store, &m->maker.totals.shown);
    b->data[b->len] = '\0';
    if (b->len)
        systemd_notify(b->data);
}

// The longest that any generation may take to end, if it is told to now.
static int64_t drain_time(struct master *m)
{
    int64_t most = 0;
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next)
        most = MAX(most, (int64_t)CONTAINER_OF(l, struct generation, link)->conf->timeouts.drain);
    return most + GENERATION_KILL_DELAY;
}

// Until when the server gives itself for a phase.
static int64_t limit_of(struct master *m, enum notify_phase phase, int64_t now)
{
    if (phase == NOTIFY_STOPPING)
        now = MAX(now, m->stop_at) + drain_time(m);
    else
        now += GENERATION_START_TIME;
    return now + MARGIN;
}

void manager_enter(struct master *m, enum notify_phase phase)
{
    char text[NOTIFY_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    int64_t now = clock_now();
    if (!m->has_manager)
        return;
    notify_enter(&m->notify, phase, limit_of(m, phase, now), clock_now_us(), &b);
    tell(m, &b, now);
}

void manager_begin(struct master *m, bool is_upgrade)
{
    enum notify_phase phase = is_upgrade ? NOTIFY_RELOADING : NOTIFY_STARTING;
    int64_t now = clock_now();
    m->has_manager = systemd_has_manager();
    notify_init(&m->notify, phase, limit_of(m, phase, now), systemd_watchdog() / 2);
    if (!is_upgrade) // else the predecessor has spoken
        manager_do_due(m, now);
}

void manager_keep(struct master *m, const struct generation *g, const struct generation *previous)
{
    struct listeners *stored = &m->maker.store.listeners;
    if (m->has_manager)
        store_keep(&g->listeners, previous ? &previous->listeners : stored);
    listeners_close(stored, &g->listeners);
}

void manager_end(struct master *m)
{
    struct totals_report totals;
    commands_report_totals(m, &totals);
    if (m->has_manager)
        store_write_totals(&m->maker.store, &totals.counts);
    store_cleanup(&m->maker.store);
}

void manager_do_due(struct master *m, int64_t now)
{
    char text[NOTIFY_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    if (m->has_manager && now >= notify_next(&m->notify))
        tell(m, &b, now);
}

int64_t manager_next(const struct master *m)
{
    return m->has_manager ? notify_next(&m->notify) : -1;
}
