#include "daemon/control.h"

#include "base/json.h"
#include "base/util.h"
#include "sys/clock.h"
#include "sys/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for every answer, with its escapes.
#define ANSWER_MAX (64u << 10)

// Reads of one client in a row.
#define TURN 64

struct client {
    int fd; // -1: none
    int64_t deadline;
    char *data; // CONTROL_REQUEST_MAX bytes
    size_t len;
    bool too_long;
    struct watch watch;
};

struct control {
    struct control_options options;
    char *path;
    int fd;
    bool waits; // the poller has `fd`
    struct watch watch;
    struct client clients[CONTROL_CLIENTS_MAX];
};

// ---- answering ---------------------------------------------------------------------------------

// What an empty socket does not take is lost: nobody waits for a client.
void control_send(int fd, struct slice object)
{
    ssize_t n = send(fd, object.ptr, object.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; // who does not listen is not waited for
}

void control_answer(int fd, const char *name, const char *text)
{
    char data[ANSWER_MAX];
    struct buf b = buf_make(data, sizeof(data));
    buf_putc(&b, '{');
    json_put_string(&b, slice_of(name));
    buf_puts(&b, ": ");
    json_put_string(&b, slice_of(text));
    buf_puts(&b, "}\n");
    control_send(fd, buf_slice(&b));
}

static void run(struct control *c, struct slice data, int fd)
{
    struct slice line = slice_split(&data, '\n');
    const struct slice name = slice_split(&line, ' ');
    const struct control_request request = {.arguments = line, .text = data, .fd = fd};
    for (const struct control_command *command = c->options.commands; command->name; command++) {
        if (slice_equal(name, slice_of(command->name))) {
            command->run(c->options.context, &request);
            return;
        }
    }
    control_answer(fd, "error", "unknown command");
}

// ---- clients -----------------------------------------------------------------------------------

// As long as there is no room for another client, newcomers wait in the queue.
static void settle(struct control *c)
{
    bool room = false;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        room = room || c->clients[i].fd < 0;
    if (room && !c->waits)
        c->waits = poller_add(c->options.poller, c->fd, POLLER_IN, &c->watch) == 0;
    if (!room && c->waits) {
        poller_remove(c->options.poller, c->fd);
        c->waits = false;
    }
}

static void drop(struct control *c, struct client *client)
{
    poller_remove(c->options.poller, client->fd);
    close(client->fd);
    free(client->data);
    client->fd = -1;
    client->data = NULL;
    client->len = 0;
    client->too_long = false;
    settle(c);
}

static int take(struct control *c, struct client *client, int fd, int64_t now)
{
    client->data = malloc(CONTROL_REQUEST_MAX);
    if (!client->data || poller_add(c->options.poller, fd, POLLER_IN, &client->watch) < 0) {
        free(client->data);
        client->data = NULL;
        return -ENOMEM;
    }
    client->fd = fd;
    client->deadline = now + CONTROL_TIMEOUT;
    return 0;
}

void control_accept(struct control *c, int64_t now)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (c->clients[i].fd >= 0)
            continue;
        int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            break;
        if (take(c, &c->clients[i], fd, now) < 0)
            close(fd);
    }
    settle(c);
}

// Takes what has come, in one turn no more than a while's; what finds no room is thrown away. 0 at
// the end, or a negative errno.
static int receive(struct client *client)
{
    for (unsigned i = 0; i < TURN; i++) {
        size_t room = CONTROL_REQUEST_MAX - client->len;
        char waste[1024];
        ssize_t n = room ? recv(client->fd, client->data + client->len, room, 0)
                         : recv(client->fd, waste, sizeof(waste), 0);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        client->too_long = client->too_long || !room;
        client->len += room ? (size_t)n : 0;
    }
    return -EAGAIN;
}

void control_receive(struct control *c, unsigned number)
{
    struct client *client = &c->clients[number];
    int r = client->fd < 0 ? -EAGAIN : receive(client);
    if (r == -EAGAIN || r == -EINTR)
        return;
    if (r == 0 && client->too_long)
        control_answer(client->fd, "error", "the request is too long");
    else if (r == 0)
        run(c, slice_make(client->data, client->len), client->fd);
    drop(c, client);
}

void control_do_due(struct control *c, int64_t now)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].fd >= 0 && now >= c->clients[i].deadline)
            drop(c, &c->clients[i]);
}

int64_t control_next(const struct control *c)
{
    int64_t next = -1;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].fd >= 0)
            next = clock_earlier(next, c->clients[i].deadline);
    return next;
}

// ---- beginning and end -------------------------------------------------------------------------

static int listen_at(const char *path, const char **ret_what)
{
    const struct listener_options options = {
        .backlog = 2 * CONTROL_CLIENTS_MAX, .mode = 0660, .owner = (uid_t)-1, .group = (gid_t)-1};
    struct endpoint at = {.len = sizeof(at.un), .un = {.sun_family = AF_UNIX}};
    *ret_what = "bind";
    if (strlen(path) >= sizeof(at.un.sun_path))
        return -ENAMETOOLONG;
    strcpy(at.un.sun_path, path);
    at.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return listener_open(&at, &options, ret_what);
}

int control_new(const struct control_options *options, struct control **ret, const char **ret_what)
{
    *ret_what = "memory";
    struct control *c = calloc(1, sizeof(*c));
    char *path = strdup(options->path);
    int fd = c && path ? listen_at(path, ret_what) : -ENOMEM;
    if (fd < 0) {
        free(path);
        free(c);
        return fd;
    }
    c->options = *options;
    c->options.path = c->path = path;
    c->fd = fd;
    c->watch.kind = WATCH_CONTROL;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        c->clients[i].fd = -1;
        c->clients[i].watch = (struct watch){.kind = WATCH_CONTROL_CLIENT, .number = i};
    }
    *ret = c;
    return 0;
}

void control_serve(struct control *c)
{
    settle(c);
}

void control_free(struct control *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].fd >= 0)
            drop(c, &c->clients[i]);
    if (c->waits)
        poller_remove(c->options.poller, c->fd);
    listener_unlink(c->fd);
    close(c->fd);
    free(c->path);
    free(c);
}

const char *control_path(const struct control *c)
{
    return c->path;
}
