#include "server/accesslog.h"

#include "base/octets.h"
#include "base/util.h"
#include "base/endpoint.h"
#include "sys/journal.h"
#include "sys/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE  (64u << 10)
#define STREAM_WRITE 4096u // PIPE_BUF: atomic, and what POLLOUT promises room for (pipe(7))
#define FILE_DELAY   1000  // ms

// journalctl -t
#define JOURNAL_NAME "tined-access"

// Bytes of a field in a line, so that a line fits into one write to a pipe.
#define REQUEST_MAX 1800u
#define METHOD_MAX  100u
#define REFERER_MAX 500u
#define AGENT_MAX   500u

// The most bytes of a line: those, the client, the time, status and size.
#define LINE_BYTES 3072u

int accesslog_init(struct accesslog *l, int fd)
{
    struct stat st;
    *l = (struct accesslog){.fd = fd, .stamp_second = -1};
    if (fd < 0)
        return 0;
    l->data = malloc(BUFFER_SIZE);
    if (!l->data)
        return -ENOMEM;
    l->stream = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
    return 0;
}

void accesslog_cleanup(struct accesslog *l)
{
    free(l->data);
    l->data = NULL;
    l->fd = -1;
}

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static octets_meant are_special(octets word)
{
    return (word < ' ') | (word >= 0x7f) | (word == '"') | (word == '\\');
}

static bool is_all_plain(struct slice s)
{
    return s.len >= sizeof(octets) && octets_none(s, are_special);
}

