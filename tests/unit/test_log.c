#include "support/unit.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// The text that log_line() writes to stderr, for one call.
static char *capture(enum log_level level, const char *message, char *text, size_t size)
{
    int pipefd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipefd), 0);
    dup2(pipefd[1], STDERR_FILENO);
    struct stat st;
    fstat(STDERR_FILENO, &st);
    char stream[64];
    snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    if (getenv("JOURNAL_STREAM"))
        setenv("JOURNAL_STREAM", stream, 1);
    log_init("tined");
    log_line(level, "%s", message);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipefd[1]);
    ssize_t n = read(pipefd[0], text, size - 1);
    close(pipefd[0]);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

TEST(test_plain_line)
{
    char text[256];
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(capture(LOG_LEVEL_ERR, "no root", text, sizeof(text)),
                        "tined: error: no root\n");
    assert_string_equal(capture(LOG_LEVEL_INFO, "ready", text, sizeof(text)), "tined: ready\n");
    assert_string_equal(capture(LOG_LEVEL_DEBUG, "detail", text, sizeof(text)), "");
}

TEST(test_journal_prefix)
{
    char text[256];
    setenv("JOURNAL_STREAM", "1:1", 1);
    assert_string_equal(capture(LOG_LEVEL_WARN, "slow", text, sizeof(text)), "<4>slow\n");
    unsetenv("JOURNAL_STREAM");
}

TEST(test_nobody_forges_a_line)
{
    char text[256];
    assert_string_equal(capture(LOG_LEVEL_INFO, "a\nb\x1b[2J", text, sizeof(text)),
                        "tined: a\\x0ab\\x1b[2J\n");
}

TEST(test_errno_is_kept)
{
    char text[256];
    errno = EXDEV;
    capture(LOG_LEVEL_INFO, "x", text, sizeof(text));
    errno = EXDEV;
    log_line(LOG_LEVEL_DEBUG, "dropped");
    assert_int_equal(errno, EXDEV);
}

// As the access log writes to the same file: what is there is not written over.
TEST(test_a_file_is_appended_to)
{
    char path[] = "/tmp/test_log-XXXXXX", text[256];
    int saved = dup(STDERR_FILENO), file = mkstemp(path);
    int other = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    unlink(path);
    dup2(file, STDERR_FILENO);
    log_init("tined");
    log_line(LOG_LEVEL_INFO, "one");
    assert_int_equal(write(other, "two\n", 4), 4);
    log_line(LOG_LEVEL_INFO, "three");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    ssize_t n = pread(other, text, sizeof(text) - 1, 0);
    close(other);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, "tined: one\ntwo\ntined: three\n");
}

static struct log_record taken;
static struct event_fields taken_fields;
static char taken_message[256];
static bool takes;

static bool take(const struct log_record *record)
{
    taken = *record;
    taken_fields = *record->fields;
    snprintf(taken_message, sizeof(taken_message), "%s", record->message);
    return takes;
}

TEST(test_a_sink_takes_what_goes_to_the_journal)
{
    char text[256];
    log_set_sink(take);
    takes = true;
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(capture(LOG_LEVEL_ERR, "x", text, sizeof(text)), "tined: error: x\n");
    setenv("JOURNAL_STREAM", "1:1", 1);
    assert_string_equal(capture(LOG_LEVEL_ERR, "a\nb", text, sizeof(text)), "");
    assert_string_equal(taken_message, "a\\x0ab");
    assert_string_equal(taken.program, "tined");
    assert_int_equal(taken.priority, 3);
    assert_null(taken.event);
    takes = false;
    assert_string_equal(capture(LOG_LEVEL_ERR, "a\nb", text, sizeof(text)), "<3>a\\x0ab\n");
    takes = true;
    log_event(EVENT_WORKER_DIED, &(struct event_fields){.worker = 3, .pid = 7}, "%d ended", 7);
    assert_string_equal(taken_message, "7 ended");
    assert_string_equal(taken.event, "worker-died");
    assert_int_equal(strlen(taken.message_id), 32);
    assert_int_equal(taken.priority, 4);
    assert_int_equal(taken_fields.worker, 3);
    log_set_sink(NULL);
    unsetenv("JOURNAL_STREAM");
    log_init("tined");
}

