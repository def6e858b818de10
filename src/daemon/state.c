#include "daemon/state.h"

#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define FIRST_LINE "tined-state 1"

// ---- writing -----------------------------------------------------------------------------------

void state_format(struct buf *b, const struct state *s)
{
    char text[ADDR_TEXT_MAX];
    buf_puts(b, FIRST_LINE "\n");
    buf_printf(b, "id %u\nstarted %" PRId64 "\ndrain %" PRIu64 "\nhandoff %d %d\n", s->last_id,
               s->started_s, s->drain, s->handoff[0], s->handoff[1]);
    for (size_t i = 0; i < STATE_COUNTS; i++)
        if (s->counts[i])
            buf_printf(b, "count %zu %" PRIu64 "\n", i, s->counts[i]);
    for (unsigned i = 0; i < s->waiter_count; i++)
        buf_printf(b, "waiter %d\n", s->waiters[i]);
    if (s->image >= 0)
        buf_printf(b, "image %d\n", s->image);
    buf_printf(b, "path %s\n", s->path);
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct state_listener *l = &s->listeners[i];
        buf_printf(b, "listener %d %d %s\n", l->fd, l->inherited, addr_format(&l->wanted, text));
    }
    for (size_t i = 0; i < s->worker_count; i++) {
        const struct state_worker *w = &s->workers[i];
        buf_printf(b, "worker %u %d %d %d %d\n", w->generation, w->ending, (int)w->pid, w->channel,
                   w->pidfd);
    }
    for (size_t i = 0; i < s->socket_count; i++)
        buf_printf(b, "socket %d %s\n", s->sockets[i].fd, s->sockets[i].name);
    buf_puts(b, "end\n");
}

// ---- reading -----------------------------------------------------------------------------------

struct reader {
    struct state state;
    struct slice line; // the rest of the line
    bool bad, ended;
    int error; // -ENOMEM
};

static uint64_t number(struct reader *r, uint64_t max)
{
    uint64_t value = 0;
    if (!num_parse_dec(slice_split(&r->line, ' '), max, &value))
        r->bad = true;
    return value;
}

static int descriptor(struct reader *r)
{
    return (int)number(r, INT_MAX);
}

// The rest of the line as a string that is not empty.
static void text(struct reader *r, char *ret, size_t size)
{
    if (r->line.len == 0 || r->line.len >= size) {
        r->bad = true;
        return;
    }
    memcpy(ret, r->line.ptr, r->line.len);
    ret[r->line.len] = '\0';
}

// Room for one more in a list; NULL: too many, or no memory.
static void *grow(struct reader *r, void *items, size_t count, size_t size)
{
    if (count >= STATE_MAX) {
        r->bad = true;
        return NULL;
    }
    void *grown = realloc(items, (count + 1) * size);
    if (!grown)
        r->error = -ENOMEM;
    return grown;
}

static void read_id(struct reader *r)
{
    r->state.last_id = (unsigned)number(r, UINT_MAX);
}

static void read_started(struct reader *r)
{
    r->state.started_s = (int64_t)number(r, INT64_MAX);
}

static void read_count(struct reader *r)
{
    size_t i = (size_t)number(r, STATE_COUNTS - 1);
    uint64_t value = number(r, UINT64_MAX);
    if (!r->bad)
        r->state.counts[i] = value;
}

static void read_waiter(struct reader *r)
{
    int fd = descriptor(r);
    if (r->state.waiter_count < WAITERS_MAX)
        r->state.waiters[r->state.waiter_count++] = fd;
    else
        r->bad = true;
}

static void read_drain(struct reader *r)
{
    r->state.drain = number(r, INT64_MAX / 4);
}

static void read_handoff(struct reader *r)
{
    r->state.handoff[0] = descriptor(r);
    r->state.handoff[1] = descriptor(r);
}

static void read_image(struct reader *r)
{
    r->state.image = descriptor(r);
}

