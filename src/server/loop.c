#include "server/loop.h"

#include "base/util.h"
#include "server/asking.h"
#include "server/conn.h"
#include "server/conn_close.h"
#include "server/handoff.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Connections that are received before they are answered, if no more come with an event. For each
// group files are looked at again, which costs; but what the kernel touched to receive is still in
// the processor's caches when it sends.
#define GROUP 16

// How often the listeners are tried without having been heard of: a loop that was woken for a
// connection and died has taken the wake-up with it.
#define TICK 1000 // ms

// How long after the socket to the next generation was full it is tried again.
#define HANDOFF_RETRY 1 // ms

// TCP_DEFER_ACCEPT keeps a connection that has sent nothing from us for a second; a little more,
// and all that had connected before the stop have been accepted.
#define STOP_ACCEPT 1200 // ms

// ---- making and unmaking -----------------------------------------------------------------------

static int init_readahead(struct loop *l)
{
    l->reads = (struct source){SOURCE_READAHEAD, l->ctx.readahead.fd};
    return poller_add(&l->ctx.poller, l->reads.fd, POLLER_IN, &l->reads);
}

static int init_answers(struct loop *l)
{
    int r = asking_init(&l->ctx);
    l->answers = (struct source){SOURCE_ANSWERS, l->ctx.questions.fd};
    if (r < 0 || l->answers.fd < 0)
        return r;
    return poller_add(&l->ctx.poller, l->answers.fd, POLLER_IN, &l->answers);
}

static int init_poke(struct loop *l)
{
    l->poke.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->poke.fd < 0)
        return -errno;
    return poller_add(&l->ctx.poller, l->poke.fd, POLLER_IN, &l->poke);
}

int loop_init(struct loop *l, const struct context_shared *shared, struct scoreboard_slot *slot,
              struct scoreboard_notes *notes)
{
    *l = (struct loop){.poke = {SOURCE_POKE, -1}, .acceptors = {.spare = -1}};
    int r = context_init(&l->ctx, shared, slot, notes);
    if (r < 0)
        return r;
    l->last_tick = l->ctx.clock.now;
    r = init_poke(l);
    if (r == 0)
        r = init_readahead(l);
    if (r == 0)
        r = init_answers(l);
    if (r == 0)
        r = acceptor_init(&l->acceptors, &l->ctx);
    if (r < 0)
        loop_cleanup(l);
    else
        atomic_store_explicit(&slot->phase, SCOREBOARD_SERVING, memory_order_relaxed);
    return r;
}

// A descriptor on its way to a loop: handed-over connections come out of it.
struct loop_gift {
    struct loop_gift *next;
    int fd;
};

static void take_gifts(struct loop *l)
{
    struct loop_gift *next;
    for (struct loop_gift *gift = atomic_exchange(&l->gifts, NULL); gift; gift = next) {
        next = gift->next;
        acceptor_add_handoff(&l->acceptors, gift->fd);
        free(gift);
    }
}

void loop_cleanup(struct loop *l)
{
    if (l->acceptors.ctx)
        take_gifts(l);
    acceptor_cleanup(&l->acceptors);
    if (l->poke.fd >= 0)
        close(l->poke.fd);
    context_cleanup(&l->ctx);
}

// ---- phases ------------------------------------------------------------------------------------

void loop_poke(struct loop *l, enum loop_phase phase)
{
    uint64_t one = 1;
    int wanted = atomic_load(&l->wanted);
    while (wanted < (int)phase && !atomic_compare_exchange_weak(&l->wanted, &wanted, phase))
        ;
    ssize_t n = write(l->poke.fd, &one, sizeof(one));
    (void)n; // a full counter wakes as well
}

void loop_take_from(struct loop *l, int fd)
{
    struct loop_gift *gift = malloc(sizeof(*gift));
    if (!gift) {
        close(fd); // others take them
        return;
    }
    gift->fd = fd;
    gift->next = atomic_load(&l->gifts);
    while (!atomic_compare_exchange_weak(&l->gifts, &gift->next, gift))
        ;
    loop_poke(l, LOOP_SERVING);
}

static void stop_accepting(struct loop *l)
{
    acceptor_stop(&l->acceptors);
    l->stopped_accepting = true;
    if (l->ctx.shared->on_stopped_accepting)
        l->ctx.shared->on_stopped_accepting(l->ctx.shared->context);
}

// Calls `f` for every open connection. `f` may close it.
static void each_connection(struct context *ctx, void (*f)(struct context *, struct conn *))
{
    for (size_t i = 0; i < slots_count(&ctx->slots); i++) {
        struct conn *c = slots_at(&ctx->slots, i);
        if (c->state != CONN_FREE)
            f(ctx, c);
    }
}

