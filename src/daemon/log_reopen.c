#include "daemon/log_reopen.h"

#include "base/log.h"
#include "base/util.h"
#include "daemon/control.h"
#include "daemon/generation_open.h"
#include "server/accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Room for what is wrong with the logs of the generations.
#define FAULTS_MAX (16u << 10)

// How long their file systems may take, as the default of timeouts.root.
#define PATIENCE 5000 // ms

// ---- those who wait ----------------------------------------------------------------------------

static bool add_log_waiter(struct log_reopen *r, int fd)
{
    int own = r->waiter_count < LOG_REOPEN_WAITERS ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (own < 0)
        return false;
    r->waiters[r->waiter_count++] = own;
    return true;
}

static void tell_log_waiters(struct log_reopen *r, const char *faults)
{
    for (unsigned i = 0; i < r->due; i++) {
        control_answer(r->waiters[i], *faults ? "error" : "result",
                       *faults ? faults : "the log files are open anew");
        close(r->waiters[i]);
    }
    r->waiter_count -= r->due;
    memmove(r->waiters, r->waiters + r->due, r->waiter_count * sizeof(*r->waiters));
    r->due = 0;
}

// ---- taking over -------------------------------------------------------------------------------

static void report_log_fault(struct buf *b, const char *name, int error)
{
    static const char format[] =
        "%sthe access log \"%s\" cannot be opened: %s; the old one goes on";
    log_err(format, "", name, generation_open_log_error(error));
    buf_printf(b, format, b->len ? "\n" : "", name, generation_open_log_error(error));
}

static const struct fetched_item *find_log(const struct fetched *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].name, name) == 0)
            return &f->items[i];
    return NULL;
}

// A descriptor for one generation; -1 in *ret_fd: it has come since, with a log that is open anew.
static int open_again(const struct fetched *f, const char *name, int *ret_fd)
{
    const struct fetched_item *item = find_log(f, name);
    *ret_fd = -1;
    if (!accesslog_is_file(name))
        return accesslog_open(name, NULL, ret_fd);
    if (!item || item->error < 0)
        return item ? item->error : 0;
    *ret_fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 3);
    return *ret_fd < 0 ? -errno : 0;
}

static void replace_logs(struct generations *gs, const struct fetched *f, struct buf *faults)
{
    const char *reported = ""; // generations that follow each other mostly have the same log
    for (struct list *l = gs->list.next; l != &gs->list; l = l->next) {
        struct generation *g = CONTAINER_OF(l, struct generation, link);
        const char *name = g->served.conf->log.access;
        int fd, r = g->served.access_log < 0 ? -ENODATA : open_again(f, name, &fd);
        if (r == 0 && fd >= 0)
            generation_replace_log(g, fd);
        else if (r < 0 && r != -ENODATA && strcmp(name, reported) != 0)
            report_log_fault(faults, reported = name, r);
    }
}

// ---- asking ------------------------------------------------------------------------------------

static void forget_names(struct log_reopen *r)
{
    for (size_t i = 0; i < r->name_count; i++)
        free(r->names[i]);
    r->name_count = 0;
}

static void end_reopening(struct log_reopen *r, struct fetched *result)
{
    char text[FAULTS_MAX];
    struct buf faults = buf_make(text, sizeof(text) - 1);
    replace_logs(r->generations, result, &faults);
    text[faults.len] = '\0';
    fetched_cleanup(result);
    forget_names(r);
    tell_log_waiters(r, text);
}

static void begin_reopening(struct log_reopen *r);

static void on_logs_fetched(void *context, struct fetched *result)
{
    struct log_reopen *r = context;
    r->fetch = NULL;
    end_reopening(r, result);
    if (r->is_wanted)
        begin_reopening(r);
}

// A generation may be gone before its log is open: so the names are copied. Of those with the same
// log the newest has it opened.
static int list_logs(struct log_reopen *r, struct fetched *wanted)
{
    struct list *head = &r->generations->list;
    for (struct list *l = head->prev; l != head; l = l->prev) {
        const struct generation *g = CONTAINER_OF(l, struct generation, link);
        const char *name = g->served.conf->log.access;
        if (g->served.access_log < 0 || !accesslog_is_file(name) || find_log(wanted, name) ||
            r->name_count == ARRAY_SIZE(r->names))
            continue;
        char *copy = strdup(name);
        if (!copy)
            return -ENOMEM;
        r->names[r->name_count++] = copy;
        if (fetched_add(wanted, FETCHED_LOG, copy) < 0)
            return -ENOMEM;
        wanted->items[wanted->count - 1].user = &g->privs;
    }
    return 0;
}

static void begin_reopening(struct log_reopen *r)
{
    const struct fetch_terms terms = {PATIENCE, on_logs_fetched, r};
    struct fetched wanted = {.conf = NULL};
    r->is_wanted = false;
    r->due = r->waiter_count;
    int error = list_logs(r, &wanted);
    if (error == 0)
        error = fetch_start(r->fetches, &wanted, &terms, &r->fetch);
    else
        fetched_cleanup(&wanted);
    if (error == 0)
        return;
    log_err("the access logs cannot be opened anew: %s", strerror(-error));
    forget_names(r);
    tell_log_waiters(r, strerror(-error));
}

void log_reopen_start(struct log_reopen *r, int fd)
{
    if (fd >= 0 && !add_log_waiter(r, fd))
        control_answer(fd, "error", "too many wait for the log files already");
    if (r->fetch)
        r->is_wanted = true;
    else
        begin_reopening(r);
}

static void forget_reopening(struct log_reopen *r, const char *why)
{
    fetch_cancel(r->fetch);
    r->fetch = NULL;
    r->due = r->waiter_count;
    tell_log_waiters(r, why);
    forget_names(r);
}

void log_reopen_interrupt(struct log_reopen *r)
{
    r->is_wanted |= r->fetch != NULL;
    forget_reopening(r, "an upgrade came in between; ask again");
}

void log_reopen_go_on(struct log_reopen *r)
{
    if (r->is_wanted)
        begin_reopening(r);
}

void log_reopen_cleanup(struct log_reopen *r)
{
    forget_reopening(r, "the server stops");
}
