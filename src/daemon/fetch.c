#include "daemon/fetch.h"

#include "base/util.h"
#include "daemon/child.h"
#include "daemon/fetch_job.h"
#include "sys/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct fetch {
    struct list link;
    struct fetches *all;
    struct child child; // pid 0: it has ended
    struct watch replies;
    struct timer deadline;
    struct timer end; // due at once: what is over is told, and freed when nothing is left of it
    struct fetched what;
    fetch_done_cb *done; // NULL: was told, or nobody wants to know
    void *context;
    bool is_late;  // it is beyond its deadline
    char **silent; // names of what has not come by then
    size_t silent_count;
};

static struct fetch *fetch_of(struct list *link)
{
    return CONTAINER_OF(link, struct fetch, link);
}

static struct timers *timers_of_fetch(const struct fetch *f)
{
    return &f->all->watches->timers;
}

// ---- the end -----------------------------------------------------------------------------------

static void free_fetch(struct fetch *f)
{
    list_remove(&f->link);
    timers_cancel(&f->deadline);
    timers_cancel(&f->end);
    fetched_cleanup(&f->what);
    for (size_t i = 0; i < f->silent_count; i++)
        free(f->silent[i]);
    free(f->silent);
    free(f);
}

static void settle_pending(struct fetch *f, int error)
{
    for (size_t i = 0; i < f->what.count; i++)
        if (f->what.items[i].error == FETCHED_PENDING)
            fetched_settle(&f->what, &f->what.items[i], error);
}

// The names are the configuration's, which may be gone before the process is. For a name without
// memory there may be another process.
static void note_silent(struct fetch *f)
{
    f->silent = calloc(f->what.pending + 1, sizeof(*f->silent));
    for (size_t i = 0; f->silent && i < f->what.count; i++) {
        const struct fetched_item *item = &f->what.items[i];
        char *name = item->error == FETCHED_PENDING ? strdup(item->name) : NULL;
        if (name)
            f->silent[f->silent_count++] = name;
    }
}

static void finish_fetch(void *context)
{
    struct fetch *f = context;
    fetch_done_cb *done = f->done;
    struct fetched result = f->what;
    f->done = NULL;
    if (done)
        f->what = (struct fetched){.conf = NULL};
    void *told = f->context;
    if (f->child.pid == 0)
        free_fetch(f);
    if (done)
        done(told, &result);
}

static void kill_fetch(struct fetch *f)
{
    watch_remove(f->all->watches, f->child.channel);
    child_signal(&f->child, SIGKILL);
}

static void on_fetch_deadline(void *context)
{
    struct fetch *f = context;
    f->is_late = true;
    if (f->done) {
        kill_fetch(f);
        note_silent(f);
        settle_pending(f, f->what.is_short ? -EMFILE : -ETIMEDOUT);
    }
    finish_fetch(f);
}

// ---- the process -------------------------------------------------------------------------------

static void on_reply(void *context)
{
    struct fetch *f = context;
    if (f->child.pid == 0)
        return;
    if (!fetch_job_receive(f->child.channel, &f->what)) // it ends: its pidfd tells
        watch_remove(f->all->watches, f->child.channel);
}

// An event of this wait may still point here: the end is told by a timer.
static void on_fetch_end(void *context, int status)
{
    struct fetch *f = context;
    (void)status; // what it has not told of says enough
    fetch_job_receive(f->child.channel, &f->what);
    watch_remove(f->all->watches, f->child.channel);
    child_close(&f->child);
    settle_pending(f, f->what.is_short ? -EMFILE : -EIO);
    timers_cancel(&f->deadline);
    timers_set(timers_of_fetch(f), &f->end, f->all->watches->now);
}

static int spawn_fetch(struct fetch *f)
{
    struct watches *ws = f->all->watches;
    int r = child_spawn(&f->child, fetch_job_run, &f->what, NULL, 0);
    if (r < 0)
        return r;
    r = watch_add(ws, f->child.channel, &f->replies);
    if (r == 0)
        r = child_watch(&f->child, ws, on_fetch_end, f);
    if (r < 0) {
        watch_remove(ws, f->child.channel);
        child_kill(&f->child);
    }
    return r;
}

static void skip_silent(struct fetches *fs, struct fetched *what)
{
    if (list_is_empty(&fs->list))
        return;
    for (size_t i = 0; i < what->count; i++)
        if (fetches_is_silent(fs, what->items[i].name))
            fetched_settle(what, &what->items[i], -ETIMEDOUT);
}

int fetch_start(struct fetches *fs, struct fetched *what, const struct fetch_terms *terms,
                struct fetch **ret)
{
    struct fetch *f = calloc(1, sizeof(*f));
    if (!f) {
        fetched_cleanup(what);
        return -ENOMEM;
    }
    *f = (struct fetch){.all = fs, .what = *what, .done = terms->done, .context = terms->context};
    f->replies = (struct watch){on_reply, f};
    list_init(&f->link);
    timers_make(&f->deadline, on_fetch_deadline, f);
    timers_make(&f->end, finish_fetch, f);
    skip_silent(fs, &f->what);
    int r = f->what.pending ? spawn_fetch(f) : 0;
    if (r < 0) {
        free_fetch(f);
        return r;
    }
    list_append(&fs->list, &f->link);
    if (f->child.pid)
        timers_set(timers_of_fetch(f), &f->deadline, clock_now() + terms->patience);
    else
        timers_set(timers_of_fetch(f), &f->end, clock_now());
    *ret = f;
    return 0;
}

void fetch_cancel(struct fetch *f)
{
    if (!f)
        return;
    f->done = NULL;
    if (f->child.pid == 0)
        return;
    kill_fetch(f);
    note_silent(f);
    settle_pending(f, -ECANCELED);
}

// ---- all of them -------------------------------------------------------------------------------

void fetches_init(struct fetches *fs, struct watches *watches)
{
    fs->watches = watches;
    list_init(&fs->list);
}

bool fetches_is_silent(const struct fetches *fs, const char *name)
{
    for (struct list *l = fs->list.next; l != &fs->list; l = l->next)
        for (size_t i = 0; fetch_of(l)->is_late && i < fetch_of(l)->silent_count; i++)
            if (strcmp(fetch_of(l)->silent[i], name) == 0)
                return true;
    return false;
}

void fetches_cleanup(struct fetches *fs)
{
    struct list *l;
    while ((l = list_first(&fs->list))) {
        struct fetch *f = fetch_of(l);
        if (f->child.pid) {
            watch_remove(fs->watches, f->child.channel);
            child_kill(&f->child);
        }
        free_fetch(f);
    }
}

// ---- without watches ---------------------------------------------------------------------------

static void keep_result(void *context, struct fetched *result)
{
    struct fetched *ret = context;
    *ret = *result;
}

int fetch_and_wait(struct fetched *what, int64_t patience)
{
    struct watches watches;
    struct fetches fs;
    struct fetch *f;
    struct fetched got = {.pending = 1};
    struct conf *conf = what->conf;
    int r = watch_init(&watches);
    if (r < 0)
        return r;
    fetches_init(&fs, &watches);
    r = fetch_start(&fs, what, &(struct fetch_terms){patience, keep_result, &got}, &f);
    *what = (struct fetched){.conf = conf};
    while (r == 0 && got.pending)
        watch_wait(&watches);
    if (r == 0)
        *what = got;
    fetches_cleanup(&fs);
    watch_cleanup(&watches);
    return r;
}