static void read_path(struct reader *r)
{
    text(r, r->state.path, sizeof(r->state.path));
}

static void read_listener(struct reader *r)
{
    struct state *s = &r->state;
    char where[ADDR_TEXT_MAX];
    struct addr addr;
    struct state_listener l = {.fd = descriptor(r), .inherited = number(r, 1)};
    text(r, where, sizeof(where));
    if (r->bad || addr_parse(where, &addr) || (addr.kind != ADDR_IP && addr.kind != ADDR_UNIX)) {
        r->bad = true;
        return;
    }
    l.wanted = addr.endpoint;
    struct state_listener *grown = grow(r, s->listeners, s->listener_count, sizeof(l));
    if (grown) {
        s->listeners = grown;
        s->listeners[s->listener_count++] = l;
    }
}

static void read_worker(struct reader *r)
{
    struct state *s = &r->state;
    struct state_worker w;
    w.generation = (unsigned)number(r, UINT_MAX);
    w.ending = number(r, 1);
    w.pid = (pid_t)number(r, INT_MAX);
    w.channel = descriptor(r);
    w.pidfd = descriptor(r);
    struct state_worker *grown = grow(r, s->workers, s->worker_count, sizeof(w));
    if (grown) {
        s->workers = grown;
        s->workers[s->worker_count++] = w;
    }
}

static void read_socket(struct reader *r)
{
    struct state *s = &r->state;
    struct systemd_socket socket = {.fd = descriptor(r)};
    text(r, socket.name, sizeof(socket.name));
    struct systemd_socket *grown = grow(r, s->sockets, s->socket_count, sizeof(socket));
    if (grown) {
        s->sockets = grown;
        s->sockets[s->socket_count++] = socket;
    }
}

static void read_end(struct reader *r)
{
    r->ended = true;
}

static const struct {
    const char *word;
    void (*read)(struct reader *r);
} words[] = {
    {"id", read_id},         {"started", read_started}, {"count", read_count},
    {"waiter", read_waiter}, {"drain", read_drain},     {"handoff", read_handoff},
    {"image", read_image},   {"path", read_path},       {"listener", read_listener},
    {"worker", read_worker}, {"socket", read_socket},   {"end", read_end},
};

static void read_line(struct reader *r, struct slice line)
{
    r->line = line;
    struct slice word = slice_split(&r->line, ' ');
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!slice_equal(word, slice_of(words[i].word)))
            continue;
        words[i].read(r);
        return;
    }
    r->bad = true;
}

int state_parse(struct slice all, struct state *ret)
{
    struct reader r = {.state = {.image = -1}};
    if (!slice_equal(slice_split(&all, '\n'), SLICE(FIRST_LINE)))
        return -EPROTO;
    while (!r.bad && !r.error && !r.ended && all.ptr)
        read_line(&r, slice_split(&all, '\n'));
    if (!r.bad && !r.error && r.ended && r.state.path[0]) {
        *ret = r.state;
        return 0;
    }
    state_cleanup(&r.state);
    return r.error ? r.error : -EPROTO;
}

void state_cleanup(struct state *s)
{
    free(s->listeners);
    free(s->workers);
    free(s->sockets);
    s->listeners = NULL;
    s->workers = NULL;
    s->sockets = NULL;
    s->listener_count = s->worker_count = s->socket_count = 0;
}

void state_each_fd(const struct state *s, void (*f)(int fd))
{
    f(s->handoff[0]);
    f(s->handoff[1]);
    for (unsigned i = 0; i < s->waiter_count; i++)
        f(s->waiters[i]);
    if (s->image >= 0)
        f(s->image);
    for (size_t i = 0; i < s->listener_count; i++)
        f(s->listeners[i].fd);
    for (size_t i = 0; i < s->socket_count; i++)
        f(s->sockets[i].fd);
    for (size_t i = 0; i < s->worker_count; i++) {
        f(s->workers[i].channel);
        f(s->workers[i].pidfd);
    }
}
