#include "daemon/explain_worker.h"

#include "base/util.h"
#include "daemon/control_message.h"
#include "explain/explain.h"
#include "server/worker_sandbox.h"
#include "sys/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Seconds after which one kills itself.
#define PATIENCE 10

// ---- in the child ------------------------------------------------------------------------------

struct job {
    const struct generation *g;
    const struct explain_worker_question *question;
    size_t listener;
    struct explain_worker_fds fds;
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
    if (j->fds.words >= 0)
        child_stderr_enter(j->fds.words);
    limit_time();
    int r = text ? confine(j, &what) : -ENOMEM;
    if (r == 0) {
        what = "explaining";
        r = explain_write(&e, &out);
    }
    int status = r < 0 ? send_error(j->fds.answer, what, r)
                       : send_answer(j->fds.answer, "result", buf_slice(&out));
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
                         const struct explain_worker_question *question,
                         struct explain_worker_fds fds)
{
    size_t count = sites_fd_count(&g->served.sites);
    int *keep = calloc(count + 2, sizeof(*keep));
    struct job job = {g, question, find_listener(g, question), fds, getpid()};
    if (!keep)
        return -ENOMEM;
    sites_fds(&g->served.sites, keep);
    keep[count++] = fds.answer;
    if (fds.words >= 0)
        keep[count++] = fds.words;
    int r = child_spawn(ret, run_job, &job, keep, count);
    free(keep);
    return r;
}

void explain_worker_init(struct explain_workers *x, struct watches *watches)
{
    *x = (struct explain_workers){.watches = watches};
}

static struct explain_worker *find_free_place(struct explain_workers *x)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        if (x->places[i].child.pid == 0)
            return &x->places[i];
    return NULL;
}

// Whoever has an answer may ask again before it was heard that the process has ended.
static struct explain_worker *make_place(struct explain_workers *x)
{
    struct explain_worker *free_place = find_free_place(x);
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX && !free_place; i++)
        child_look(&x->places[i].child);
    return free_place ? free_place : find_free_place(x);
}

static void on_job_end(void *context, int status)
{
    struct explain_worker *w = context;
    (void)status; // it has answered its client, or that one sees the end of its connection
    child_stderr_finish(&w->words);
    child_close(&w->child);
}

static int watch_job(struct explain_worker *w, struct watches *watches, int words)
{
    char name[CHILD_STDERR_NAME_MAX];
    snprintf(name, sizeof(name), "a process that explains (pid %d)", (int)w->child.pid);
    int r = child_stderr_watch(&w->words, watches, words, name, &(struct event_fields){0});
    if (r < 0)
        close(words);
    else
        r = child_watch(&w->child, watches, on_job_end, w);
    return r;
}

static void kill_job(struct explain_worker *w)
{
    child_kill(&w->child);
    child_stderr_finish(&w->words);
}

int explain_worker_start(struct explain_workers *x, const struct generation *g,
                         const struct explain_worker_question *question, int fd)
{
    struct explain_worker *w = make_place(x);
    int words[2];
    if (!w)
        return -EBUSY;
    int r = child_stderr_open(words);
    if (r < 0)
        return r;
    r = explain_worker_spawn(&w->child, g, question, (struct explain_worker_fds){fd, words[1]});
    close(words[1]);
    if (r < 0)
        close(words[0]);
    else if ((r = watch_job(w, x->watches, words[0])) < 0)
        kill_job(w);
    return r;
}

void explain_worker_cleanup(struct explain_workers *x)
{
    for (unsigned i = 0; i < EXPLAIN_WORKERS_MAX; i++)
        if (x->places[i].child.pid)
            kill_job(&x->places[i]);
}
