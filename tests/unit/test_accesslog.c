#include "support/tempdir.h"
#include "support/unit.h"

#include "server/accesslog.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define WALL 1700000000 // 14 November 2023, 22:13:20 UTC

static const struct sockaddr_in6 client = {.sin6_family = AF_UNIX};

static const struct access_record example = {
    .method = {"GET", 3},
    .target = {"/", 1},
    .protocol = {"HTTP/1.1", 8},
    .referer = {"http://a/", 9},
    .agent = {"curl/8", 6},
    .wall_s = WALL,
    .client = &client,
    .status = 200,
    .sent = 12,
};

#define EXAMPLE                                                                      \
    "unix - - [14/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" 200 12 \"http://a/\" " \
    "\"curl/8\"\n"

// A line as it is written.
static void write_line(const struct access_record *r, char *line, size_t size)
{
    struct accesslog l;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    accesslog_add(&l, r, 0);
    accesslog_flush(&l, 0, false);
    ssize_t n = read(fds[0], line, size - 1);
    assert_true(n > 0);
    line[n] = '\0';
    assert_int_equal(l.dropped, 0);
    accesslog_cleanup(&l);
    close(fds[0]);
    close(fds[1]);
}

// The request line as it was received, with its three parts in it.
static void set_request(struct access_record *r, struct slice line)
{
    r->protocol = line;
    r->method = slice_split(&r->protocol, ' ');
    r->target = slice_split(&r->protocol, ' ');
}

static struct slice copy(char *to, struct slice s)
{
    if (s.len)
        memcpy(to, s.ptr, s.len);
    return slice_make(to, s.len);
}

// The same facts, each in a place of its own, as they are when they were kept.
static struct access_record scattered(const struct access_record *r)
{
    static char texts[5][8192];
    struct access_record s = *r;
    s.method = copy(texts[0], r->method);
    s.target = copy(texts[1], r->target);
    s.protocol = copy(texts[2], r->protocol);
    s.referer = copy(texts[3], r->referer);
    s.agent = copy(texts[4], r->agent);
    return s;
}

// Writes the line of facts in both places, which must not differ.
static void write_both(const struct access_record *r, char *line, size_t size)
{
    char other[8192];
    const struct access_record s = scattered(r);
    write_line(r, line, size);
    write_line(&s, other, sizeof(other));
    assert_string_equal(line, other);
}

TEST(test_format)
{
    static const struct {
        const char *request, *referer, *agent;
        int status;
        uint64_t bytes;
        const char *want;
    } cases[] = {
        {"GET / HTTP/1.1", "http://a/", "curl/8", 200, 12, EXAMPLE},
        {"", "", "", 408, 0, "unix - - [14/Nov/2023:22:13:20 +0000] \"-\" 408 0 \"-\" \"-\"\n"},
        {"GET /a", "", "", 408, 0,
         "unix - - [14/Nov/2023:22:13:20 +0000] \"GET /a\" 408 0 \"-\" \"-\"\n"},
        {"G\"\\ \x01\x1f\x7f\n\r H", "\xc3\xa9", " ~", 400, UINT64_MAX,
         "unix - - [14/Nov/2023:22:13:20 +0000] \"G\\x22\\x5c \\x01\\x1f\\x7f\\x0a\\x0d H\" 400 "
         "18446744073709551615 \"\\xc3\\xa9\" \" ~\"\n"},
    };
    char line[8192];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct access_record r = example;
        set_request(&r, slice_of(cases[i].request));
        r.referer = slice_of(cases[i].referer);
        r.agent = slice_of(cases[i].agent);
        r.status = cases[i].status;
        r.sent = cases[i].bytes;
        write_both(&r, line, sizeof(line));
        assert_string_equal(line, cases[i].want);
    }
}

TEST(test_client)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct access_record r = example;
    char line[8192];
    r.client = &v6;
    write_line(&r, line, sizeof(line));
    assert_starts(line, "::1 - - [14/Nov/2023:22:13:20 +0000] ");
}

// Every byte at every place of a text of a few words, each as it must stand.
TEST(test_escapes)
{
    char text[20], want[64], line[8192];
    for (size_t at = 0; at < sizeof(text); at++) {
        for (int c = 0; c < 256; c++) {
            bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            struct access_record r = example;
            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            r.agent = slice_make(text, sizeof(text));
            snprintf(want, sizeof(want), plain ? "\"%.*s%c%.*s\"\n" : "\"%.*s\\x%02x%.*s\"\n",
                     (int)at, text, c, (int)(sizeof(text) - at - 1), text + at + 1);
            write_line(&r, line, sizeof(line));
            if (!strstr(line, want))
                fail_msg("byte 0x%02x at %zu: %s", c, at, line);
        }
    }
}

