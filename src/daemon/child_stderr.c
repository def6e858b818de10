#include "daemon/child_stderr.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define TICK 1000 // ms

// Reads when the child has ended: more than a pipe holds that no privilege has enlarged
// (/proc/sys/fs/pipe-max-size), for somebody else may write to it still.
#define LAST_TURNS 65u

// ---- in the child ------------------------------------------------------------------------------

int child_stderr_open(int ret_ends[static 2])
{
    return pipe2(ret_ends, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
}

void child_stderr_enter(int end)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(end, fd);
    close(end);
    log_to_parent();
}

// ---- in the master -----------------------------------------------------------------------------

static void say_line(const struct child_stderr *s, const struct stderr_line *line)
{
    log_relay(line->level, &s->fields, "%s says: %s", s->name, line->text);
}

static void say_dropped(struct child_stderr *s)
{
    uint64_t count = stderr_lines_take_dropped(&s->lines);
    if (count)
        log_relay(LOG_LEVEL_WARN, &s->fields, "%" PRIu64 " lines of %s were dropped", count,
                  s->name);
}

static void stop_reading(struct child_stderr *s)
{
    watch_remove(s->watches, s->fd);
}

// Reads once. False: there is nothing more for now.
static bool read_words(struct child_stderr *s)
{
    char bytes[CHILD_STDERR_TURN];
    struct stderr_line line;
    ssize_t n = read(s->fd, bytes, sizeof(bytes));
    if (n == 0)
        stop_reading(s); // the end is heard of elsewhere
    if (n <= 0)
        return false;
    struct slice rest = slice_make(bytes, (size_t)n);
    while (stderr_lines_next(&s->lines, &rest, s->watches->now, &line))
        say_line(s, &line);
    s->read += (size_t)n;
    return true;
}

static void set_tick(struct child_stderr *s)
{
    if (!timers_is_set(&s->tick))
        timers_set(&s->watches->timers, &s->tick, s->watches->now + TICK);
}

static void on_words(void *context)
{
    struct child_stderr *s = context;
    if (!s->watches || !read_words(s)) // an event that was on its way when it was closed
        return;
    set_tick(s);
    if (s->read >= CHILD_STDERR_RATE)
        stop_reading(s);
}

static void on_tick(void *context)
{
    struct child_stderr *s = context;
    bool was_paused = s->read >= CHILD_STDERR_RATE;
    say_dropped(s);
    s->read = 0;
    if (was_paused && watch_add(s->watches, s->fd, &s->watch) < 0) {
        s->read = CHILD_STDERR_RATE;
        set_tick(s);
    }
}

int child_stderr_watch(struct child_stderr *s, struct watches *ws, int end, const char *name,
                       const struct event_fields *fields)
{
    *s = (struct child_stderr){.fd = end, .fields = *fields, .watch = {on_words, s}};
    int r = watch_add(ws, end, &s->watch);
    if (r < 0)
        return r;
    s->watches = ws;
    timers_make(&s->tick, on_tick, s);
    stderr_lines_init(&s->lines, ws->now);
    snprintf(s->name, sizeof(s->name), "%s", name);
    return 0;
}

void child_stderr_finish(struct child_stderr *s)
{
    struct stderr_line line;
    if (!s->watches)
        return;
    stop_reading(s);
    timers_cancel(&s->tick);
    stderr_lines_grant(&s->lines);
    for (unsigned i = 0; i < LAST_TURNS && read_words(s); i++)
        continue;
    if (stderr_lines_end(&s->lines, s->watches->now, &line))
        say_line(s, &line);
    say_dropped(s);
    close(s->fd);
    s->watches = NULL;
}

int child_stderr_end(const struct child_stderr *s)
{
    return s->watches ? s->fd : 0;
}
