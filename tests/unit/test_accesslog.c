#include "tempdir.h"
#include "unit.h"

#include "server/accesslog.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define WALL 1700000000 // 14 November 2023, 22:13:20 UTC

static const struct access_record example = {
    .client = {"192.0.2.7", 9},
    .wall_s = WALL,
    .request = {"GET / HTTP/1.1", 14},
    .referer = {"http://a/", 9},
    .agent = {"curl/8", 6},
};

#define EXAMPLE                                                                           \
    "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"GET / HTTP/1.1\" 200 12 \"http://a/\" " \
    "\"curl/8\"\n"

// A line as it is written.
static void write_line(const struct access_record *r, int status, uint64_t bytes, bool held,
                       char *line, size_t size)
{
    char part[ACCESSLOG_PART_MAX];
    struct accesslog l;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    if (held) {
        struct buf b = buf_make(part, sizeof(part));
        size_t split = accesslog_hold(&l, r, &b);
        assert_false(b.overflow);
        accesslog_add_held(&l, buf_slice(&b), split, status, bytes, 0);
    } else {
        accesslog_add(&l, r, status, bytes, 0);
    }
    accesslog_flush(&l, 0, false);
    ssize_t n = read(fds[0], line, size - 1);
    assert_true(n > 0);
    line[n] = '\0';
    assert_int_equal(l.dropped, 0);
    accesslog_cleanup(&l);
    close(fds[0]);
    close(fds[1]);
}

static void test_format(void **state)
{
    static const struct {
        const char *request, *referer, *agent;
        int status;
        uint64_t bytes;
        const char *want;
    } cases[] = {
        {"GET / HTTP/1.1", "http://a/", "curl/8", 200, 12, EXAMPLE},
        {"", "", "", 408, 0,
         "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"-\" 408 0 \"-\" \"-\"\n"},
        {"G\"\\\x01\x1f\x7f\n\r", "\xc3\xa9", " ~", 400, UINT64_MAX,
         "192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] \"G\\x22\\x5c\\x01\\x1f\\x7f\\x0a\\x0d\" 400 "
         "18446744073709551615 \"\\xc3\\xa9\" \" ~\"\n"},
    };
    char line[8192];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (int held = 0; held < 2; held++) {
            struct access_record r = example;
            r.request = slice_of(cases[i].request);
            r.referer = slice_of(cases[i].referer);
            r.agent = slice_of(cases[i].agent);
            write_line(&r, cases[i].status, cases[i].bytes, held, line, sizeof(line));
            assert_string_equal(line, cases[i].want);
        }
    }
}

// Every byte at every place of a text of a few words, each as it must stand.
static void test_escapes(void **state)
{
    char text[20], want[64], line[8192];
    (void)state;
    for (size_t at = 0; at < sizeof(text); at++) {
        for (int c = 0; c < 256; c++) {
            bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
            struct access_record r = example;
            memset(text, 'a', sizeof(text));
            text[at] = (char)c;
            r.request = slice_make(text, sizeof(text));
            snprintf(want, sizeof(want), plain ? "\"%.*s%c%.*s\" 200" : "\"%.*s\\x%02x%.*s\" 200",
                     (int)at, text, c, (int)(sizeof(text) - at - 1), text + at + 1);
            write_line(&r, 200, 12, false, line, sizeof(line));
            if (!strstr(line, want))
                fail_msg("byte 0x%02x at %zu: %s", c, at, line);
        }
    }
}

// The longest fields, each byte escaped, give a whole line that one write to a pipe takes.
static void test_long_fields(void **state)
{
    static char junk[8192];
    char line[8192], direct[8192];
    (void)state;
    for (int byte = 'x'; byte >= 0; byte -= 'x') {
        memset(junk, byte, sizeof(junk));
        struct access_record r = example;
        r.request = r.referer = r.agent = slice_make(junk, sizeof(junk));
        write_line(&r, 200, UINT64_MAX, false, direct, sizeof(direct));
        write_line(&r, 200, UINT64_MAX, true, line, sizeof(line));
        assert_string_equal(line, direct);
        assert_true(strlen(line) > 2000 && strlen(line) <= 4096);
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_string_equal(line + strlen(line) - 2, "\"\n");
        assert_non_null(strstr(line, "\" 200 18446744073709551615 \""));
    }
}

static void test_off(void **state)
{
    struct accesslog l;
    (void)state;
    assert_int_equal(accesslog_init(&l, -1), 0);
    accesslog_add(&l, &example, 200, 12, 5);
    assert_int_equal(accesslog_next(&l), -1);
    accesslog_flush(&l, 5, true);
    assert_int_equal(l.dropped, 0);
    accesslog_cleanup(&l);
}