// The longest fields, each byte escaped, give a whole line that one write to a pipe takes.
TEST(test_long_fields)
{
    static const struct {
        size_t method, target; // bytes of the method and of what follows it
        char byte;
    } cases[] = {{3, 4000, 'x'},    {3, 4000, '\1'}, {4000, 4000, 'x'}, {4000, 4000, '\1'},
                 {3, 1796, 'x'},    {3, 1795, 'x'},  {3, 1787, 'x'},    {1799, 4000, 'x'},
                 {1800, 4000, 'x'}, {3, 449, '\1'},  {3, 448, '\1'},    {1798, 1, '\1'}};
    static char junk[8192], request[8192 + 16];
    char line[8192];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct access_record r = example;
        struct buf b = buf_make(request, sizeof(request));
        memset(junk, cases[i].byte, sizeof(junk));
        r.referer = r.agent = slice_make(junk, sizeof(junk));
        memset(junk, 'M', cases[i].method);
        buf_put(&b, slice_make(junk, cases[i].method));
        buf_putc(&b, ' ');
        memset(junk, cases[i].byte, sizeof(junk));
        buf_put(&b, slice_make(junk, cases[i].target));
        buf_puts(&b, " HTTP/1.1");
        assert_false(b.overflow);
        set_request(&r, buf_slice(&b));
        r.sent = UINT64_MAX;
        write_both(&r, line, sizeof(line));
        assert_true(strlen(line) > 1100 && strlen(line) <= 4096);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_string_equal(line + strlen(line) - 2, "\"\n");
        assert_non_null(strstr(line, " HTTP/1.1\" 200 18446744073709551615 \""));
    }
}

TEST(test_off)
{
    struct accesslog l;
    assert_int_equal(accesslog_init(&l, -1), 0);
    accesslog_add(&l, &example, 5);
    assert_int_equal(accesslog_next(&l), -1);
    accesslog_flush(&l, 5, true);
    assert_int_equal(l.dropped, 0);
    accesslog_cleanup(&l);
}

// Each write to a stream is whole lines, as many as fit into 4096 bytes.
TEST(test_stream_writes)
{
    char data[65536];
    struct accesslog l;
    int fds[2], writes = 0;
    size_t lines = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    for (int i = 0; i < 100; i++)
        accesslog_add(&l, &example, 0);
    accesslog_flush(&l, 0, false);
    ssize_t n;
    while ((n = recv(fds[0], data, sizeof(data), MSG_DONTWAIT)) > 0) {
        assert_int_equal(n % (ssize_t)strlen(EXAMPLE), 0);
        assert_true(n <= 4096);
        assert_memory_equal(data, EXAMPLE, strlen(EXAMPLE));
        lines += (size_t)n / strlen(EXAMPLE);
        writes++;
    }
    assert_int_equal(lines, 100);
    assert_int_equal(writes, 3);
    assert_int_equal(accesslog_next(&l), -1);
    accesslog_cleanup(&l);
    close(fds[0]);
    close(fds[1]);
}

// A pipe that nobody reads loses lines, counts them, and never blocks, though it may: the alarm
// would end the test. Lines that arrive are whole.
TEST(test_full_pipe)
{
    static char data[1 << 20];
    struct accesslog l;
    int fds[2];
    const size_t count = 3000;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    alarm(20);
    for (size_t i = 0; i < count; i++) {
        accesslog_add(&l, &example, (int64_t)i);
        accesslog_flush(&l, (int64_t)i, false);
    }
    assert_true(l.dropped > 0 && l.dropped < count);
    assert_int_equal(l.error, EAGAIN);
    int64_t next = accesslog_next(&l);
    accesslog_flush(&l, next, false);
    assert_true(accesslog_next(&l) > next); // it does not make the loop spin
    size_t got = 0;
    ssize_t n;
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    while ((n = read(fds[0], data + got, sizeof(data) - got)) > 0 || l.len) {
        got += n > 0 ? (size_t)n : 0;
        accesslog_flush(&l, next, true);
    }
    alarm(0);
    assert_int_equal(got, (count - l.dropped) * strlen(EXAMPLE));
    for (size_t at = 0; at < got; at += strlen(EXAMPLE))
        assert_memory_equal(data + at, EXAMPLE, strlen(EXAMPLE));
    accesslog_cleanup(&l);
    close(fds[0]);
    close(fds[1]);
}

