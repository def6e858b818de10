#include "support/unit.h"

#include "daemon/status_format.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static char text[32 << 10];

static const struct sandbox sandbox = {
    .landlock_abi = 7, .seccomp = SANDBOX_LOG, .seccomp_error = -ENOSYS};

static struct status_format example(void)
{
    static const struct status_format_listener listeners[] = {{"0.0.0.0:80", true, 3, 4096},
                                                              {"unix:/run/x\"y", false, 0, 0}};
    struct status_format s = {
        .pid = 42,
        .uptime_s = 2 * 86400 + 3661,
        .generation = 7,
        .workers = 4,
        .alive = 3,
        .ending = 2,
        .state = "serving",
        .reload = "generation 7 is ready",
        .reload_s = 784111777,
        .sandbox = &sandbox,
        .listeners = listeners,
        .listener_count = 2,
    };
    s.totals.connections = 12;
    s.totals.waiting[DEADLINE_IDLE] = 11;
    s.totals.waiting[DEADLINE_SEND] = 1;
    s.totals.counts.requests = 1000;
    s.totals.counts.answers[1] = 990;
    s.totals.counts.answers[3] = 10;
    s.totals.counts.closed[CONN_CLOSE_TIMEOUT] = 5;
    s.totals.counts.rounds[1] = 6;
    s.totals.counts.rounds[COUNTERS_ROUNDS_COUNT - 1] = 7;
    return s;
}

static void assert_has(const char *what)
{
    if (!strstr(text, what))
        fail_msg("no \"%s\" in:\n%s", what, text);
}

TEST(test_text)
{
    struct status_format s = example();
    struct buf b = buf_make(text, sizeof(text) - 1);
    status_format_text(&b, &s);
    assert_false(b.overflow);
    text[b.len] = '\0';
    assert_has("tined serving, pid 42, up 2 d 01:01:01\n");
    assert_has("generation 7: 3 of 4 workers; 2 workers of earlier ones are ending\n");
    assert_has("last reload 1994-11-06T08:49:37Z: generation 7 is ready\n");
    assert_has("0.0.0.0:80                 3 of 4096 waiting\n");
    assert_has("unix:/run/x\"y");
    assert_has("  Landlock (ABI 7) keeps workers to reading beneath the roots of the sites\n");
    assert_has("  seccomp is missing, so workers can make any system call: the kernel has none");
    assert_has("idle                       11\n");
    assert_has("answers 2xx");
    assert_null(strstr(text, "answers 5xx")); // nothing to tell
    assert_has("a deadline passed");
    assert_has("less than 32 us            6\n");
    assert_has("longer                     7\n");
    assert_null(strstr(text, "than 64 us"));
}

TEST(test_json)
{
    struct status_format s = example();
    struct buf b = buf_make(text, sizeof(text) - 1);
    status_format_json(&b, &s);
    assert_false(b.overflow);
    text[b.len] = '\0';
    assert_has("{\"version\":\"");
    assert_has("\"pid\":42,");
    assert_has(
        "\"sandbox\":{\"landlock\":\"enforce\",\"landlock_abi\":7,\"seccomp\":\"missing\"},");
    assert_has("\"listeners\":[{\"address\":\"0.0.0.0:80\",\"queued\":3,\"backlog\":4096},"
               "{\"address\":\"unix:/run/x\\\"y\"}]");
    assert_has("\"connections\":{\"open\":12,\"first\":0,\"head\":0,\"body\":0,\"send\":1,\"disk\":"
               "0,\"listing\":0,\"idle\":11,");
    assert_has("\"requests\":1000,");
    assert_has("\"answers\":{\"1xx\":0,\"2xx\":990,\"3xx\":0,\"4xx\":10,\"5xx\":0}");
    assert_has("\"timeout\":5");
    assert_has("\"rounds_us\":{\"16\":0,\"32\":6,\"64\":0,");
    assert_has(",\"262144\":0,\"longer\":7}}\n");
}

TEST(test_look_at)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    struct status_format_listener l;
    char want[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0), clients[2];
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 7), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&a, sizeof(a)), 0);
    }
    status_format_look_at(fd, &l);
    assert_true(l.is_tcp);
    assert_int_equal(l.queued, 2);
    assert_int_equal(l.backlog, 7);
    snprintf(want, sizeof(want), "127.0.0.1:%d", ntohs(a.sin_port));
    assert_string_equal(l.address, want);
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        close(clients[i]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_look_at),
    };
    return cmocka_run_group_tests_name("status_format", tests, NULL, NULL);
}
