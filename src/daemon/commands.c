#include "daemon/mastery.h"

#include "base/log.h"
#include "base/num.h"
#include "daemon/overview.h"
#include "sys/clock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

// The most listeners that a status shows, and room for all of it.
#define LISTENERS_SHOWN 64
#define STATUS_MAX      (32u << 10)

// "explain CLIENT PORT", and the head of a request.
static void run_explain(void *context, const struct control_request *request)
{
    struct master *m = context;
    char client[ADDR_TEXT_MAX];
    struct slice port_text = request->arguments, name = slice_split(&port_text, ' ');
    uint64_t port;
    if (name.len >= sizeof(client) || !num_parse_dec(port_text, UINT16_MAX, &port)) {
        control_answer(request->fd, "error", "explain takes the client's address and the port");
        return;
    }
    memcpy(client, name.ptr, name.len);
    client[name.len] = '\0';
    const struct explainers_question question = {client, (uint16_t)port, request->text};
    int r = m->current ? explainers_start(&m->explainers, m->current, &question, request->fd)
                       : -EAGAIN;
    if (r < 0)
        control_answer(request->fd, "error", strerror(-r));
}

// ---- status ------------------------------------------------------------------------------------

const char *commands_state(const struct master *m)
{
    if (m->stopping)
        return "stopping";
    if (m->starting || !m->current)
        return "starting a generation";
    return m->draining ? "draining" : "serving";
}

void commands_report_totals(struct master *m, struct totals_report *ret)
{
    totals_begin(&m->maker.totals, ret);
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next)
        totals_add(ret, &CONTAINER_OF(l, struct generation, link)->scoreboard);
    totals_finish(&m->maker.totals, ret);
}

static void count_workers(const struct master *m, struct overview *s)
{
    for (struct list *l = m->generations.next; l != &m->generations; l = l->next) {
        const struct generation *g = CONTAINER_OF(l, struct generation, link);
        if (m->current && g == m->current)
            s->alive += g->alive;
        else if (g->phase == GENERATION_ENDING)
            s->ending += g->alive;
    }
}

static void describe(struct master *m, struct overview *s, struct overview_listener *listeners)
{
    *s = (struct overview){
        .pid = getpid(),
        .uptime_s = clock_wall_s() - m->started_s,
        .state = commands_state(m),
        .reload = m->outcome,
        .reload_s = m->outcome_s,
        .listeners = listeners,
    };
    count_workers(m, s);
    commands_report_totals(m, &s->totals);
    if (!m->current)
        return;
    s->generation = m->current->id;
    s->workers = m->current->wanted;
    s->sandbox = &m->current->sandbox;
    for (size_t i = 0; i < m->current->listeners.count && i < LISTENERS_SHOWN; i++)
        overview_look_at(m->current->listeners.items[i].fd, &listeners[s->listener_count++]);
}

// "status" for people, "status json" for programs.
static void run_status(void *context, const struct control_request *request)
{
    struct overview_listener listeners[LISTENERS_SHOWN];
    struct overview s;
    char text[STATUS_MAX];
    struct buf b = buf_make(text, sizeof(text) - 1);
    describe(context, &s, listeners);
    if (slice_equal(request->arguments, SLICE("json"))) {
        overview_put_json(&b, &s);
        control_send(request->fd, buf_slice(&b));
    } else {
        overview_put_text(&b, &s);
        text[b.len] = '\0';
        control_answer(request->fd, "result", text);
    }
}

// ---- orders ------------------------------------------------------------------------------------

// Has the client wait for the outcome of what `start` begins.
static void run_and_wait(struct master *m, const struct control_request *request,
                         void (*start)(struct master *))
{
    int r = master_is_ending(m) || !m->current ? -ESHUTDOWN : waiters_add(&m->waiters, request->fd);
    if (r < 0)
        control_answer(request->fd, "error",
                       r == -EBUSY ? "too many wait for a reload already" : strerror(-r));
    else
        start(m);
}

static void run_reload(void *context, const struct control_request *request)
{
    run_and_wait(context, request, succession_reload);
}

static void run_upgrade(void *context, const struct control_request *request)
{
    if (renewal_is_possible(context))
        run_and_wait(context, request, renewal_start);
    else
        control_answer(request->fd, "error", RENEWAL_NOT_NOW);
}

static void run_reopen(void *context, const struct control_request *request)
{
    master_each(context, generation_reopen_log);
    control_answer(request->fd, "result", "the log files are open anew");
}

static void run_drain(void *context, const struct control_request *request)
{
    master_drain(context);
    control_answer(request->fd, "result", "not ready for more, until a reload succeeds");
}

static void run_stop(void *context, const struct control_request *request)
{
    control_answer(request->fd, "result", "stopping");
    master_stop(context);
}

static const struct control_command control_commands[] = {
    {"explain", run_explain}, {"status", run_status}, {"reload", run_reload},
    {"upgrade", run_upgrade}, {"reopen", run_reopen}, {"drain", run_drain},
    {"stop", run_stop},       {NULL, NULL},
};

// ---- the socket --------------------------------------------------------------------------------

static bool is_at(const struct control *control, const char *path)
{
    return control ? strcmp(control_path(control), path) == 0 : *path == '\0';
}

// The default, which nobody has asked for, is done without where it does not work.
bool commands_open(struct master *m, const struct conf *conf)
{
    const char *path = conf->control, *what;
    const struct control_options options = {path, control_commands, m, &m->poller};
    m->control_changes = m->options->control && !is_at(m->control, path);
    if (!m->control_changes || !*path)
        return true;
    int r = control_new(&options, &m->control_next, &what);
    bool is_default = conf_is_default(conf, "control");
    if (r < 0 && is_default)
        log_notice("no control socket: %s: %s: %s", path, what, strerror(-r));
    else if (r < 0)
        log_err("the control socket %s cannot be opened: %s: %s", path, what, strerror(-r));
    return r == 0 || is_default;
}

void commands_take(struct master *m)
{
    if (!m->control_changes)
        return;
    m->control_ended = m->control;
    m->control = m->control_next;
    m->control_next = NULL;
    m->control_changes = false;
    if (m->control)
        control_serve(m->control);
}

void commands_give_up(struct master *m)
{
    control_free(m->control_next);
    m->control_next = NULL;
    m->control_changes = false;
}
