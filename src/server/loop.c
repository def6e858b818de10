#include "server/loop.h"

#include "base/util.h"
#include "server/acceptor.h"
#include "server/handoff.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK 64 // slots

// A disk takes the time that it takes.
#define FOREVER (INT64_MAX / 2)

// Connections that are received before they are answered, if no more come with an event. For each
// group files are looked at again, which costs; but what the kernel touched to receive is still in
// the processor's caches when it sends.
#define GROUP 16

// How often the listeners are tried without having been heard of: a loop that was woken for a
// connection and died has taken the wake-up with it.
#define TICK 1000 // ms

// A client of a stopping server that was promised persistence gets this long to send one more
// request before the FIN (it may be on its way).
#define LAST_CHANCE 250 // ms

// How long after the socket to the next generation was full it is tried again.
#define HANDOFF_RETRY 1 // ms

// TCP_DEFER_ACCEPT keeps a connection that has sent nothing from us for a second; a little more,
// and all that had connected before the stop have been accepted.
#define STOP_ACCEPT 1200 // ms

// ---- slots -------------------------------------------------------------------------------------

static bool grow_slots(struct loop *l)
{
    struct conn **chunks = realloc(l->chunks, (l->chunk_count + 1) * sizeof(*chunks));
    if (!chunks)
        return false;
    l->chunks = chunks;
    struct conn *chunk = calloc(CHUNK, sizeof(*chunk));
    if (!chunk)
        return false;
    chunks[l->chunk_count++] = chunk;
    for (size_t i = 0; i < CHUNK; i++) {
        chunk[i].next_free = l->free;
        l->free = &chunk[i];
    }
    return true;
}

bool loop_has_slot(struct loop *l)
{
    return l->free || grow_slots(l);
}

struct conn *loop_take_slot(struct loop *l)
{
    if (!loop_has_slot(l))
        return NULL;
    struct conn *c = l->free;
    l->free = c->next_free;
    l->connections++;
    atomic_store_explicit(&l->slot->connections, l->connections, memory_order_relaxed);
    return c;
}

void loop_give_slot(struct loop *l, struct conn *c)
{
    c->next_free = l->closed;
    l->closed = c;
    l->connections--;
    atomic_store_explicit(&l->slot->connections, l->connections, memory_order_relaxed);
}

// Events of this round may still point at the slots that were closed in it.
static void free_closed(struct loop *l)
{
    while (l->closed) {
        struct conn *c = l->closed;
        l->closed = c->next_free;
        c->next_free = l->free;
        l->free = c;
    }
}

// Calls `f` for every open connection. `f` may close it.
static void each_connection(struct loop *l, void (*f)(struct loop *, struct conn *))
{
    for (size_t i = 0; i < l->chunk_count; i++)
        for (size_t j = 0; j < CHUNK; j++)
            if (l->chunks[i][j].state != CONN_FREE)
                f(l, &l->chunks[i][j]);
}

// ---- making and unmaking -----------------------------------------------------------------------

int loop_open_spare(void)
{
    return eventfd(0, EFD_CLOEXEC);
}

static void init_deadlines(struct loop *l)
{
    const struct conf_timeouts *t = &l->service->conf->timeouts;
    const int64_t timeouts[DEADLINE_CLASSES] = {
        [DEADLINE_HEAD] = (int64_t)t->head, [DEADLINE_BODY] = (int64_t)t->body,
        [DEADLINE_SEND] = (int64_t)t->send, [DEADLINE_IDLE] = (int64_t)t->idle,
        [DEADLINE_LAST] = LAST_CHANCE,      [DEADLINE_LINGER] = (int64_t)t->linger,
        [DEADLINE_DISK] = FOREVER,
    };
    deadlines_init(&l->deadlines, timeouts);
}

static int init_reader(struct loop *l)
{
    int r = reader_init(&l->reader);
    if (r < 0)
        return r;
    l->reads = (struct source){SOURCE_READER, l->reader.fd};
    return poller_add(&l->poller, l->reads.fd, POLLER_IN, &l->reads);
}