static unsigned heard;

static void count_heard(void *context, const char *message)
{
    (void)context, (void)message;
    heard++;
}

// An error of another process is none of ours.
TEST(test_relays)
{
    unsetenv("JOURNAL_STREAM");
    log_init("tined");
    log_set_sink(take);
    log_listen(count_heard, NULL);
    log_relay(LOG_LEVEL_ERR, NULL, "worker 1 says: %s", "x");
    assert_int_equal(heard, 0);
    log_line(LOG_LEVEL_ERR, "y");
    assert_int_equal(heard, 1);
    log_listen(NULL, NULL);
    log_set_sink(NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// However many there are, they wait for a reader once.
TEST(test_relays_to_nobody)
{
    static const char filler[1 << 20];
    int pipefd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(pipefd, O_NONBLOCK), 0);
    dup2(pipefd[1], STDERR_FILENO);
    while (write(pipefd[1], filler, sizeof(filler)) > 0)
        continue;
    int64_t begin = now_ms();
    for (int i = 0; i < 1000; i++)
        log_relay(LOG_LEVEL_ERR, NULL, "x"); // 100 s, if each waited
    int64_t took = now_ms() - begin;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipefd[0]);
    close(pipefd[1]);
    assert_in_range(took, 100, 50000);
    log_relay(LOG_LEVEL_INFO, NULL, "read again");
}

static void assert_read(int fd, const char *want)
{
    char text[4096];
    ssize_t n = read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_string_equal(text, want);
}

// To the parent: it never waits, and says later how many lines found no room.
TEST(test_to_a_parent)
{
    static char filler[1 << 20];
    int pipefd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(pipefd, O_NONBLOCK), 0);
    dup2(pipefd[1], STDERR_FILENO);
    log_to_parent();
    log_line(LOG_LEVEL_ERR, "one");
    assert_read(pipefd[0], "<3>one\n");
    ssize_t filled = write(pipefd[1], filler, sizeof(filler));
    log_line(LOG_LEVEL_INFO, "two");
    log_line(LOG_LEVEL_INFO, "three");
    assert_int_equal(read(pipefd[0], filler, sizeof(filler)), filled);
    log_line(LOG_LEVEL_INFO, "four");
    assert_read(pipefd[0], "<4>2 lines before this one were lost\n<6>four\n");
    log_line(LOG_LEVEL_INFO, "five");
    assert_read(pipefd[0], "<6>five\n");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipefd[0]);
    close(pipefd[1]);
}

// An id that two kinds share would show the wrong text.
TEST(test_events_have_ids_of_their_own)
{
    static const char *const ids[] = {
#define X(id, level, name, message_id, meaning) message_id,
        EVENT_TABLE(X)
#undef X
    };
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        assert_int_equal(strspn(ids[i], "0123456789abcdef"), 32);
        assert_int_equal(strlen(ids[i]), 32);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
}

TEST(test_levels_have_names)
{
    enum log_level level = LOG_LEVEL_ERR;
    assert_true(log_level_parse(SLICE("debug"), &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse(SLICE("loud"), &level));
    assert_null(log_level_check(SLICE("notice")));
    assert_non_null(strstr(log_level_check(SLICE("loud")), "\"warning\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_line),
        cmocka_unit_test(test_journal_prefix),
        cmocka_unit_test(test_nobody_forges_a_line),
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_a_file_is_appended_to),
        cmocka_unit_test(test_a_sink_takes_what_goes_to_the_journal),
        cmocka_unit_test(test_relays),
        cmocka_unit_test(test_relays_to_nobody),
        cmocka_unit_test(test_events_have_ids_of_their_own),
        cmocka_unit_test(test_levels_have_names),
        cmocka_unit_test(test_to_a_parent), // for good
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
