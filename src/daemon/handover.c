#include "daemon/handover.h"

#include "base/log.h"
#include "base/util.h"
#include "server/handoff.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct handover {
    struct list link;
    struct worker_process *from; // NULL: it has ended
    int in;
    uint32_t sent;
    bool has_sent; // all that it could at once
};

static struct handovers *handovers_of(const struct worker_process *w)
{
    return &w->generation->maker->handovers;
}

static struct handover *handover_at(struct list *link)
{
    return CONTAINER_OF(link, struct handover, link);
}

static struct handover *find_handover(const struct worker_process *from)
{
    struct handovers *h = handovers_of(from);
    for (struct list *l = h->list.next; l != &h->list; l = l->next)
        if (handover_at(l)->from == from)
            return handover_at(l);
    return NULL;
}

static void free_handover(struct handover *one)
{
    list_remove(&one->link);
    close(one->in);
    free(one);
}

static struct handover *add_handover(struct worker_process *from, int in)
{
    struct handover *one = calloc(1, sizeof(*one));
    if (!one)
        return NULL;
    one->from = from;
    one->in = in;
    list_append(&handovers_of(from)->list, &one->link);
    return one;
}

void handovers_init(struct handovers *h)
{
    *h = (struct handovers){0};
    list_init(&h->list);
}

void handovers_cleanup(struct handovers *h)
{
    struct list *l;
    while ((l = list_first(&h->list)))
        free_handover(handover_at(l));
}

// ---- those that take ---------------------------------------------------------------------------

// Of workers of another image it is not known whether they serve; one that does not takes nothing.
static bool may_take(const struct worker_process *w)
{
    return w->child.pid && w->knows_pairs &&
           (w->policy.phase == SUPERVISE_READY || !worker_process_place(w));
}

static void give_to_all(struct generation *to, const struct worker_process *from, int in)
{
    for (unsigned i = 0; i < to->worker_count; i++)
        if (&to->workers[i] != from && may_take(&to->workers[i]))
            worker_process_tell(&to->workers[i], CHANNEL_TAKE_FROM, 0, in);
}

static bool knows_pairs(const struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].child.pid && !g->workers[i].knows_pairs)
            return false;
    return true;
}

void handover_join(struct worker_process *w)
{
    const struct handovers *h = handovers_of(w);
    for (struct list *l = h->list.next; l != &h->list; l = l->next)
        worker_process_tell(w, CHANNEL_TAKE_FROM, 0, handover_at(l)->in);
    if (h->has_taken_from_old)
        worker_process_tell(w, CHANNEL_TAKE_FROM, 0, w->generation->maker->handoff[0]);
}

// ---- those that hand over ----------------------------------------------------------------------

static void finish_what_is_open(struct worker_process *from, int error)
{
    log_warn("worker %u of generation %u (pid %d) cannot hand its connections over: %s",
             from->number, from->generation->id, (int)from->child.pid, strerror(-error));
    worker_process_tell(from, CHANNEL_RETIRE, false, -1);
}

static void begin_pair(struct worker_process *from, struct generation *to)
{
    int pair[2];
    int r = handoff_pair(pair);
    if (r == 0 && !add_handover(from, pair[0])) {
        close(pair[0]);
        close(pair[1]);
        r = -ENOMEM;
    }
    if (r < 0) {
        finish_what_is_open(from, r);
        return;
    }
    give_to_all(to, from, pair[0]);
    worker_process_tell(from, CHANNEL_RETIRE, true, pair[1]);
    close(pair[1]);
}

void handover_begin(struct worker_process *from, struct generation *to)
{
    const struct generation_maker *maker = from->generation->maker;
    if (from->child.pid == 0)
        return;
    if (from->knows_pairs && knows_pairs(to)) {
        begin_pair(from, to);
        return;
    }
    handovers_of(from)->is_blind = true;
    worker_process_tell(from, CHANNEL_RETIRE, true, from->knows_pairs ? maker->handoff[1] : -1);
}

void handover_begin_all(struct generation *from, struct generation *to)
{
    struct generation_maker *maker = from->maker;
    struct handovers *h = &maker->handovers;
    for (struct list *l = h->list.next; l != &h->list; l = l->next)
        give_to_all(to, NULL, handover_at(l)->in);
    h->has_taken_from_old = h->has_taken_from_old || !knows_pairs(from);
    if (h->has_taken_from_old)
        give_to_all(to, NULL, maker->handoff[0]);
    for (unsigned i = 0; i < from->worker_count; i++)
        handover_begin(&from->workers[i], to);
}

void handover_note_sent(struct worker_process *from, uint32_t count)
{
    struct handover *one = find_handover(from);
    if (!one)
        return;
    one->sent = MAX(one->sent, count);
    one->has_sent = true;
}

void handover_note_end(struct worker_process *from)
{
    struct handover *one = find_handover(from);
    if (!one)
        return;
    one->from = NULL;
    if (!one->has_sent) // it has died
        handovers_of(from)->is_blind = true;
    one->has_sent = true;
    handovers_sweep(handovers_of(from));
}

void handover_adopt(struct worker_process *from, int in)
{
    handovers_of(from)->is_blind = true;
    if (!add_handover(from, in))
        close(in);
}

int handover_of(const struct worker_process *from)
{
    const struct handover *one = find_handover(from);
    return one ? one->in : -1;
}

// ---- those that are over -----------------------------------------------------------------------

static bool has_something(int in)
{
    int bytes = 0;
    return ioctl(in, SIOCINQ, &bytes) == 0 && bytes > 0;
}

void handovers_sweep(struct handovers *h)
{
    struct list *next;
    for (struct list *l = h->list.next; l != &h->list; l = next) {
        struct handover *one = handover_at(l);
        next = l->next;
        if (one->from || has_something(one->in))
            continue;
        h->sent += one->sent;
        free_handover(one);
    }
}

bool handovers_are_settled(const struct handovers *h, uint64_t *ret_sent)
{
    bool settled = true;
    *ret_sent = h->sent;
    for (struct list *l = h->list.next; l != &h->list; l = l->next) {
        const struct handover *one = handover_at(l);
        *ret_sent += one->sent;
        settled = settled && one->has_sent && !has_something(one->in);
    }
    return settled;
}

void handovers_forget_counts(struct handovers *h)
{
    h->sent = 0;
    h->is_blind = false;
}

// ---- programs with one pair for all -------------------------------------------------------------

int handovers_open_old(struct generation_maker *maker)
{
    return maker->handoff[0] >= 0 ? 0 : handoff_pair(maker->handoff);
}

void handover_prepare_for_old(struct generation *g)
{
    for (unsigned i = 0; i < g->worker_count; i++)
        if (g->workers[i].knows_pairs)
            worker_process_tell(&g->workers[i], CHANNEL_HAND_OVER_TO, 0, g->maker->handoff[1]);
}

void handovers_close_old(struct generation_maker *maker)
{
    for (size_t i = 0; i < ARRAY_SIZE(maker->handoff); i++) {
        if (maker->handoff[i] >= 0)
            close(maker->handoff[i]);
        maker->handoff[i] = -1;
    }
    maker->handovers.has_taken_from_old = false;
}
