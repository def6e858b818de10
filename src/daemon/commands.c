#include "daemon/commands.h"

#include "base/log.h"
#include "base/num.h"
#include "base/util.h"
#include "daemon/control_message.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for all of a status.
#define STATUS_MAX (64u << 10)

// Whether the request is meant for the server of another configuration. It was answered then.
static bool is_misdirected(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    char path[PATH_MAX], text[2 * PATH_MAX + 128];
    struct slice rest = request->text, file = slice_split(&rest, '\n');
    if (!slice_starts_with(file, SLICE(CONTROL_MESSAGE_FILE)))
        return false;
    file = slice_skip(file, strlen(CONTROL_MESSAGE_FILE));
    if (c->file && realpath(c->file, path) && slice_equal(file, slice_of(path)))
        return false;
    snprintf(text, sizeof(text),
             "the server at this control socket runs \"%s\"; name the socket of the one that runs "
             "\"%.*s\" with -s",
             c->file ? c->file : "no file", (int)MIN(file.len, PATH_MAX), file.ptr);
    control_answer(request->fd, "error", text);
    return true;
}

// "explain CLIENT PORT", and the head of a request.
static void run_explain(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    char client[ENDPOINT_TEXT_MAX];
    struct slice port_text = request->arguments, name = slice_split(&port_text, ' ');
    uint64_t port;
    if (name.len >= sizeof(client) || !num_parse_dec(port_text, UINT16_MAX, &port)) {
        control_answer(request->fd, "error", "explain takes the client's address and the port");
        return;
    }
    memcpy(client, name.ptr, name.len);
    client[name.len] = '\0';
    const struct explain_worker_question question = {client, (uint16_t)port, request->text};
    int r = c->generations->current
                ? explain_worker_start(c->explain_workers, c->generations->current, &question,
                                       request->fd)
                : -EAGAIN;
    if (r < 0)
        control_answer(request->fd, "error", strerror(-r));
}

// "status" for people, "status json" for programs.
static void run_status(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    char text[STATUS_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    if (slice_equal(request->arguments, SLICE("json")))
        status_put_json(c->status, &b);
    else
        status_put_text(c->status, &b);
    text[b.len] = '\0';
    control_answer(request->fd, "result", text);
}

// Has the client wait for the outcome of what begins now. False when it cannot, and was told so.
static bool add_waiter(const struct commands *c, const struct control_request *request)
{
    int r = -ESHUTDOWN;
    if (!stop_is_ending(c->stop) && c->generations->current)
        r = control_waiters_add(&c->outcome->waiters, request->fd);
    if (r < 0)
        control_answer(request->fd, "error",
                       r == -EBUSY ? "too many wait for a reload already" : strerror(-r));
    return r == 0;
}

static void run_reload(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    if (add_waiter(c, request))
        reload_start(c->reload);
}

static void run_upgrade(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    if (!upgrade_is_possible(c->upgrade))
        control_answer(request->fd, "error", UPGRADE_NOT_NOW);
    else if (add_waiter(c, request))
        upgrade_start(c->upgrade);
}

static void run_reopen(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    log_reopen_start(c->log_reopen, request->fd);
}

// Draining as the operator means it: the server serves on, and tells balancers to go elsewhere.
static void run_drain(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    generations_make_unready(c->generations);
    service_manager_change(c->service_manager);
    control_answer(request->fd, "result", "not ready for more, until a reload succeeds");
}

static void run_stop(void *context, const struct control_request *request)
{
    const struct commands *c = context;
    control_answer(request->fd, "result", "stopping");
    stop_request(c->stop);
}

const struct control_command commands_table[] = {
    {"explain", run_explain, NULL},         {"status", run_status, is_misdirected},
    {"reload", run_reload, is_misdirected}, {"upgrade", run_upgrade, is_misdirected},
    {"reopen", run_reopen, is_misdirected}, {"drain", run_drain, is_misdirected},
    {"stop", run_stop, is_misdirected},     {NULL, NULL, NULL},
};
