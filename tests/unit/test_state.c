#include "unit.h"

#include "daemon/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct endpoint endpoint_of(const char *text)
{
    struct addr a;
    assert_null(addr_parse(text, &a));
    return a.endpoint;
}

static const char *format(const struct state *s)
{
    static char text[4096];
    struct buf b = buf_make(text, sizeof(text) - 1);
    state_format(&b, s);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

#define HEAD "tined-state 1\nid 7\nstarted 5\ndrain 30000\nhandoff 5 6\n"

static const char full[] = HEAD "count 2 99\nwaiter 30\nimage 9\npath /usr/sbin/tined\n"
                                "listener 10 0 0.0.0.0:80\nlistener 11 1 [::1]:0\n"
                                "listener 12 0 unix:/run/a b.sock\n"
                                "worker 6 1 100 20 21\nworker 7 0 101 22 23\n"
                                "socket 11 http\nend\n";

static void test_there_and_back(void **state)
{
    struct state_listener listeners[] = {{10, false, endpoint_of("0.0.0.0:80")},
                                         {11, true, endpoint_of("[::1]:0")},
                                         {12, false, endpoint_of("unix:/run/a b.sock")}};
    struct state_worker workers[] = {{6, true, 100, 20, 21}, {7, false, 101, 22, 23}};
    struct systemd_socket sockets[] = {{11, "http"}};
    struct state s = {.last_id = 7,
                      .started_s = 5,
                      .counts = {[2] = 99},
                      .waiters = {30},
                      .waiter_count = 1,
                      .drain = 30000,
                      .handoff = {5, 6},
                      .image = 9,
                      .path = "/usr/sbin/tined",
                      .listeners = listeners,
                      .workers = workers,
                      .sockets = sockets,
                      .listener_count = 3,
                      .worker_count = 2,
                      .socket_count = 1};
    struct state back;
    (void)state;
    assert_string_equal(format(&s), full);
    assert_int_equal(state_parse(SLICE(full), &back), 0);
    assert_string_equal(format(&back), full);
    assert_int_equal(back.workers[0].pid, 100);
    assert_true(back.workers[0].ending && !back.workers[1].ending);
    assert_true(addr_equal(&back.listeners[2].wanted, &listeners[2].wanted));
    state_cleanup(&back);
    s.image = -1;
    s.listener_count = s.worker_count = s.socket_count = 0;
    assert_int_equal(state_parse(slice_of(format(&s)), &back), 0);
    assert_int_equal(back.image, -1);
    state_cleanup(&back);
    state_cleanup(&back); // harmless
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "tined-state 1\n",
        "tined-state 2\nid 1\nhandoff 1 2\npath /x\nend\n", // a version to come
        HEAD "end\n",                                       // nowhere
        HEAD "path \nend\n",
        HEAD "path /x\n", // cut off
        HEAD "path /x\nnews 1\nend\n",
        HEAD "path /x\nlistener 1 0\nend\n",
        HEAD "path /x\nlistener -1 0 0.0.0.0:80\nend\n",
        HEAD "path /x\nlistener 1 2 0.0.0.0:80\nend\n",
        HEAD "path /x\nlistener 1 0 *:80\nend\n", // is no one address
        HEAD "path /x\nlistener 1 0 nonsense\nend\n",
        HEAD "path /x\nworker 1 0 99999999999 1 2\nend\n",
        HEAD "path /x\nworker 1 0 1 1\nend\n",
        HEAD "path /x\nsocket 1 \nend\n",
        HEAD "path /x\ncount 99999 1\nend\n",
        HEAD "path /x\nwaiter 1\nwaiter 1\nwaiter 1\nwaiter 1\nwaiter 1\nwaiter 1\nwaiter 1\n"
             "waiter 1\nwaiter 1\nend\n", // one too many
        HEAD "handoff x y\npath /x\nend\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct state s = {.image = 99};
        if (state_parse(slice_of(texts[i]), &s) != -EPROTO)
            fail_msg("case %zu: %s", i, texts[i]);
        assert_int_equal(s.image, 99);
    }
}

static int seen[16];
static size_t seen_count;

static void see(int fd)
{
    seen[seen_count++] = fd;
}

static void test_every_descriptor(void **state)
{
    static const int want[] = {5, 6, 30, 9, 10, 11, 12, 11, 20, 21, 22, 23};
    struct state s;
    (void)state;
    assert_int_equal(state_parse(SLICE(full), &s), 0);
    state_each_fd(&s, see);
    assert_int_equal(seen_count, ARRAY_SIZE(want));
    assert_memory_equal(seen, want, sizeof(want));
    state_cleanup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_descriptor),
    };
    return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
