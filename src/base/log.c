#include "base/log.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// How long a reader of stderr may keep a line waiting. Room means PIPE_BUF bytes (pipe(7)), and no
// line is longer.
#define PATIENCE 100 // ms

// The longest message.
#define MESSAGE_MAX 2048

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
static const int level_priorities[] = {3, 4, 5, 6, 7}; // sd-daemon(3)

static const struct {
    enum log_level level;
    const char *name, *message_id;
} events[] = {[EVENT_NONE] = {LOG_LEVEL_INFO, NULL, NULL},
#define X(id, level, name, message_id, meaning) \
    [EVENT_##id] = {LOG_LEVEL_##level, name, message_id},
              EVENT_TABLE(X)
#undef X
};

// A line as it is to be written.
struct line {
    enum log_level level;
    enum event event;
    const struct event_fields *fields;
    bool is_relayed; // of another process: nobody hears of it as an error of this one
};

static const char *program;
static bool to_journal, to_parent;
static _Atomic uint64_t lost; // lines to the parent, since it was told last
static enum log_level limit = LOG_LEVEL_INFO;
static log_sink_cb *sink;
static log_hear_cb *hear_error;
static void *hear_context;

// JOURNAL_STREAM is inherited by programs whose stderr was redirected since, so it is compared with
// what stderr is.
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

// A file that others write to as well, such as the access log in "tined serve > log 2>&1", would
// be written over from the place where stderr stands.
static void append_to_file(int fd)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        fcntl(fd, F_SETFL, flags | O_APPEND);
}

void log_init(const char *name)
{
    append_to_file(STDERR_FILENO);
    program = name;
    to_journal = stderr_is_journal();
}

void log_set_sink(log_sink_cb *new_sink)
{
    sink = new_sink;
}

void log_to_parent(void)
{
    to_journal = false;
    to_parent = true;
}

void log_listen(log_hear_cb *hear, void *context)
{
    hear_error = hear;
    hear_context = context;
}

void log_set_level(enum log_level level)
{
    limit = level;
}

bool log_level_parse(struct slice name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (slice_equal(name, slice_of(level_names[i]))) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_check(struct slice name)
{
    enum log_level level;
    if (log_level_parse(name, &level))
        return NULL;
    return "the levels are \"error\", \"warning\", \"notice\", \"info\" and \"debug\"";
}

// A pipe that nobody reads must not stop the daemon: it has room for a line, or gets none. Lines of
// others, who may write many, do not wait again where one has waited in vain.
static bool stderr_has_room(bool is_relayed)
{
    static _Atomic bool is_stuck;
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    is_stuck = poll(&room, 1, to_parent || (is_relayed && is_stuck) ? 0 : PATIENCE) == 0;
    return !is_stuck;
}

// A newline ends the record and an escape sequence rewrites the terminal: neither may come from
// outside. Whether it was written.
static bool write_line(enum log_level level, bool is_relayed, const char *message)
{
    char line[4096];
    struct buf b = buf_make(line, sizeof(line) - 1);
    if (to_journal || to_parent) {
        buf_printf(&b, "<%d>", level_priorities[level]);
    } else {
        if (program)
            buf_printf(&b, "%s: ", program);
        if (level < LOG_LEVEL_NOTICE)
            buf_printf(&b, "%s: ", level_names[level]);
    }
    buf_put_escaped(&b, slice_of(message));
    line[b.len++] = '\n';
    return stderr_has_room(is_relayed) && write(STDERR_FILENO, line, b.len) == (ssize_t)b.len;
}

// Whether the parent knows of all lines that it did not get.
static bool tell_lost(void)
{
    char text[64];
    uint64_t count = atomic_exchange(&lost, 0);
    snprintf(text, sizeof(text), "%" PRIu64 " lines before this one were lost", count);
    if (count == 0 || write_line(LOG_LEVEL_WARN, false, text))
        return true;
    atomic_fetch_add(&lost, count);
    return false;
}

static void write_or_count(const struct line *l, const char *message)
{
    bool is_written = tell_lost() && write_line(l->level, l->is_relayed, message);
    if (!is_written && to_parent)
        atomic_fetch_add(&lost, 1);
}

static bool sink_takes(const struct line *l, const char *message)
{
    static const struct event_fields none;
    char escaped[2 * MESSAGE_MAX];
    struct buf b = buf_make(escaped, sizeof(escaped) - 1);
    if (!to_journal || !sink)
        return false;
    buf_put_escaped(&b, slice_of(message));
    escaped[b.len] = '\0';
    const struct log_record record = {
        .priority = (unsigned)level_priorities[l->level],
        .program = program,
        .message = escaped,
        .event = events[l->event].name,
        .message_id = events[l->event].message_id,
        .fields = l->fields ? l->fields : &none,
    };
    return sink(&record);
}

static void emit(const struct line *l, const char *message)
{
    if (l->level == LOG_LEVEL_ERR && !l->is_relayed && hear_error)
        hear_error(hear_context, message);
    if (!sink_takes(l, message))
        write_or_count(l, message);
}

PRINTF_LIKE(2, 0)
static void emit_formatted(const struct line *l, const char *format, va_list args)
{
    int saved_errno = errno;
    char message[MESSAGE_MAX];
    if (l->level > limit)
        return;
    vsnprintf(message, sizeof(message), format, args);
    emit(l, message);
    errno = saved_errno;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    emit_formatted(&(struct line){.level = level}, format, args);
    va_end(args);
}

void log_event(enum event event, const struct event_fields *fields, const char *format, ...)
{
    const struct line l = {.level = events[event].level, .event = event, .fields = fields};
    va_list args;
    va_start(args, format);
    emit_formatted(&l, format, args);
    va_end(args);
}

void log_relay(enum log_level level, const struct event_fields *fields, const char *format, ...)
{
    const struct line l = {.level = level, .fields = fields, .is_relayed = true};
    va_list args;
    va_start(args, format);
    emit_formatted(&l, format, args);
    va_end(args);
}
