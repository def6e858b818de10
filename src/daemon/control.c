#include "daemon/control.h"

#include "base/util.h"
#include "daemon/control_message.h"
#include "sys/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for every answer of the master.
#define ANSWER_MAX (64u << 10)

// For a command that has no version and reads JSON.
#define OLD_COMMAND \
    "{\"error\": \"the server is of a newer version: run the command of its program\"}\n"

// Reads of one client in a row, and newcomers.
#define TURN 64

struct client {
    struct control *control;
    struct crowd *crowd;
    struct list link; // of the crowd: free or silent
    int fd;           // -1: none
    char *data;       // CONTROL_REQUEST_MAX bytes
    size_t len;
    bool too_long;
    struct watch watch;
    struct timer deadline;
};

struct crowd {
    struct list free;
    struct list silent; // clients whose request has not ended, the longest silent first
    struct client clients[CONTROL_CLIENTS_MAX];
};

struct control {
    struct control_options options;
    char *path;
    int fd;
    bool is_served;
    struct watch watch;
    struct crowd owners; // of the owner and root: nobody else takes their places
    struct crowd others;
};

// ---- answering ---------------------------------------------------------------------------------

// Takes what an empty socket takes: the master does not wait for a client.
static void send_now(int fd, struct slice message)
{
    ssize_t n = send(fd, message.ptr, message.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; // the client sees that the answer is cut off
}

void control_answer(int fd, const char *kind, const char *text)
{
    char data[ANSWER_MAX];
    struct buf b = buf_make(data, sizeof(data));
    control_message_put_answer(&b, kind, slice_of(text));
    send_now(fd, buf_slice(&b));
}

static void run_command(struct control *c, struct slice data, int fd)
{
    struct control_message_request message;
    if (!control_message_parse_request(data, &message)) {
        send_now(fd, SLICE(OLD_COMMAND));
        return;
    }
    const struct control_request request = {message.arguments, message.text, fd};
    for (const struct control_command *command = c->options.commands; command->name; command++) {
        if (slice_equal(message.command, slice_of(command->name))) {
            if (!command->refuse || !command->refuse(c->options.context, &request))
                command->run(c->options.context, &request);
            return;
        }
    }
    control_answer(fd, "error", "unknown command");
}

// ---- clients -----------------------------------------------------------------------------------

// The struct stays where it is, and may get another client at once: an event of this wait that was
// for the one before finds nothing to read.
static void drop_client(struct client *client)
{
    watch_remove(client->control->options.watches, client->fd);
    timers_cancel(&client->deadline);
    close(client->fd);
    free(client->data);
    client->fd = -1;
    client->data = NULL;
    client->len = 0;
    client->too_long = false;
    list_move(&client->crowd->free, &client->link);
}

static void on_deadline(void *context)
{
    drop_client(context);
}

static struct client *control_client_of(struct list *link)
{
    return CONTAINER_OF(link, struct client, link);
}

static struct client *find_place(struct crowd *crowd)
{
    if (list_is_empty(&crowd->free)) {
        struct client *silent = control_client_of(crowd->silent.next);
        control_answer(silent->fd, "error",
                       "the control socket is crowded, and this client was silent for longest");
        drop_client(silent);
    }
    return control_client_of(crowd->free.next);
}

static int take_client(struct client *client, int fd)
{
    struct watches *watches = client->control->options.watches;
    client->data = malloc(CONTROL_REQUEST_MAX);
    if (!client->data || watch_add(watches, fd, &client->watch) < 0) {
        free(client->data);
        client->data = NULL;
        return -ENOMEM;
    }
    client->fd = fd;
    list_move(&client->crowd->silent, &client->link);
    timers_set(&watches->timers, &client->deadline, watches->now + CONTROL_TIMEOUT);
    return 0;
}

// By the ids at connect(2) (unix(7)).
static bool is_of_owner(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

// Takes what has come, in one turn no more than a while's; what finds no room is thrown away. 0 at
// the end, or a negative errno.
static int receive_command(struct client *client)
{
    for (unsigned i = 0; i < TURN; i++) {
        size_t room = CONTROL_REQUEST_MAX - client->len;
        char waste[1024];
        ssize_t n = room ? recv(client->fd, client->data + client->len, room, 0)
                         : recv(client->fd, waste, sizeof(waste), 0);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        list_move(&client->crowd->silent, &client->link);
        client->too_long = client->too_long || !room;
        client->len += room ? (size_t)n : 0;
    }
    return -EAGAIN;
}

static void on_data(void *context)
{
    struct client *client = context;
    int r = client->fd < 0 ? -EAGAIN : receive_command(client);
    if (r == -EAGAIN || r == -EINTR)
        return;
    if (r == 0 && client->too_long)
        control_answer(client->fd, "error", "the request is too long");
    else if (r == 0)
        run_command(client->control, slice_make(client->data, client->len), client->fd);
    drop_client(client);
}

// Nobody waits in the queue: a crowd there would hold up the owner. A request that is there already
// needs its place for this moment only.
static void on_connection(void *context)
{
    struct control *c = context;
    for (unsigned i = 0; i < TURN; i++) {
        int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            break;
        struct client *client = find_place(is_of_owner(fd) ? &c->owners : &c->others);
        if (take_client(client, fd) < 0)
            close(fd);
        else
            on_data(client);
    }
}

// ---- beginning and end -------------------------------------------------------------------------

static int listen_at(const char *path, const char **ret_what)
{
    const struct listener_options options = {
        .backlog = CONTROL_CLIENTS_MAX, .mode = 0660, .owner = (uid_t)-1, .group = (gid_t)-1};
    struct endpoint at = {.len = sizeof(at.un), .un = {.sun_family = AF_UNIX}};
    *ret_what = "bind";
    if (strlen(path) >= sizeof(at.un.sun_path))
        return -ENAMETOOLONG;
    strcpy(at.un.sun_path, path);
    at.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return listener_open(&at, &options, ret_what);
}

static void init_crowd(struct control *c, struct crowd *crowd)
{
    list_init(&crowd->free);
    list_init(&crowd->silent);
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *client = &crowd->clients[i];
        client->control = c;
        client->crowd = crowd;
        client->fd = -1;
        client->watch = (struct watch){on_data, client};
        timers_make(&client->deadline, on_deadline, client);
        list_append(&crowd->free, &client->link);
    }
}

static void drop_crowd(struct crowd *crowd)
{
    struct list *first;
    while ((first = list_first(&crowd->silent)))
        drop_client(control_client_of(first));
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
    c->watch = (struct watch){on_connection, c};
    init_crowd(c, &c->owners);
    init_crowd(c, &c->others);
    *ret = c;
    return 0;
}

void control_serve(struct control *c)
{
    c->is_served = watch_add(c->options.watches, c->fd, &c->watch) == 0;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    drop_crowd(&c->owners);
    drop_crowd(&c->others);
    if (c->is_served)
        watch_remove(c->options.watches, c->fd);
    listener_unlink(c->fd);
    close(c->fd);
    free(c->path);
    free(c);
}

const char *control_path(const struct control *c)
{
    return c->path;
}