static void heed_poke(struct loop *l)
{
    uint64_t count;
    ssize_t n = read(l->poke.fd, &count, sizeof(count));
    (void)n;
    take_gifts(l);
    enum loop_phase wanted = (enum loop_phase)atomic_load(&l->wanted);
    if (wanted <= l->ctx.phase) {
        if (!l->stopped_accepting)
            acceptor_try(&l->acceptors);
        return;
    }
    if (!context_is_ending(&l->ctx))
        l->phase_since = l->ctx.clock.now;
    l->ctx.phase = wanted;
    if (context_is_ending(&l->ctx))
        asking_end_soon(&l->ctx);
    if (context_is_ending(&l->ctx))
        each_connection(&l->ctx, conn_drain);
    acceptor_leave(&l->acceptors);
}

static void cut_connection(struct context *ctx, struct conn *c)
{
    struct loop *l = CONTAINER_OF(ctx, struct loop, ctx);
    l->cut += conn_is_busy(c);
    conn_close(ctx, c, CONN_CLOSE_STOP);
}

// Hands over the connections that can be moved now. Others, with an answer in pieces or content
// that is thrown away, go on here until they can. In the order of their deadlines: the receiver
// finds the place of each at the end of its own list.
static void hand_over(struct loop *l)
{
    static const enum deadline_class classes[] = {DEADLINE_ROOT, DEADLINE_FIRST, DEADLINE_HEAD,
                                                  DEADLINE_SEND, DEADLINE_IDLE};
    l->handoff_full = false;
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        const struct list *all = &l->ctx.deadlines.lists[classes[i]];
        struct list *next;
        for (struct list *link = all->next; link != all && !l->handoff_full; link = next) {
            next = link->next;
            struct conn *c = CONTAINER_OF(link, struct conn, deadline.link);
            l->handoff_full = handoff_send(&l->ctx, c) == HANDOFF_FULL;
        }
    }
    if (l->handoff_full || l->has_handed_over)
        return;
    l->has_handed_over = true;
    if (l->ctx.shared->on_handed_over)
        l->ctx.shared->on_handed_over(l->ctx.shared->context);
}

// How long listeners that nobody takes over are accepted on.
static int64_t accept_time(const struct loop *l)
{
    return MIN((int64_t)l->ctx.served->conf->timeouts.drain, STOP_ACCEPT);
}

// Takes the steps of an ending loop that time brings.
static void drain(struct loop *l)
{
    int64_t passed = l->ctx.clock.now - l->phase_since;
    if (!l->stopped_accepting)
        acceptor_drain_handoffs(&l->acceptors);
    if (!l->stopped_accepting && !acceptor_is_leaving(&l->acceptors))
        stop_accepting(l);
    if (!l->stopped_accepting && passed >= accept_time(l) && acceptor_finish(&l->acceptors))
        stop_accepting(l);
    if (l->stopped_accepting && passed >= (int64_t)l->ctx.served->conf->timeouts.drain)
        each_connection(&l->ctx, cut_connection);
}

// ---- rounds ------------------------------------------------------------------------------------

static void receive_input(struct loop *l, struct conn *c)
{
    if (c->state == CONN_FREE) // it made room for another in this round
        return;
    conn_receive(&l->ctx, c);
    context_add_ready(&l->ctx, c);
}

static void handle_readahead(struct loop *l)
{
    struct reading *next;
    for (struct reading *one = readahead_take(&l->ctx.readahead); one; one = next) {
        next = one->next;
        if (one->snapshot)
            conn_listed(&l->ctx, one->snapshot);
        if (one->conn)
            conn_go_on(&l->ctx, one);
        else
            readahead_free(one);
    }
}

// These requests are a group of their own.
static void handle_answers(struct loop *l)
{
    questions_take(&l->ctx.questions);
    conn_answered(&l->ctx);
    l->ctx.turns.group++;
}

static void heed(struct loop *l, struct source *source)
{
    switch (source->kind) {
    case SOURCE_CONN:
        receive_input(l, CONTAINER_OF(source, struct conn, source));
        break;
    case SOURCE_LISTENER:
        acceptor_run(&l->acceptors, CONTAINER_OF(source, struct acceptor, source));
        break;
    case SOURCE_READAHEAD:
        handle_readahead(l);
        break;
    case SOURCE_ANSWERS:
        handle_answers(l);
        break;
    case SOURCE_POKE:
        heed_poke(l);
        break;
    case SOURCE_WORKER:
        l->on_told(l->told_context);
        break;
    }
}

// Only now, when all have received, are files looked at: what is answered is no older than the
// request.
static void answer_group(struct loop *l)
{
    for (size_t i = 0; i < l->ctx.ready.count; i++)
        if (l->ctx.ready.conns[i]->state != CONN_FREE)
            conn_advance(&l->ctx, l->ctx.ready.conns[i]);
    l->ctx.ready.count = 0;
    l->ctx.turns.group++;
}

