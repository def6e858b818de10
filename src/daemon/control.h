// The control socket: commands to the running master, for those who may open the socket's file.
//
// A client connects, sends one request (daemon/control_message.h) and ends its side; it is answered
// and the connection is closed. The master never waits for a client: requests are collected as they
// come, within a deadline, and an answer is short enough for an empty socket. Each newcomer is
// accepted at once: when the places of its kind (of the owner and root, or of others) are taken,
// the client that has sent nothing for longest gives way, and is told. Master only.
#pragma once

#include "base/slice.h"
#include "daemon/watch.h"

#define CONTROL_CLIENTS_MAX 128         // of the owner and root, and as many others
#define CONTROL_REQUEST_MAX (64u << 10) // bytes
#define CONTROL_TIMEOUT     5000        // ms for a whole request

struct control_request {
    struct slice arguments; // what stands behind the command
    struct slice text;      // what follows the first line
    int fd;                 // to answer on; closed when the command returns
};

// Carries a command out: answers with control_answer(), or has somebody do so who keeps the socket.
typedef void control_run_cb(void *context, const struct control_request *request);

// Whether the command is not for this server; it was answered then.
typedef bool control_refuse_cb(void *context, const struct control_request *request);

struct control_command {
    const char *name;
    control_run_cb *run;
    control_refuse_cb *refuse; // asked before; NULL: it is for every server
};

struct control; // opaque

struct control_options {
    const char *path;
    const struct control_command *commands; // ends with one without a name
    void *context;
    struct watches *watches;
};

// Listens at the path, for owner and group of the process; who connects waits for control_serve().
// 0, or a negative errno with what failed
// in *ret_what, as listener_open(); -ENAMETOOLONG.
int control_new(const struct control_options *options, struct control **ret, const char **ret_what);

// From now on clients are served.
void control_serve(struct control *c);

// Closes it, drops the clients, and removes the file. NULL is fine.
void control_free(struct control *c);

const char *control_path(const struct control *c);

// Answers with a text; `kind` is "result", "error" or "logged".
void control_answer(int fd, const char *kind, const char *text);