TEST(test_pipe_without_reader)
{
    struct accesslog l;
    int fds[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    for (int i = 0; i < 3; i++)
        accesslog_add(&l, &example, 0);
    accesslog_flush(&l, 0, false);
    assert_int_equal(l.dropped, 3);
    assert_int_equal(accesslog_next(&l), -1);
    accesslog_cleanup(&l);
    close(fds[1]);
}

TEST(test_error)
{
    struct accesslog l;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(accesslog_init(&l, fd), 0);
    accesslog_add(&l, &example, 0);
    accesslog_add(&l, &example, 0);
    accesslog_flush(&l, 0, false);
    assert_int_equal(l.dropped, 2);
    assert_int_equal(l.error, ENOSPC);
    assert_true(l.is_losing);
    int good = open("/dev/null", O_WRONLY | O_CLOEXEC); // as a log that is opened anew
    assert_int_equal(dup3(good, fd, O_CLOEXEC), fd);
    close(good);
    accesslog_add(&l, &example, 0);
    accesslog_flush(&l, 0, false);
    assert_int_equal(l.dropped, 2);
    assert_false(l.is_losing);
    accesslog_cleanup(&l);
    close(fd);
}

// ---- files --------------------------------------------------------------------------------------

struct log_file {
    struct tempdir dir;
    struct accesslog log;
    char path[PATH_MAX];
    char text[1 << 18];
    int fd;
};

static struct log_file file;

static int open_file(void **state)
{
    (void)state;
    tempdir_make(&file.dir);
    tempdir_path(&file.dir, "access.log", file.path);
    umask(0);
    assert_int_equal(accesslog_open(file.path, NULL, &file.fd), 0);
    return accesslog_init(&file.log, file.fd);
}

static int close_file(void **state)
{
    (void)state;
    accesslog_cleanup(&file.log);
    close(file.fd);
    tempdir_remove(&file.dir);
    return 0;
}

static const char *file_text(void)
{
    tempdir_read(&file.dir, "access.log", file.text, sizeof(file.text));
    return file.text;
}

TEST(test_file_batches)
{
    accesslog_add(&file.log, &example, 5000);
    accesslog_add(&file.log, &example, 5999);
    assert_int_equal(accesslog_next(&file.log), 6000);
    accesslog_flush(&file.log, 5999, false);
    assert_string_equal(file_text(), "");
    accesslog_flush(&file.log, 6000, false);
    assert_string_equal(file_text(), EXAMPLE EXAMPLE);
    assert_int_equal(accesslog_next(&file.log), -1);
    accesslog_add(&file.log, &example, 7000);
    accesslog_flush(&file.log, 7000, true);
    assert_string_equal(file_text(), EXAMPLE EXAMPLE EXAMPLE);
    // A batch does not grow without end.
    for (size_t i = 0; i < (64u << 10) / strlen(EXAMPLE); i++) {
        accesslog_add(&file.log, &example, 8000);
        accesslog_flush(&file.log, 8000, false);
    }
    assert_true(strlen(file_text()) > 32u << 10);
    assert_int_equal(strlen(file_text()) % strlen(EXAMPLE), 0);
    assert_int_equal(file.log.dropped, 0);
}

static void limit_file(size_t size)
{
    const struct rlimit limit = {size, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A line that was cut by a full disk does not take the next one with it, however long it lasts;
// and each line that is lost counts once.
TEST(test_torn_line)
{
    char want[1024];
    limit_file(strlen(EXAMPLE) + 10);
    for (int i = 0; i < 2; i++)
        accesslog_add(&file.log, &example, 0);
    accesslog_flush(&file.log, 0, true);
    assert_int_equal(file.log.dropped, 1);
    for (int i = 0; i < 3; i++) {
        accesslog_add(&file.log, &example, 0);
        accesslog_flush(&file.log, 0, true);
        assert_int_equal(file.log.dropped, 2 + i);
    }
    limit_file(RLIM_INFINITY);
    for (int i = 0; i < 2; i++)
        accesslog_add(&file.log, &example, 0);
    accesslog_flush(&file.log, 0, true);
    snprintf(want, sizeof(want), "%s%.10s\n%s%s", EXAMPLE, EXAMPLE, EXAMPLE, EXAMPLE);
    assert_string_equal(file_text(), want);
    assert_int_equal(file.log.dropped, 4);
}

TEST(test_open)
{
    struct stat st;
    char path[PATH_MAX];
    int fd = 77;
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(fcntl(file.fd, F_GETFL) & O_APPEND, O_APPEND);
    assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);

    assert_int_equal(accesslog_open("off", NULL, &fd), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(accesslog_open("stdout", NULL, &fd), 0);
    assert_true(fd > 2);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    assert_int_equal(accesslog_open("/dev/stderr", NULL, &fd), 0);
    assert_true(fd > 2);
    close(fd);
    // Failures leave it alone; a FIFO that nobody reads does not block.
    fd = 77;
    assert_int_equal(accesslog_open(tempdir_path(&file.dir, "none/log", path), NULL, &fd), -ENOENT);
    assert_int_equal(accesslog_open(file.dir.path, NULL, &fd), -EISDIR);
    assert_int_equal(mkfifo(tempdir_path(&file.dir, "fifo", path), 0600), 0);
    alarm(20);
    assert_int_equal(accesslog_open(path, NULL, &fd), -EMEDIUMTYPE);
    alarm(0);
    assert_int_equal(fd, 77);
}

// Standard output as a pipe: making ours non-blocking leaves that of others as it was.
TEST(test_open_stdout_pipe)
{
    int fds[2], fd, saved = dup(STDOUT_FILENO);
    fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDOUT_FILENO);
    int r = accesslog_open("stdout", NULL, &fd);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_int_equal(r, 0);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    setenv("TZ", "UTC0", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_client),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_long_fields),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_stream_writes),
        cmocka_unit_test(test_full_pipe),
        cmocka_unit_test(test_pipe_without_reader),
        cmocka_unit_test(test_error),
        cmocka_unit_test_setup_teardown(test_file_batches, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_torn_line, open_file, close_file),
        cmocka_unit_test_setup_teardown(test_open, open_file, close_file),
        cmocka_unit_test(test_open_stdout_pipe),
    };
    return cmocka_run_group_tests_name("accesslog", tests, NULL, NULL);
}
