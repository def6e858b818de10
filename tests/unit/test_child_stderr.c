#include "support/process.h"

#include "base/log.h"
#include "daemon/child_stderr.h"
#include "sys/clock.h"

#include <fcntl.h>
#include <unistd.h>

static struct tempdir dir;
static struct watches watches;
static struct child_stderr words;
static int ends[2], saved_stderr;

static int setup(void **state)
{
    const struct event_fields fields = {.generation = 2, .worker = 1, .pid = 77};
    (void)state;
    tempdir_make(&dir);
    saved_stderr = redirect_stderr(&dir);
    assert_int_equal(watch_init(&watches), 0);
    assert_int_equal(child_stderr_open(ends), 0);
    assert_int_equal(child_stderr_watch(&words, &watches, ends[0], "child 1", &fields), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    child_stderr_finish(&words);
    child_stderr_finish(&words); // harmless
    assert_int_equal(fcntl(ends[0], F_GETFD), -1);
    close(ends[1]);
    watch_cleanup(&watches);
    restore_stderr(saved_stderr);
    tempdir_remove(&dir);
    return 0;
}

static void say(const char *text)
{
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
}

static const char *read_log(void)
{
    static char text[1 << 20];
    char path[PATH_MAX];
    int fd = open(tempdir_path(&dir, "log", path), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    assert_in_range(n, 0, sizeof(text) - 2);
    text[n] = '\0';
    return text;
}

static void run_timers(void)
{
    watches.now += 1000;
    timers_run(&watches.timers, watches.now);
}

TEST(test_marks_lines)
{
    say("<3>one\ntined: ready: generation 99\n\x1b[2J");
    assert_int_equal(watch_wait_ready(&watches, PATIENCE), 1);
    assert_string_equal(read_log(), "error: child 1 says: one\n"
                                    "warning: child 1 says: tined: ready: generation 99\n");
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
    child_stderr_finish(&words);
    assert_contains(read_log(), "warning: child 1 says: \\x1b[2J\n");
    assert_int_equal(timers_next(&watches.timers), -1);
}

TEST(test_for_another_image)
{
    struct child_stderr none = {0};
    assert_int_equal(child_stderr_end(&words), ends[0]);
    assert_int_equal(child_stderr_end(&none), 0);
}

// Fills the pipe; how much was written.
static size_t fill(void)
{
    static char text[8192];
    size_t all = 0;
    ssize_t n;
    memset(text, 'x', sizeof(text));
    for (size_t i = 7; i < sizeof(text); i += 8)
        text[i] = '\n';
    while ((n = write(ends[1], text, sizeof(text))) > 0)
        all += (size_t)n;
    assert_int_equal(errno, EAGAIN); // it never waits
    return all;
}

TEST(test_a_flood)
{
    size_t written = fill();
    for (unsigned i = 0; i < written / CHILD_STDERR_TURN; i++) // a part in each turn
        assert_int_equal(watch_wait_ready(&watches, PATIENCE), 1);
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
    assert_int_equal(count_text(read_log(), "says: xxxxxxx\n"), STDERR_LINES_BURST);
    assert_null(strstr(read_log(), "dropped"));
    run_timers();
    char text[64];
    snprintf(text, sizeof(text), "\nwarning: %zu lines of child 1 were dropped\n",
             written / 8 - STDERR_LINES_BURST);
    assert_contains(read_log(), text);
    assert_int_equal(timers_next(&watches.timers), -1);
}

// In a second it is read for so long, and then not until the next.
TEST(test_an_endless_flood)
{
    size_t turns = 0;
    for (fill(); watch_wait_ready(&watches, 0) == 1; fill())
        turns++;
    assert_in_range(turns, 1, 2 * CHILD_STDERR_RATE / CHILD_STDERR_TURN);
    assert_int_equal(count_text(read_log(), "says:"), STDERR_LINES_BURST);
    run_timers();
    fill();
    assert_int_equal(watch_wait_ready(&watches, PATIENCE), 1);
    assert_int_equal(count_text(read_log(), "says:"), STDERR_LINES_BURST + STDERR_LINES_RATE);
}

// They are told however much it has said before.
TEST(test_last_words)
{
    for (fill(); watch_wait_ready(&watches, 0) == 1; fill())
        continue;
    char text[65536];
    assert_true(read(ends[0], text, sizeof(text)) > 0); // most of it is gone by then
    say("\nAssertion failed");
    child_stderr_finish(&words);
    assert_contains(read_log(), "\nwarning: child 1 says: Assertion failed\n");
    assert_contains(read_log(), " lines of child 1 were dropped\n");
    assert_int_equal(timers_next(&watches.timers), -1);
}

// Somebody else may have its end as well, and go on.
TEST(test_the_end_does_not_wait)
{
    fill();
    child_stderr_finish(&words);
    assert_contains(read_log(), " lines of child 1 were dropped\n");
}

// It has given its stderr up: nobody hears of it again and again.
TEST(test_end_of_file)
{
    dup3(saved_stderr, ends[1], O_CLOEXEC);
    assert_int_equal(watch_wait_ready(&watches, PATIENCE), 1);
    assert_int_equal(watch_wait_ready(&watches, 0), 0);
}

TEST(test_in_the_child)
{
    pid_t pid = fork();
    if (pid == 0) {
        char c;
        signal(SIGPIPE, SIG_IGN);
        child_stderr_enter(ends[1]);
        log_info("hello");
        bool has_input = read(STDIN_FILENO, &c, 1) >= 0;
        close(ends[0]);
        child_stderr_finish(&words); // as the master that is gone
        bool is_told = write(STDOUT_FILENO, "x", 1) < 0 && errno == EAGAIN;
        _exit(has_input || is_told);
    }
    assert_int_equal(await_exit(pid), 0);
    child_stderr_finish(&words);
    assert_contains(read_log(), "child 1 says: hello\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(test_marks_lines),      CASE(test_for_another_image), CASE(test_a_flood),
        CASE(test_an_endless_flood), CASE(test_last_words),        CASE(test_the_end_does_not_wait),
        CASE(test_end_of_file),      CASE(test_in_the_child),
#undef CASE
    };
    return cmocka_run_group_tests_name("child_stderr", tests, NULL, NULL);
}
