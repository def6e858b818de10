#include "base/log.h"

#include "base/buf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// How long a reader of stderr may keep a line waiting. Room means PIPE_BUF bytes (pipe(7)), and no
// line is longer.
#define PATIENCE 100 // ms

static const char *const level_names[] = {"error", "warning", "notice", "info", "debug"};
static const int level_priorities[] = {3, 4, 5, 6, 7}; // sd-daemon(3)

static const char *program;
static bool to_journal;
static enum log_level limit = LOG_LEVEL_INFO;
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

void log_init(const char *name)
{
    program = name;
    to_journal = stderr_is_journal();
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

bool log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_line(enum log_level level, const char *format, ...)
{
    int saved_errno = errno;
    char message[2048], line[4096];
    struct buf b = buf_make(line, sizeof(line) - 1);
    va_list args;

    if (level > limit)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (level == LOG_LEVEL_ERR && hear_error)
        hear_error(hear_context, message);

    if (to_journal) {
        buf_printf(&b, "<%d>", level_priorities[level]);
    } else {
        if (program)
            buf_printf(&b, "%s: ", program);
        if (level < LOG_LEVEL_NOTICE)
            buf_printf(&b, "%s: ", level_names[level]);
    }
    // A newline ends the record and an escape sequence rewrites the terminal: neither may come from
    // outside.
    buf_put_escaped(&b, slice_of(message));
    line[b.len++] = '\n';
    // A pipe that nobody reads must not stop the daemon: it has room for a line, or gets none.
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&room, 1, PATIENCE) != 0) {
        ssize_t n = write(STDERR_FILENO, line, b.len);
        (void)n; // nobody is left to be told
    }
    errno = saved_errno;
}