static void expire(struct loop *l)
{
    struct deadline *d;
    while ((d = deadlines_expired(&l->ctx.deadlines, l->ctx.clock.now))) {
        conn_expire(&l->ctx, CONTAINER_OF(d, struct conn, deadline)); // which receives, alone
        l->ctx.turns.group++;
    }
}

static void tick(struct loop *l)
{
    l->last_tick = l->ctx.clock.now;
    acceptor_tick(&l->acceptors);
    if (!l->stopped_accepting)
        acceptor_try(&l->acceptors);
    filecache_tick(&l->ctx.cache);
    snapshots_tick(&l->ctx.snapshots, l->ctx.clock.now);
    for (size_t i = 0; i < l->ctx.questions.fs_count; i++)
        snapshots_tick(&l->ctx.far_snapshots[i], l->ctx.clock.now);
    bufpool_tick(&l->ctx.pool);
}

// When drain() has something to do, or -1.
static int64_t next_of_phase(const struct loop *l)
{
    if (l->ctx.phase == LOOP_SERVING)
        return -1;
    if (l->ctx.phase == LOOP_HANDING && l->handoff_full)
        return l->ctx.clock.now + HANDOFF_RETRY;
    return l->phase_since +
           (l->stopped_accepting ? (int64_t)l->ctx.served->conf->timeouts.drain : accept_time(l));
}

static int wait_timeout(const struct loop *l)
{
    int64_t next = l->last_tick + TICK;
    int64_t others[] = {deadlines_next(&l->ctx.deadlines), accesslog_next(&l->ctx.log),
                        next_of_phase(l), acceptor_next(&l->acceptors)};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        if (others[i] >= 0 && others[i] < next)
            next = others[i];
    return (int)MAX(next - l->ctx.clock.now, 0);
}

// Workers notice a swapped root before the master does: tells it, at most once a second.
static void tell_swapped(struct loop *l)
{
    bool again = l->ctx.clock.now - l->swap_told >= TICK;
    if (l->ctx.cache.swapped && l->ctx.phase == LOOP_SERVING && again) {
        l->swap_told = l->ctx.clock.now;
        l->ctx.shared->on_swapped(l->ctx.shared->context);
    }
    l->ctx.cache.swapped = false;
}

// Publishes the figures of a round at its end.
static void publish(struct loop *l, int64_t began_us)
{
    struct scoreboard_slot *slot = l->ctx.slot;
    struct scoreboard_notes *notes = l->ctx.notes;
    scoreboard_add(&slot->rounds[scoreboard_round_class(clock_now_us() - began_us)], 1);
    if (l->ctx.phase != LOOP_SERVING) // all that came before in this round has been answered
        atomic_store_explicit(&slot->phase, SCOREBOARD_LEAVING, memory_order_relaxed);
    atomic_store_explicit(&notes->beat, l->ctx.turns.round, memory_order_relaxed);
    atomic_store_explicit(&slot->log_dropped, l->ctx.log.dropped, memory_order_relaxed);
    atomic_store_explicit(&notes->log_error, (uint32_t)l->ctx.log.error, memory_order_relaxed);
    atomic_store_explicit(&notes->is_log_losing, l->ctx.log.is_losing, memory_order_relaxed);
    for (size_t i = 0; i < DEADLINE_CLASSES; i++)
        atomic_store_explicit(&notes->waiting[i], l->ctx.deadlines.counts[i], memory_order_relaxed);
}

void loop_round(struct loop *l)
{
    struct poller_event events[POLLER_MAX_EVENTS];
    int count = poller_wait(&l->ctx.poller, events, wait_timeout(l));
    int64_t began_us = clock_now_us();

    clock_read(&l->ctx.clock);
    l->ctx.turns.round++;
    l->acceptors.accepted = 0;
    for (int i = 0; i < count; i++) {
        heed(l, events[i].source);
        if (l->ctx.ready.count >= GROUP)
            answer_group(l);
    }
    if (l->ctx.clock.now - l->last_tick >= TICK)
        tick(l);
    if (!l->stopped_accepting)
        acceptor_resume(&l->acceptors);
    if (l->ctx.phase != LOOP_SERVING)
        drain(l);
    answer_group(l);
    expire(l);
    if (l->ctx.phase == LOOP_HANDING)
        hand_over(l);
    tell_swapped(l);
    if (l->acceptors.shortage && l->ctx.slots.closed) // a descriptor is free again
        acceptor_start(&l->acceptors);
    slots_reuse(&l->ctx.slots);
    accesslog_flush(&l->ctx.log, l->ctx.clock.now, false);
    publish(l, began_us);
}

void loop_run(struct loop *l)
{
    while (l->ctx.phase == LOOP_SERVING || !l->stopped_accepting || l->ctx.slots.taken)
        loop_round(l);
    atomic_store_explicit(&l->ctx.slot->phase, SCOREBOARD_ENDED, memory_order_relaxed);
}
