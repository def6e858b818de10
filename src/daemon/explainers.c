#include "daemon/explainers.h"

#include "base/json.h"
#include "base/util.h"
#include "server/confinement.h"
#include "server/explain.h"
#include "sys/clock.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

// Seconds after which one kills itself.
#define PATIENCE 10

// As in generation.c: a process that is traced is its tracer's to reap first.
#define REAP_DELAY 50 // ms

// ---- in the child ------------------------------------------------------------------------------

struct job {
    const struct generation *g;
    const struct explainers_question *question;
    size_t listener;
    int fd;
    pid_t parent;
};

static void send_all(int fd, struct slice text)
{
    // A file's flags are shared with whoever gave it to us, who has closed it, or waits to read.
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    while (text.len) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno != EINTR)
            return;
        text = slice_skip(text, (size_t)MAX(n, 0));
    }
}

static int send_member(int fd, const char *name, struct slice text)
{
    size_t size = 6 * text.len + 64;
    char *data = malloc(size);
    if (!data)
        return EXIT_FAILURE;
    struct buf b = buf_make(data, size);
    buf_printf(&b, "{\"%s\": ", name);
    json_put_string(&b, text);
    buf_puts(&b, "}\n");
    send_all(fd, buf_slice(&b));
    free(data);
    return EXIT_SUCCESS;
}

static int send_error(int fd, const char *what, int error)
{
    char text[256];
    struct buf b = buf_make(text, sizeof(text));
    buf_printf(&b, "the request cannot be explained: %s: %s", what, strerror(-error));
    send_member(fd, "error", buf_slice(&b));
    return EXIT_FAILURE;
}

// The master has blocked the signals that it reads from a descriptor.
static void limit_time(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(PATIENCE);
}

static const char *address_of(const struct generation *g, size_t listener)
{
    if (listener < g->listeners.count)
        return g->listeners.items[listener].conf->address;
    return g->conf->listen_count ? g->conf->listen[0].address : "nothing";
}

static int confine(const struct job *j, const char **ret_what)
{
    struct sandbox sandbox;
    int r = privs_confine_worker(&j->g->privs, j->parent, ret_what);
    if (r < 0)
        return r;
    *ret_what = "sandbox";
    r = confinement_for_explainer(&sandbox, j->g->conf);
    if (r < 0)
        return r;
    r = sandbox_enter(&sandbox, NULL, ret_what);
    sandbox_cleanup(&sandbox);
    return r;
}

static int run(void *context, int channel)
{
    const struct job *j = context;
    const struct explain e = {
        .conf = j->g->conf,
        .sites = &j->g->sites,
        .types = &j->g->types,
        .listener = j->listener,
        .address = address_of(j->g, j->listener),
        .client = j->question->client,
        .head = j->question->head,
    };
    const char *what = "memory";
    char *text = malloc(EXPLAIN_MAX);
    struct buf out = buf_make(text, text ? EXPLAIN_MAX : 0);
    (void)channel;
    limit_time();
    int r = text ? confine(j, &what) : -ENOMEM;
    if (r == 0) {
        what = "explaining";
        r = explain_write(&e, &out);
    }
    int status = r < 0 ? send_error(j->fd, what, r)
                       : send_member(j->fd, "explanation", buf_slice(&out));
    free(text);
    return status;
}

// ---- starting ----------------------------------------------------------------------------------

static bool has_port(const struct listeners_entry *entry, const struct explainers_question *q)
{
    struct endpoint at = entry->wanted;
    if (entry->fd >= 0)
        listener_address(entry->fd, &at); // the kernel may have chosen the port
    return strcmp(q->client, "unix") == 0 ? at.sa.sa_family == AF_UNIX
                                          : at.sa.sa_family != AF_UNIX && addr_port(&at) == q->port;
}

// The listener that the request comes by, as far as one can tell; else the first.
static size_t find_listener(const struct generation *g, const struct explainers_question *q)
{
    for (size_t i = 0; i < g->listeners.count; i++)
        if (has_port(&g->listeners.items[i], q))
            return i;
    return 0;
}

int explainers_spawn(struct child *ret, const struct generation *g,
                     const struct explainers_question *question, int fd)
{
    size_t count = sites_fd_count(&g->sites);
    int *keep = calloc(count + 1, sizeof(*keep));
    struct job job = {g, question, find_listener(g, question), fd, getpid()};
    if (!keep)
        return -ENOMEM;
    sites_fds(&g->sites, keep);
    keep[count] = fd;
    int r = child_spawn(ret, run, &job, keep, count + 1);
    free(keep);
    return r;
}

void explainers_init(struct explainers *x, struct poller *poller)
{
    *x = (struct explainers){.poller = poller};
    for (unsigned i = 0; i < EXPLAINERS_MAX; i++)
        x->slots[i].watch = (struct watch){.kind = WATCH_EXPLAINER, .number = i};
}

static struct explainers_slot *free_slot(struct explainers *x)
{
    for (unsigned i = 0; i < EXPLAINERS_MAX; i++)
        if (x->slots[i].child.pid == 0)
            return &x->slots[i];
    return NULL;
}

int explainers_start(struct explainers *x, const struct generation *g,
                     const struct explainers_question *question, int fd)
{
    struct explainers_slot *slot = free_slot(x);
    if (!slot)
        return -EBUSY;
    int r = explainers_spawn(&slot->child, g, question, fd);
    if (r < 0)
        return r;
    r = poller_add(x->poller, slot->child.pidfd, POLLER_IN, &slot->watch);
    if (r < 0)
        child_kill(&slot->child);
    return r;
}

// ---- ending ------------------------------------------------------------------------------------

void explainers_ended(struct explainers *x, unsigned number, int64_t now)
{
    struct explainers_slot *slot = &x->slots[number];
    int status;
    if (slot->child.pid == 0)
        return;
    poller_remove(x->poller, slot->child.pidfd);
    bool reaped = child_reap(&slot->child, &status) == 0;
    slot->reap_at = reaped ? 0 : now + REAP_DELAY;
    if (reaped)
        child_close(&slot->child);
}

void explainers_do_due(struct explainers *x, int64_t now)
{
    for (unsigned i = 0; i < EXPLAINERS_MAX; i++)
        if (x->slots[i].reap_at && now >= x->slots[i].reap_at)
            explainers_ended(x, i, now);
}

int64_t explainers_next(const struct explainers *x)
{
    int64_t next = -1;
    for (unsigned i = 0; i < EXPLAINERS_MAX; i++) {
        int64_t at = x->slots[i].reap_at;
        next = clock_earlier(next, at ? at : -1);
    }
    return next;
}

void explainers_cleanup(struct explainers *x)
{
    for (unsigned i = 0; i < EXPLAINERS_MAX; i++) {
        struct explainers_slot *slot = &x->slots[i];
        if (slot->child.pid == 0)
            continue;
        poller_remove(x->poller, slot->child.pidfd);
        child_kill(&slot->child);
    }
}
