#include "daemon/explain_worker.h"

#include "base/util.h"
#include "daemon/control_message.h"
#include "explain/explain.h"
#include "server/worker_sandbox.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

// Seconds after which one kills itself.
#define PATIENCE 10

// ---- in the child ------------------------------------------------------------------------------

struct job {
    const struct generation *g;
    const struct explain_worker_question *question;
    size_t listener;
    int fd;
    pid_t parent;
};

static void write_answer(int fd, struct slice text)
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

static int send_answer(int fd, const char *kind, struct slice text)
{
    size_t size = text.len + CONTROL_MESSAGE_HEAD;
    char *data = malloc(size);
    if (!data)
        return EXIT_FAILURE;
    struct buf b = buf_make(data, size);
    control_message_put_answer(&b, kind, text);
    write_answer(fd, buf_slice(&b));
    free(data);
    return EXIT_SUCCESS;
}

static int send_error(int fd, const char *what, int error)
{
    char text[256];
    struct buf b = buf_make(text, sizeof(text));
    buf_printf(&b, "the request cannot be explained: %s: %s", what, strerror(-error));
    send_answer(fd, "error", buf_slice(&b));
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
    return g->served.conf->listen_count ? g->served.conf->listen[0].address : "nothing";
}

static int confine(const struct job *j, const char **ret_what)
{
    struct sandbox sandbox;
    int r = privs_confine_worker(&j->g->privs, j->parent, ret_what);
    if (r < 0)
        return r;
    *ret_what = "sandbox";
    r = worker_sandbox_make_explain(&sandbox, j->g->served.conf);
    if (r < 0)
        return r;
    r = sandbox_enter(&sandbox, NULL, ret_what);
    sandbox_cleanup(&sandbox);
    return r;
}

static int run_job(void *context, int channel)
{
    const struct job *j = context;
    const struct explain e = {
        .served = &j->g->served,
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
    int status = r < 0 ? send_error(j->fd, what, r) : send_answer(j->fd, "result", buf_slice(&out));
    free(text);
    return status;
}

// ---- starting ----------------------------------------------------------------------------------

static bool has_port(const struct listeners_entry *entry, const struct explain_worker_question *q)
{
    struct endpoint at = entry->wanted;
    if (entry->fd >= 0)
        listener_address(entry->fd, &at); // the kernel may have chosen the port
    return strcmp(q->client, "unix") == 0
               ? at.sa.sa_family == AF_UNIX
               : at.sa.sa_family != AF_UNIX && endpoint_port(&at) == q->port;
}

// The listener that the request comes by, as far as one can tell; else the first.
static size_t find_listener(const struct generation *g, const struct explain_worker_question *q)
{
    for (size_t i = 0; i < g->listeners.count; i++)
        if (has_port(&g->listeners.items[i], q))
            return i;
    return 0;
}

int explain_worker_spawn(struct child *ret, const struct generation *g,
                         const struct explain_worker_question *question, int fd)
{
    size_t count = sites_fd_count(&g->served.sites);
    int *keep = calloc(count + 1, sizeof(*keep));
    struct job job = {g, question, find_listener(g, question), fd, getpid()};
    if (!keep)
        return -ENOMEM;
    sites_fds(&g->served.sites, keep);
    keep[count] = fd;
    int r = child_spawn(ret, run_job, &job, keep, count + 1);
    free(keep);
    return r;
}

void explain_worker_init(struct explain_workers *x, struct watches *watches)
{
    *x = (struct explain_workers){.watches = watches};
}

static struct child *find_free_place(struct explain_workers *x)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        if (x->children[i].pid == 0)
            return &x->children[i];
    return NULL;
}

// Whoever has an answer may ask again before it was heard that the process has ended.
static struct child *make_place(struct explain_workers *x)
{
    struct child *free_place = find_free_place(x);
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX && !free_place; i++)
        child_look(&x->children[i]);
    return free_place ? free_place : find_free_place(x);
}

static void on_job_end(void *context, int status)
{
    (void)status; // it has answered its client, or that one sees the end of its connection
    child_close(context);
}

int explain_worker_start(struct explain_workers *x, const struct generation *g,
                         const struct explain_worker_question *question, int fd)
{
    struct child *child = make_place(x);
    if (!child)
        return -EBUSY;
    int r = explain_worker_spawn(child, g, question, fd);
    if (r < 0)
        return r;
    r = child_watch(child, x->watches, on_job_end, child);
    if (r < 0)
        child_kill(child);
    return r;
}

void explain_worker_cleanup(struct explain_workers *x)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        if (x->children[i].pid)
            child_kill(&x->children[i]);
}