// Up to `end` at most; what is more is left out.
static void put_escaped_bytes(struct buf *b, struct slice s, size_t end)
{
    if (s.len <= end - b->len && is_all_plain(s)) {
        buf_put(b, s);
        return;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        char hex[] = {'\\', 'x', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
        size_t len = is_plain(s.ptr[i]) ? 1 : sizeof(hex);
        if (b->len + len > end)
            return;
        buf_put(b, slice_make(len == 1 ? &s.ptr[i] : hex, len));
    }
}

// At most `max` bytes, or a dash for none.
static void put_text_or_dash(struct buf *b, struct slice s, size_t max)
{
    if (s.len)
        put_escaped_bytes(b, s, b->len + max);
    else
        buf_putc(b, '-');
}

static struct slice span_slices(struct slice first, struct slice last)
{
    return slice_make(first.ptr, (size_t)(last.ptr + last.len - first.ptr));
}

static bool adjoins(struct slice s, struct slice next)
{
    return s.ptr + s.len + 1 == next.ptr;
}

// The request line. Its parts usually stand as they were received: with a space between them. One
// that is too long is cut in its target, so that whoever reads the log finds three parts.
static void put_request(struct buf *b, const struct access_record *r)
{
    const size_t end = b->len + REQUEST_MAX;
    const size_t target_end = end - (r->protocol.len ? strlen(" HTTP/1.1") : 0);
    if (r->method.len == 0) {
        buf_putc(b, '-');
        return;
    }
    if (r->method.len <= METHOD_MAX && adjoins(r->method, r->target) &&
        adjoins(r->target, r->protocol)) {
        struct slice line = span_slices(r->method, r->protocol);
        if (line.len <= REQUEST_MAX && is_all_plain(line)) {
            buf_put(b, line);
            return;
        }
    }
    put_escaped_bytes(b, r->method, b->len + METHOD_MAX);
    buf_putc(b, ' ');
    put_escaped_bytes(b, r->target, target_end);
    if (r->protocol.len)
        buf_putc(b, ' ');
    put_escaped_bytes(b, r->protocol, end);
}

static struct slice stamp(struct accesslog *l, int64_t wall_s)
{
    if (l->stamp_second != wall_s) {
        time_t t = (time_t)wall_s;
        struct tm tm;
        if (!localtime_r(&t, &tm) ||
            !strftime(l->stamp, sizeof(l->stamp), "%d/%b/%Y:%H:%M:%S %z", &tm))
            strcpy(l->stamp, "-");
        l->stamp_second = wall_s;
    }
    return slice_of(l->stamp);
}

// Lines that end in the data. No line is empty: a newline in front ends one that was torn, and
// whose loss has been counted.
static size_t count_lines(const char *data, size_t len)
{
    size_t lines = 0;
    for (size_t i = 1; i < len; i++)
        lines += data[i] == '\n';
    return lines;
}

static void discard(struct accesslog *l, size_t len)
{
    memmove(l->data, l->data + len, l->len - len);
    l->len -= len;
}

// How much of the data goes with the next write: whole lines, for a stream no more than one pipe
// takes at once (a line never is).
static size_t next_write(const struct accesslog *l)
{
    if (!l->stream || l->len <= STREAM_WRITE)
        return l->len;
    const char *end = memrchr(l->data, '\n', STREAM_WRITE);
    return end ? (size_t)(end - l->data) + 1 : STREAM_WRITE;
}

static bool would_block(const struct accesslog *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    return l->stream && poll(&p, 1, 0) == 0;
}

static void drop(struct accesslog *l, size_t lines, int error)
{
    l->dropped += lines;
    l->error = error;
    l->is_losing = true;
}

static void write_out(struct accesslog *l)
{
    while (l->len && !would_block(l)) {
        size_t len = next_write(l);
        ssize_t n = write(l->fd, l->data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            // Disk full, nobody reads, I/O error: these lines are lost, the next may go. A line
            // that was torn is so until a newline was written.
            drop(l, count_lines(l->data, l->len), n < 0 ? errno : EIO);
            l->len = 0;
            return;
        }
        l->is_losing = false;
        l->torn = l->data[n - 1] != '\n';
        discard(l, (size_t)n);
    }
}

// Where the next line is to be written, of at most `len` bytes. False when it must be dropped.
static bool begin_line(struct accesslog *l, size_t len, int64_t now, struct buf *ret)
{
    if (l->fd < 0)
        return false;
    if (BUFFER_SIZE - l->len < len + 1)
        write_out(l);
    if (BUFFER_SIZE - l->len < len + 1) {
        drop(l, 1, EAGAIN);
        return false;
    }
    *ret = buf_make(l->data + l->len, BUFFER_SIZE - l->len);
    if (l->len == 0) {
        l->oldest = now;
        if (l->torn) // the rest of that line was lost: do not glue this one to it
            buf_putc(ret, '\n');
    }
    return true;
}

void accesslog_add(struct accesslog *l, const struct access_record *r, int64_t now)
{
    struct buf b;
    if (!begin_line(l, LINE_BYTES, now, &b))
        return;
    endpoint_put_host(&b, r->client);
    buf_put(&b, SLICE(" - - ["));
    buf_put(&b, stamp(l, r->wall_s));
    buf_put(&b, SLICE("] \""));
    put_request(&b, r);
    buf_put(&b, SLICE("\" "));
    buf_putu(&b, (uint64_t)r->status);
    buf_putc(&b, ' ');
    buf_putu(&b, r->sent);
    buf_put(&b, SLICE(" \""));
    put_text_or_dash(&b, r->referer, REFERER_MAX);
    buf_put(&b, SLICE("\" \""));
    put_text_or_dash(&b, r->agent, AGENT_MAX);
    buf_put(&b, SLICE("\"\n"));
    l->len += b.len;
}

int64_t accesslog_next(const struct accesslog *l)
{
    return l->len == 0 ? -1 : l->oldest + FILE_DELAY;
}

void accesslog_flush(struct accesslog *l, int64_t now, bool all)
{
    if (l->len && (all || l->stream || l->len > BUFFER_SIZE / 2 || now >= accesslog_next(l)))
        write_out(l);
    // Lines that a blocked sink did not take wait another while, and do not keep the loop busy.
    if (l->len && now >= l->oldest + FILE_DELAY)
        l->oldest = now;
}

// The number of the stream that the name means, or -1.
static int stream_of(const char *name)
{
    static const struct {
        const char *name;
        int number;
    } streams[] = {
        {"stdout", STDOUT_FILENO}, {"/dev/stdout", STDOUT_FILENO}, {"/dev/stderr", STDERR_FILENO}};
    for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
        if (strcmp(name, streams[i].name) == 0)
            return streams[i].number;
    return -1;
}

// A description of our own: non-blocking must not spread to others who have this terminal or pipe.
static int open_stream(int number)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
    int fd = open(path, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) // a socket, or no /proc
        fd = fcntl(number, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

bool accesslog_is_file(const char *name)
{
    return strcmp(name, "off") != 0 && strcmp(name, "journal") != 0 && stream_of(name) < 0;
}

int accesslog_open(const char *name, const struct privs *user, int *ret_fd)
{
    int fd;
    if (strcmp(name, "off") == 0) {
        *ret_fd = -1;
        return 0;
    }
    tzset(); // who writes to it cannot read the time zone's file any more
    if (stream_of(name) >= 0)
        fd = open_stream(stream_of(name));
    else if (strcmp(name, "journal") == 0)
        fd = journal_open_stream(JOURNAL_NAME);
    else
        fd = logfile_open(name, user);
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

static int check_journal(void)
{
    int fd = journal_open_stream(JOURNAL_NAME);
    if (fd >= 0)
        close(fd);
    return MIN(fd, 0);
}

int accesslog_check(const char *name, const struct privs *user)
{
    if (strcmp(name, "journal") == 0)
        return check_journal();
    return accesslog_is_file(name) ? logfile_check(name, user) : 0;
}
