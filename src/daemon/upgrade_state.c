#include "daemon/upgrade_state.h"

#include "base/address.h"
#include "base/num.h"
#include "base/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define FIRST_WORD "tined-state"

// It had the counters by position, so only a program with the same rows could read them: lines that
// begin with "count", passed over here and left out for a program that reads no other version.
#define VERSION_BY_POSITION 1

// It had no notes of the options of listeners.
#define VERSION_WITHOUT_NOTES 2

// Behind what a worker's line has always had stand keys with values, of which a reader passes over
// those that it does not know.
#define WORDS "stderr"

// ---- writing -----------------------------------------------------------------------------------

void upgrade_state_format(struct buf *b, const struct upgrade_state *s)
{
    char text[ENDPOINT_TEXT_MAX];
    buf_printf(b, FIRST_WORD " %u\n", s->version);
    buf_printf(b, "id %u\nstarted %" PRId64 "\ndrain %" PRIu64 "\nhandoff %d %d\n", s->last_id,
               s->started_s, s->drain, s->handoff[0], s->handoff[1]);
    if (s->version > VERSION_BY_POSITION)
        counters_format(b, "counter ", &s->counters);
    for (size_t i = 0; i < s->waiter_count; i++)
        buf_printf(b, "waiter %d\n", s->waiters[i]);
    if (s->notes && s->version > VERSION_WITHOUT_NOTES)
        buf_printf(b, "notes %d\n", s->notes);
    if (s->image >= 0)
        buf_printf(b, "image %d\n", s->image);
    buf_printf(b, "path %s\n", s->path);
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct upgrade_state_listener *l = &s->listeners[i];
        buf_printf(b, "listener %d %d %s\n", l->fd, l->inherited,
                   endpoint_format(&l->wanted, text));
    }
    for (size_t i = 0; i < s->worker_count; i++) {
        const struct upgrade_state_worker *w = &s->workers[i];
        buf_printf(b, "worker %u %d %d %d %d", w->generation, w->ending, (int)w->pid, w->channel,
                   w->pidfd);
        if (w->knows_pairs)
            buf_printf(b, " %d", w->handoff);
        if (w->knows_pairs && w->words)
            buf_printf(b, " " WORDS " %d", w->words);
        buf_putc(b, '\n');
    }
    for (size_t i = 0; i < s->socket_count; i++)
        buf_printf(b, "socket %d %s\n", s->sockets[i].fd, s->sockets[i].name);
    buf_puts(b, "end\n");
}

// ---- reading -----------------------------------------------------------------------------------

struct reader {
    struct upgrade_state state;
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
    if (r->line.len == 0 || r->line.len >= size || slice_find(r->line, '\0') >= 0) {
        r->bad = true;
        return;
    }
    memcpy(ret, r->line.ptr, r->line.len);
    ret[r->line.len] = '\0';
}