// Each write to a stream is whole lines, as many as fit into 4096 bytes.
static void test_stream_writes(void **state)
{
    char data[65536];
    struct accesslog l;
    int fds[2], writes = 0;
    size_t lines = 0;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    for (int i = 0; i < 100; i++)
        accesslog_add(&l, &example, 200, 12, 0);
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
// would end the test. What does arrive is whole.
static void test_full_pipe(void **state)
{
    static char data[1 << 20];
    struct accesslog l;
    int fds[2];
    const size_t count = 3000;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    alarm(20);
    for (size_t i = 0; i < count; i++) {
        accesslog_add(&l, &example, 200, 12, (int64_t)i);
        accesslog_flush(&l, (int64_t)i, false);
    }
    assert_true(l.dropped > 0 && l.dropped < count);
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

static void test_pipe_without_reader(void **state)
{
    struct accesslog l;
    int fds[2];
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(accesslog_init(&l, fds[1]), 0);
    for (int i = 0; i < 3; i++)
        accesslog_add(&l, &example, 200, 12, 0);
    accesslog_flush(&l, 0, false);
    assert_int_equal(l.dropped, 3);
    assert_int_equal(accesslog_next(&l), -1);
    accesslog_cleanup(&l);
    close(fds[1]);
}

static void test_error(void **state)
{
    struct accesslog l;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(accesslog_init(&l, fd), 0);
    accesslog_add(&l, &example, 200, 12, 0);
    accesslog_add(&l, &example, 200, 12, 0);
    accesslog_flush(&l, 0, false);
    assert_int_equal(l.dropped, 2);
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
    assert_int_equal(accesslog_open(file.path, &file.fd), 0);
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

static void test_file_batches(void **state)
{
    (void)state;
    accesslog_add(&file.log, &example, 200, 12, 5000);
    accesslog_add(&file.log, &example, 200, 12, 5999);
    assert_int_equal(accesslog_next(&file.log), 6000);
    accesslog_flush(&file.log, 5999, false);
    assert_string_equal(file_text(), "");
    accesslog_flush(&file.log, 6000, false);
    assert_string_equal(file_text(), EXAMPLE EXAMPLE);
    assert_int_equal(accesslog_next(&file.log), -1);
    accesslog_add(&file.log, &example, 200, 12, 7000);
    accesslog_flush(&file.log, 7000, true);
    assert_string_equal(file_text(), EXAMPLE EXAMPLE EXAMPLE);
    // A batch does not grow without end.
    for (size_t i = 0; i < (64u << 10) / strlen(EXAMPLE); i++) {
        accesslog_add(&file.log, &example, 200, 12, 8000);
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
static void test_torn_line(void **state)
{
    char want[1024];
    (void)state;
    limit_file(strlen(EXAMPLE) + 10);
    for (int i = 0; i < 2; i++)
        accesslog_add(&file.log, &example, 200, 12, 0);
    accesslog_flush(&file.log, 0, true);
    assert_int_equal(file.log.dropped, 1);
    for (int i = 0; i < 3; i++) {
        accesslog_add(&file.log, &example, 200, 12, 0);
        accesslog_flush(&file.log, 0, true);
        assert_int_equal(file.log.dropped, 2 + i);
    }
    limit_file(RLIM_INFINITY);
    for (int i = 0; i < 2; i++)
        accesslog_add(&file.log, &example, 200, 12, 0);
    accesslog_flush(&file.log, 0, true);
    snprintf(want, sizeof(want), "%s%.10s\n%s%s", EXAMPLE, EXAMPLE, EXAMPLE, EXAMPLE);
    assert_string_equal(file_text(), want);
    assert_int_equal(file.log.dropped, 4);
}

static void test_open(void **state)
{
    struct stat st;
    char path[PATH_MAX];
    int fd = 77;
    (void)state;
    assert_int_equal(fstat(file.fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(fcntl(file.fd, F_GETFL) & O_APPEND, O_APPEND);
    assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);

    assert_int_equal(accesslog_open("off", &fd), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(accesslog_open("stdout", &fd), 0);
    assert_true(fd > 2);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    // Failures leave it alone; a FIFO that nobody reads does not block.
    fd = 77;
    assert_int_equal(accesslog_open(tempdir_path(&file.dir, "none/log", path), &fd), -ENOENT);
    assert_int_equal(accesslog_open(file.dir.path, &fd), -EISDIR);
    assert_int_equal(mkfifo(tempdir_path(&file.dir, "fifo", path), 0600), 0);
    alarm(20);
    assert_int_equal(accesslog_open(path, &fd), -ENXIO);
    alarm(0);
    assert_int_equal(fd, 77);
}

// Standard output as a pipe: making ours non-blocking leaves that of others as it was.
static void test_open_stdout_pipe(void **state)
{
    int fds[2], fd, saved = dup(STDOUT_FILENO);
    (void)state;
    fflush(stdout);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDOUT_FILENO);
    int r = accesslog_open("stdout", &fd);
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
