#include "daemon/fetch_job.h"

#include "base/util.h"
#include "server/accesslog.h"
#include "sys/crew.h"
#include "sys/fdpass.h"
#include "sys/filecopy.h"
#include "sys/unit_hides.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// As ps(1) and /proc show it.
#define NAME "tined-fetch"

// The largest file that is copied: of redirects (content/redirectmap.h).
#define COPY_MAX (64u << 20)

// The result for an item. It is sent as long as `real` is.
struct reply {
    size_t number; // of the item
    int error, fd; // the descriptor goes beside it
    uint64_t dev, inode;
    bool is_local, is_hidden;
    bool is_group; // the USER is known, but not its group
    enum rootfs_way way;
    struct privs privs;
    char real[PATH_MAX];
};

struct task {
    const struct fetched *f;
    int channel;
};

// ---- in the child ------------------------------------------------------------------------------

static void put_identity(struct reply *ret, const struct file_identity *id)
{
    ret->dev = id->dev;
    ret->inode = id->inode;
}

static void fetch_root(const char *directory, struct reply *ret)
{
    struct supply_root opened;
    ret->error = supply_own.open_root(NULL, directory, &opened);
    if (ret->error < 0) {
        ret->is_hidden = unit_hides_path(directory);
        return;
    }
    ret->dev = opened.dev;
    ret->inode = opened.inode;
    ret->is_local = opened.is_local;
    ret->way = opened.root.way;
    if (opened.root.real && strlen(opened.root.real) < sizeof(ret->real))
        memcpy(ret->real, opened.root.real, strlen(opened.root.real) + 1);
    ret->fd = fcntl(opened.root.fd, F_DUPFD_CLOEXEC, 3);
    if (ret->fd < 0)
        ret->error = -errno;
    rootfs_cleanup(&opened.root);
}

static void look_at_path(const char *path, struct reply *ret)
{
    struct file_identity id;
    ret->error = rootfs_stat_path(path, &id);
    if (ret->error == 0)
        put_identity(ret, &id);
}

static void put_descriptor(int fd, struct reply *ret)
{
    ret->fd = fd;
    ret->error = MIN(fd, 0);
}

// The user database is for one thread at a time (getpwnam(3)).
static int resolve_user(const struct conf *conf, struct privs *ret, const char **ret_what)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    int r = privs_resolve(conf->user, conf->group, ret, ret_what);
    pthread_mutex_unlock(&lock);
    return r;
}

static void find_user(const struct conf *conf, struct reply *ret)
{
    const char *what = "user";
    ret->error = resolve_user(conf, &ret->privs, &what);
    ret->is_group = strcmp(what, "group") == 0;
}

// Without a user it can still be checked: all that is wrong is told at one time.
static void fetch_log(const struct fetched *f, const struct fetched_item *item, struct reply *ret)
{
    const char *what;
    struct privs found;
    const struct privs *user = item->user;
    int r = 0;
    if (!user && f->conf && !f->keeps_ids) {
        r = resolve_user(f->conf, &found, &what);
        user = r == 0 ? &found : NULL;
    }
    if (item->kind == FETCHED_LOG_CHECK)
        ret->error = accesslog_check(item->name, user);
    else
        ret->error = r < 0 ? r : accesslog_open(item->name, user, &ret->fd);
}

static void fetch_item(const struct fetched *f, const struct fetched_item *item, struct reply *ret)
{
    switch (item->kind) {
    case FETCHED_ROOT:
        fetch_root(item->name, ret);
        break;
    case FETCHED_LOOK:
        look_at_path(item->name, ret);
        break;
    case FETCHED_FILE:
        put_descriptor(filecopy_open(item->name, COPY_MAX), ret);
        break;
    case FETCHED_LOG:
    case FETCHED_LOG_CHECK:
        fetch_log(f, item, ret);
        break;
    case FETCHED_USER:
        find_user(f->conf, ret);
        break;
    }
}

// The parent takes them as they come.
static void send_reply(int channel, const struct reply *reply)
{
    size_t len = offsetof(struct reply, real) + strlen(reply->real) + 1;
    while (fdpass_send(channel, reply, len, reply->fd) == -EAGAIN)
        poll(&(struct pollfd){.fd = channel, .events = POLLOUT}, 1, -1);
}

static void do_item(void *context, size_t number)
{
    const struct task *task = context;
    struct reply reply;
    memset(&reply, 0, sizeof(reply)); // it is sent, with all that is between its members
    reply.number = number;
    reply.fd = -1;
    if (task->f->items[number].error != FETCHED_PENDING)
        return;
    fetch_item(task->f, &task->f->items[number], &reply);
    send_reply(task->channel, &reply);
    if (reply.fd >= 0)
        close(reply.fd);
}

// One that hangs must not keep open what whoever started the server waits to be closed.
static void leave_streams(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = STDIN_FILENO; fd >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(fd, stream);
    if (fd > STDERR_FILENO)
        close(fd);
}

int fetch_job_run(void *context, int channel)
{
    struct task task = {context, channel};
    pthread_setname_np(pthread_self(), NAME);
    leave_streams();
    crew_run(task.f->count, do_item, &task);
    return EXIT_SUCCESS;
}

// ---- in the parent -----------------------------------------------------------------------------

static void take_reply(struct fetched *f, const struct reply *reply, int fd)
{
    struct fetched_item *item = &f->items[reply->number];
    fetched_settle(f, item, reply->error);
    item->fd = fd;
    item->dev = reply->dev;
    item->inode = reply->inode;
    item->is_local = reply->is_local;
    item->is_hidden = reply->is_hidden;
    item->way = reply->way;
    if (item->kind == FETCHED_ROOT)
        item->real = strdup(reply->real);
    if (item->kind == FETCHED_USER) {
        f->privs = reply->privs;
        f->unknown = reply->is_group ? "group" : "user";
    }
}

static bool is_expected(const struct fetched *f, const struct reply *reply, ssize_t len)
{
    return (size_t)len > offsetof(struct reply, real) && reply->number < f->count &&
           f->items[reply->number].error == FETCHED_PENDING && reply->error <= 0;
}

bool fetch_job_receive(int channel, struct fetched *f)
{
    struct reply reply;
    ssize_t len;
    int fd;
    while ((len = fdpass_receive(channel, &reply, sizeof(reply), &fd)) > 0 || len == -EMSGSIZE) {
        if (len == -EMSGSIZE) // others may need no descriptor
            f->is_short = true;
        else if (is_expected(f, &reply, len))
            take_reply(f, &reply, fd);
        else if (fd >= 0)
            close(fd);
    }
    return len == -EAGAIN && f->pending;
}