// Room for one more in a list; NULL: too many, or no memory.
static void *grow_list(struct reader *r, void *items, size_t count, size_t size)
{
    if (count >= UPGRADE_STATE_MAX) {
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

static void read_counter(struct reader *r)
{
    if (!counters_parse(r->line, &r->state.counters))
        r->bad = true;
}

static void pass_over(struct reader *r)
{
    r->line = (struct slice){NULL, 0};
}

static void read_waiter(struct reader *r)
{
    struct upgrade_state *s = &r->state;
    int fd = descriptor(r);
    int *grown = grow_list(r, s->waiters, s->waiter_count, sizeof(fd));
    if (grown) {
        s->waiters = grown;
        s->waiters[s->waiter_count++] = fd;
    }
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

static void read_notes(struct reader *r)
{
    r->state.notes = descriptor(r);
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
    struct upgrade_state *s = &r->state;
    char where[ENDPOINT_TEXT_MAX];
    struct address addr;
    struct upgrade_state_listener l = {.fd = descriptor(r), .inherited = number(r, 1)};
    text(r, where, sizeof(where));
    if (r->bad || address_parse(slice_of(where), &addr) ||
        (addr.kind != ADDRESS_IP && addr.kind != ADDRESS_UNIX)) {
        r->bad = true;
        return;
    }
    l.wanted = addr.endpoint;
    struct upgrade_state_listener *grown = grow_list(r, s->listeners, s->listener_count, sizeof(l));
    if (grown) {
        s->listeners = grown;
        s->listeners[s->listener_count++] = l;
    }
}

static void read_worker_rest(struct reader *r, struct upgrade_state_worker *w)
{
    while (r->line.len && !r->bad) {
        if (slice_equal(slice_split(&r->line, ' '), SLICE(WORDS)))
            w->words = descriptor(r);
        else
            slice_split(&r->line, ' ');
    }
}

static void read_worker(struct reader *r)
{
    struct upgrade_state *s = &r->state;
    struct upgrade_state_worker w = {0};
    w.generation = (unsigned)number(r, UINT_MAX);
    w.ending = number(r, 1);
    w.pid = (pid_t)number(r, INT_MAX);
    w.channel = descriptor(r);
    w.pidfd = descriptor(r);
    w.knows_pairs = r->line.len > 0;
    if (w.knows_pairs)
        w.handoff = descriptor(r);
    read_worker_rest(r, &w);
    struct upgrade_state_worker *grown = grow_list(r, s->workers, s->worker_count, sizeof(w));
    if (grown) {
        s->workers = grown;
        s->workers[s->worker_count++] = w;
    }
}

static void read_socket(struct reader *r)
{
    struct upgrade_state *s = &r->state;
    struct systemd_socket socket = {.fd = descriptor(r)};
    if (r->line.len == 0) // passed on by a program that took empty names
        r->line = SLICE(SYSTEMD_NO_NAME);
    text(r, socket.name, sizeof(socket.name));
    struct systemd_socket *grown = grow_list(r, s->sockets, s->socket_count, sizeof(socket));
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
    {"id", read_id},           {"started", read_started},
    {"count", pass_over},      {"counter", read_counter},
    {"waiter", read_waiter},   {"drain", read_drain},
    {"handoff", read_handoff}, {"image", read_image},
    {"path", read_path},       {"listener", read_listener},
    {"notes", read_notes},     {"worker", read_worker},
    {"socket", read_socket},   {"end", read_end},
};

static void read_state_line(struct reader *r, struct slice line)
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

// The number in the first line; 0: none that is known here.
static unsigned read_version(struct slice line)
{
    uint64_t version = 0;
    if (slice_equal(slice_split(&line, ' '), SLICE(FIRST_WORD)))
        num_parse_dec(line, UPGRADE_STATE_VERSION, &version);
    return (unsigned)version;
}

int upgrade_state_parse(struct slice all, struct upgrade_state *ret)
{
    struct reader r = {.state = {.image = -1, .version = read_version(slice_split(&all, '\n'))}};
    if (r.state.version == 0)
        return -EPROTO;
    while (!r.bad && !r.error && !r.ended && all.ptr)
        read_state_line(&r, slice_split(&all, '\n'));
    if (!r.bad && !r.error && r.ended && r.state.path[0]) {
        *ret = r.state;
        return 0;
    }
    upgrade_state_cleanup(&r.state);
    return r.error ? r.error : -EPROTO;
}

void upgrade_state_cleanup(struct upgrade_state *s)
{
    free(s->waiters);
    free(s->listeners);
    free(s->workers);
    free(s->sockets);
    s->waiters = NULL;
    s->listeners = NULL;
    s->workers = NULL;
    s->sockets = NULL;
    s->waiter_count = s->listener_count = s->worker_count = s->socket_count = 0;
}

void upgrade_state_each_fd(const struct upgrade_state *s, void (*f)(int fd))
{
    f(s->handoff[0]);
    f(s->handoff[1]);
    for (size_t i = 0; i < s->waiter_count; i++)
        f(s->waiters[i]);
    if (s->notes)
        f(s->notes);
    if (s->image >= 0)
        f(s->image);
    for (size_t i = 0; i < s->listener_count; i++)
        f(s->listeners[i].fd);
    for (size_t i = 0; i < s->socket_count; i++)
        f(s->sockets[i].fd);
    for (size_t i = 0; i < s->worker_count; i++) {
        f(s->workers[i].channel);
        f(s->workers[i].pidfd);
        if (s->workers[i].handoff)
            f(s->workers[i].handoff);
        if (s->workers[i].words)
            f(s->workers[i].words);
    }
}
