// The control socket: commands to the running master, for those who may open the socket's file.
//
// A client connects, sends one request (a line with a command and its arguments, behind it what the
// command takes) and ends its side; it is answered with one JSON object (base/json.h) and the
// connection is closed. The master never waits for a client: requests are collected as they come,
// within a deadline, and an answer is short enough for an empty socket. Master only.
#pragma once

#include "base/slice.h"
#include "daemon/generation.h"

#define CONTROL_CLIENTS_MAX 8
#define CONTROL_REQUEST_MAX (64u << 10) // bytes
#define CONTROL_TIMEOUT     5000        // ms for a whole request

struct control_request {
    struct slice arguments; // what stands behind the command
    struct slice text;      // what follows the first line
    int fd;                 // to answer on; closed when the command returns
};

// Carries a command out: answers with control_answer(), or has somebody do so who keeps the socket.
typedef void control_run_cb(void *context, const struct control_request *request);

struct control_command {
    const char *name;
    control_run_cb *run;
};

struct control; // opaque

struct control_options {
    const char *path;
    const struct control_command *commands; // ends with one without a name
    void *context;
    struct poller *poller;
};

// Listens at the path, for owner and group of the process; who connects waits for control_serve().
// 0, or a negative errno with what failed
// in *ret_what, as listener_open(); -ENAMETOOLONG.
int control_new(const struct control_options *options, struct control **ret, const char **ret_what);

// From now on the poller tells of clients.
void control_serve(struct control *c);

// Closes it, drops the clients, and removes the file. NULL is fine.
void control_free(struct control *c);

const char *control_path(const struct control *c);

// Somebody connects; a client, by its number, is ready.
void control_accept(struct control *c, int64_t now);
void control_receive(struct control *c, unsigned number);

// Drops the clients whose time is up; and when that is due next, or -1.
void control_do_due(struct control *c, int64_t now);
int64_t control_next(const struct control *c);

// Answers with an object as it is.
void control_send(int fd, struct slice object);

// Answers with the object {"name": "text"}.
void control_answer(int fd, const char *name, const char *text);