static int init_acceptors(struct loop *l)
{
    const struct service *s = l->service;
    l->acceptors = calloc(s->listener_count + 1, sizeof(*l->acceptors));
    if (!l->acceptors)
        return -ENOMEM;
    for (size_t i = 0; i < s->listener_count; i++)
        l->acceptors[l->acceptor_count++] = (struct acceptor){
            .source = {SOURCE_LISTENER, s->listeners[i]}, .batch = 1};
    if (s->handoff_in >= 0)
        l->acceptors[l->acceptor_count++] = (struct acceptor){
            .source = {SOURCE_LISTENER, s->handoff_in}, .is_handoff = true, .batch = 1};
    acceptor_start(l);
    return 0;
}

int loop_init(struct loop *l, const struct service *service, struct scoreboard_slot *slot)
{
    const struct conf *conf = service->conf;
    *l = (struct loop){
        .service = service,
        .slot = slot,
        .poller = {-1},
        .control = {SOURCE_CONTROL, -1},
        .reader = {.fd = -1},
        .spare = -1,
        .listing_limit = (uint32_t)MAX(conf->limits.listings / conf->threads, UINT64_C(1))};
    l->common_second = -1;
    clock_read(&l->clock);
    l->last_tick = l->clock.now;
    l->spare = loop_open_spare();
    init_deadlines(l);
    // Room for the largest head that the limits allow, with the CRLFs that they do not count.
    bufpool_init(
        &l->pool, (uint32_t)(conf->limits.request_line + conf->limits.fields + 16),
        (uint32_t)MAX(conf->limits.big_heads / conf->threads, MIN(conf->limits.big_heads, 1)));
    int r = filecache_init(&l->cache, service->types, conf->cache.memory / conf->threads,
                           service->file_limit);
    if (r == 0)
        r = accesslog_init(&l->log, service->access_log);
    if (r == 0)
        r = poller_init(&l->poller);
    if (r == 0 && (l->control.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        r = -errno;
    if (r == 0)
        r = poller_add(&l->poller, l->control.fd, POLLER_IN, &l->control);
    if (r == 0)
        r = init_reader(l);
    if (r == 0)
        r = init_acceptors(l);
    if (r < 0)
        loop_cleanup(l);
    else
        atomic_store_explicit(&slot->phase, SCOREBOARD_SERVING, memory_order_relaxed);
    return r;
}

void loop_cleanup(struct loop *l)
{
    accesslog_flush(&l->log, l->clock.now, true);
    accesslog_cleanup(&l->log);
    reader_cleanup(&l->reader);
    if (l->cache.buckets)
        filecache_cleanup(&l->cache);
    bufpool_cleanup(&l->pool);
    for (size_t i = 0; i < l->chunk_count; i++)
        free(l->chunks[i]);
    free(l->chunks);
    free(l->acceptors);
    free(l->handoff);
    if (l->control.fd >= 0)
        close(l->control.fd);
    if (l->spare >= 0)
        close(l->spare);
    poller_cleanup(&l->poller);
}

// ---- phases ------------------------------------------------------------------------------------

void loop_poke(struct loop *l, enum loop_phase phase)
{
    uint64_t one = 1;
    int wanted = atomic_load(&l->wanted);
    while (wanted < (int)phase && !atomic_compare_exchange_weak(&l->wanted, &wanted, phase))
        ;
    ssize_t n = write(l->control.fd, &one, sizeof(one));
    (void)n; // a full counter wakes as well
}

static void stop_accepting(struct loop *l)
{
    acceptor_stop(l);
    l->stopped_accepting = true;
    if (l->service->on_stopped_accepting)
        l->service->on_stopped_accepting(l->service->context);
}

static void heed_control(struct loop *l)
{
    uint64_t count;
    ssize_t n = read(l->control.fd, &count, sizeof(count));
    (void)n;
    enum loop_phase wanted = (enum loop_phase)atomic_load(&l->wanted);
    if (wanted <= l->phase) {
        if (!l->stopped_accepting)
            acceptor_try(l);
        return;
    }
    if (!loop_is_ending(l))
        l->phase_since = l->clock.now;
    l->phase = wanted;
    if (loop_is_ending(l))
        each_connection(l, conn_drain);
    acceptor_leave(l);
}

static void cut(struct loop *l, struct conn *c)
{
    l->cut += conn_is_busy(c);
    conn_close(l, c, CONN_CLOSE_STOP);
}

// Hands over what can be moved now. What cannot, an answer in pieces or content that is thrown
// away, goes on here until it can. In the order of their deadlines: whoever takes them finds the
// place of each at the end of its own.
static void hand_over(struct loop *l)
{
    static const enum deadline_class classes[] = {DEADLINE_HEAD, DEADLINE_SEND, DEADLINE_IDLE};
    l->handoff_full = false;
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        const struct list *all = &l->deadlines.lists[classes[i]];
        struct list *next;
        for (struct list *link = all->next; link != all && !l->handoff_full; link = next) {
            next = link->next;
            struct conn *c = CONTAINER_OF(link, struct conn, deadline.link);
            l->handoff_full = handoff_send(l, c) == HANDOFF_FULL;
        }
    }
}

// How long listeners that nobody takes over are accepted on.
static int64_t accept_time(const struct loop *l)
{
    return MIN((int64_t)l->service->conf->timeouts.drain, STOP_ACCEPT);
}

// What passes with time while the loop ends.
static void drain(struct loop *l)
{
    int64_t passed = l->clock.now - l->phase_since;
    if (!l->stopped_accepting && !acceptor_is_leaving(l))
        stop_accepting(l);
    if (!l->stopped_accepting && passed >= accept_time(l) && acceptor_finish(l))
        stop_accepting(l);
    if (l->stopped_accepting && passed >= (int64_t)l->service->conf->timeouts.drain)
        each_connection(l, cut);
}

// ---- rounds ------------------------------------------------------------------------------------

void loop_add_ready(struct loop *l, struct conn *c)
{
    // One for each event, and the acceptors leave as many free (acceptor.c).
    assert(l->ready_count < LOOP_READY);
    l->ready[l->ready_count++] = c;
}

struct slice loop_common(struct loop *l)
{
    if (l->common_second != l->clock.wall_s) {
        struct slice server = l->service->conf->server_header ? SLICE("tined") : SLICE("");
        l->common = buf_make(l->common_text, sizeof(l->common_text));
        response_common(&l->common, server, l->clock.wall_s);
        l->common_second = l->clock.wall_s;
    }
    return buf_slice(&l->common);
}

static void receive(struct loop *l, struct conn *c)
{
    if (c->state == CONN_FREE) // it made room for another in this round
        return;
    conn_receive(l, c);
    loop_add_ready(l, c);
}

static void heed_reader(struct loop *l)
{
    struct reading *next;
    for (struct reading *one = reader_take(&l->reader); one; one = next) {
        next = one->next;
        if (one->conn)
            conn_go_on(l, one->conn);
        reader_free(one);
    }
}

static void heed(struct loop *l, struct source *source)
{
    switch (source->kind) {
    case SOURCE_CONN:
        receive(l, CONTAINER_OF(source, struct conn, source));
        break;
    case SOURCE_LISTENER:
        acceptor_run(l, CONTAINER_OF(source, struct acceptor, source));
        break;
    case SOURCE_READER:
        heed_reader(l);
        break;
    case SOURCE_CONTROL:
        if (source == &l->control)
            heed_control(l);
        else
            l->on_control(l->control_context);
        break;
    }
}

// Only now, when all have received, are files looked at: what is answered is no older than the
// request.
static void answer_group(struct loop *l)
{
    for (size_t i = 0; i < l->ready_count; i++)
        if (l->ready[i]->state != CONN_FREE)
            conn_advance(l, l->ready[i]);
    l->ready_count = 0;
    l->group++;
}

static void expire(struct loop *l)
{
    struct deadline *d;
    while ((d = deadlines_expired(&l->deadlines, l->clock.now))) {
        conn_expire(l, CONTAINER_OF(d, struct conn, deadline)); // which receives, alone
        l->group++;
    }
}

static void tick(struct loop *l)
{
    l->last_tick = l->clock.now;
    if (l->spare < 0)
        l->spare = loop_open_spare();
    if (!l->stopped_accepting)
        acceptor_try(l);
    filecache_tick(&l->cache);
    bufpool_tick(&l->pool);
}

// When drain() has something to do, or -1.
static int64_t next_of_phase(const struct loop *l)
{
    if (l->phase == LOOP_SERVING)
        return -1;
    if (l->phase == LOOP_HANDING && l->handoff_full)
        return l->clock.now + HANDOFF_RETRY;
    return l->phase_since +
           (l->stopped_accepting ? (int64_t)l->service->conf->timeouts.drain : accept_time(l));
}

static int timeout(const struct loop *l)
{
    int64_t next = l->last_tick + TICK;
    int64_t others[] = {deadlines_next(&l->deadlines), accesslog_next(&l->log), next_of_phase(l),
                        acceptor_next(l)};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (others[i] >= 0 && others[i] < next)
            next = others[i];
    return (int)MAX(next - l->clock.now, 0);
}

// Who is asked for files finds out first that a root was swapped.
static void tell_swapped(struct loop *l)
{
    bool again = l->clock.now - l->swap_told >= TICK;
    if (l->cache.swapped && l->phase == LOOP_SERVING && again) {
        l->swap_told = l->clock.now;
        l->service->on_swapped(l->service->context);
    }
    l->cache.swapped = false;
}

// What is known of a round at its end.
static void publish(struct loop *l, int64_t began_us)
{
    struct scoreboard_slot *slot = l->slot;
    scoreboard_add(&slot->rounds[scoreboard_round_class(clock_now_us() - began_us)], 1);
    if (l->phase != LOOP_SERVING) // all that came before in this round has been answered
        atomic_store_explicit(&slot->phase, SCOREBOARD_LEAVING, memory_order_relaxed);
    atomic_store_explicit(&slot->beat, l->round, memory_order_relaxed);
    atomic_store_explicit(&slot->log_dropped, l->log.dropped, memory_order_relaxed);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        atomic_store_explicit(&slot->waiting[i], l->deadlines.counts[i], memory_order_relaxed);
}

void loop_round(struct loop *l)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count = poller_wait(&l->poller, events, timeout(l));
    int64_t began_us = clock_now_us();

    clock_read(&l->clock);
    l->round++;
    l->accepted = 0;
    for (int i = 0; i < count; i++) {
        heed(l, events[i].source);
        if (l->ready_count >= GROUP)
            answer_group(l);
    }
    if (l->clock.now - l->last_tick >= TICK)
        tick(l);
    if (!l->stopped_accepting)
        acceptor_resume(l);
    if (l->phase != LOOP_SERVING)
        drain(l);
    answer_group(l);
    expire(l);
    if (l->phase == LOOP_HANDING)
        hand_over(l);
    tell_swapped(l);
    if (l->accept_shortage && l->closed) // a descriptor is free again
        acceptor_start(l);
    free_closed(l);
    accesslog_flush(&l->log, l->clock.now, false);
    publish(l, began_us);
}

void loop_run(struct loop *l)
{
    while (l->phase == LOOP_SERVING || !l->stopped_accepting || l->connections)
        loop_round(l);
    atomic_store_explicit(&l->slot->phase, SCOREBOARD_ENDED, memory_order_relaxed);
}
