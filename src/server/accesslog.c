#include "server/accesslog.h"

#include "base/octets.h"
#include "base/util.h"
#include "sys/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
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
#define REFERER_MAX 500u
#define AGENT_MAX   500u

// Room for status and size.
#define FIGURES_MAX 32u

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

// At most `max` bytes.
static void put_escaped(struct buf *b, struct slice s, size_t max)
{
    size_t end = b->len + max;
    if (s.len == 0)
        buf_putc(b, '-');
    if (s.len <= max && is_all_plain(s)) {
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

// What stands in a line before status and size, and what behind them.
static void put_before(struct buf *b, struct accesslog *l, const struct access_record *r)
{
    buf_put(b, r->client);
    buf_put(b, SLICE(" - - ["));
    buf_put(b, stamp(l, r->wall_s));
    buf_put(b, SLICE("] \""));
    put_escaped(b, r->request, REQUEST_MAX);
    buf_put(b, SLICE("\" "));
}

static void put_behind(struct buf *b, const struct access_record *r)
{
    buf_put(b, SLICE(" \""));
    put_escaped(b, r->referer, REFERER_MAX);
    buf_put(b, SLICE("\" \""));
    put_escaped(b, r->agent, AGENT_MAX);
    buf_put(b, SLICE("\"\n"));
}

size_t accesslog_hold(struct accesslog *l, const struct access_record *r, struct buf *b)
{
    put_before(b, l, r);
    size_t split = b->len;
    put_behind(b, r);
    return split;
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
            l->dropped += count_lines(l->data, l->len);
            l->len = 0;
            return;
        }
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
        l->dropped++;
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

static void put_figures(struct buf *b, int status, uint64_t bytes)
{
    buf_putu(b, (uint64_t)status);
    buf_putc(b, ' ');
    buf_putu(b, bytes);
}

void accesslog_add_held(struct accesslog *l, struct slice held, size_t split, int status,
                        uint64_t bytes, int64_t now)
{
    struct buf b;
    if (!begin_line(l, held.len + FIGURES_MAX, now, &b))
        return;
    buf_put(&b, slice_make(held.ptr, split));
    put_figures(&b, status, bytes);
    buf_put(&b, slice_skip(held, split));
    l->len += b.len;
}

void accesslog_add(struct accesslog *l, const struct access_record *r, int status, uint64_t bytes,
                   int64_t now)
{
    struct buf b;
    if (!begin_line(l, ACCESSLOG_PART_MAX + FIGURES_MAX, now, &b))
        return;
    put_before(&b, l, r);
    put_figures(&b, status, bytes);
    put_behind(&b, r);
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
    // What could not go waits another while, so that a blocked sink does not busy the loop.
    if (l->len && now >= l->oldest + FILE_DELAY)
        l->oldest = now;
}

// A description of our own: non-blocking must not spread to others who have this terminal or pipe.
static int open_stdout(void)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) // a socket, or no /proc
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

static int open_file(const char *name)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = open(name, flags, 0640);
    return fd < 0 ? -errno : fd;
}

int accesslog_open(const char *name, int *ret_fd)
{
    int fd;
    if (strcmp(name, "off") == 0) {
        *ret_fd = -1;
        return 0;
    }
    tzset(); // who writes to it cannot read the time zone's file any more
    if (strcmp(name, "stdout") == 0)
        fd = open_stdout();
    else if (strcmp(name, "journal") == 0)
        fd = journal_open_stream(JOURNAL_NAME);
    else
        fd = open_file(name);
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

int accesslog_check(const char *name)
{
    if (strcmp(name, "journal") == 0)
        return check_journal();
    if (strcmp(name, "off") == 0 || strcmp(name, "stdout") == 0 || access(name, W_OK) == 0)
        return 0;
    if (errno != ENOENT)
        return -errno;
    // It would be made: that takes the directory.
    const char *slash = strrchr(name, '/');
    size_t len = slash && slash != name ? (size_t)(slash - name) : 1;
    char directory[PATH_MAX];
    if (len >= sizeof(directory))
        return -ENAMETOOLONG;
    memcpy(directory, slash ? name : ".", len);
    directory[len] = '\0';
    return access(directory, W_OK | X_OK) < 0 ? -errno : 0;
}
