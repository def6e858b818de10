#include "support/unit.h"

#include "base/address.h"
#include "daemon/upgrade_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct endpoint endpoint_of(const char *text)
{
    struct address a;
    assert_null(address_parse(slice_of(text), &a));
    return a.endpoint;
}

static const char *format(const struct upgrade_state *s)
{
    static char text[4096];
    struct buf b = buf_make(text, sizeof(text) - 1);
    upgrade_state_format(&b, s);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

#define HEAD "tined-state 3\nid 7\nstarted 5\ndrain 30000\nhandoff 5 6\n"

static const char full[] = HEAD
    "counter accepted 99\ncounter closed.stop 4\nwaiter 30\nimage 9\npath /usr/sbin/tined\n"
    "listener 10 0 0.0.0.0:80\nlistener 11 1 [::1]:0\n"
    "listener 12 0 unix:/run/a b.sock\n"
    "worker 6 1 100 20 21 24 stderr 31\nworker 7 0 101 22 23 0\nworker 7 0 102 25 26\n"
    "socket 11 http\nend\n";

TEST(test_there_and_back)
{
    struct upgrade_state_listener listeners[] = {{10, false, endpoint_of("0.0.0.0:80")},
                                                 {11, true, endpoint_of("[::1]:0")},
                                                 {12, false, endpoint_of("unix:/run/a b.sock")}};
    struct upgrade_state_worker workers[] = {{6, true, 100, 20, 21, true, 24, 31},
                                             {7, false, 101, 22, 23, true, 0, 0},
                                             {7, false, 102, 25, 26, false, 0, 0}};
    struct systemd_socket sockets[] = {{11, "http"}};
    int waiters[] = {30};
    struct upgrade_state s = {.version = UPGRADE_STATE_VERSION,
                              .last_id = 7,
                              .started_s = 5,
                              .counters = {.accepted = 99, .closed = {[CONN_CLOSE_STOP] = 4}},
                              .waiters = waiters,
                              .waiter_count = 1,
                              .drain = 30000,
                              .handoff = {5, 6},
                              .image = 9,
                              .path = "/usr/sbin/tined",
                              .listeners = listeners,
                              .workers = workers,
                              .sockets = sockets,
                              .listener_count = 3,
                              .worker_count = 3,
                              .socket_count = 1};
    struct upgrade_state back;
    assert_string_equal(format(&s), full);
    assert_int_equal(upgrade_state_parse(SLICE(full), &back), 0);
    assert_string_equal(format(&back), full);
    assert_int_equal(back.workers[0].pid, 100);
    assert_true(back.workers[0].ending && !back.workers[1].ending);
    assert_true(endpoint_equal(&back.listeners[2].wanted, &listeners[2].wanted));
    upgrade_state_cleanup(&back);
    s.image = -1;
    s.listener_count = s.worker_count = s.socket_count = 0;
    assert_int_equal(upgrade_state_parse(slice_of(format(&s)), &back), 0);
    assert_int_equal(back.image, -1);
    upgrade_state_cleanup(&back);
    upgrade_state_cleanup(&back); // harmless
}

// Of a program that knows more of a worker, and of one before that knows less.
TEST(test_keys_of_a_worker)
{
    static const struct {
        const char *line;
        bool knows_pairs;
        int words;
    } cases[] = {
        {"worker 7 0 101 22 23", false, 0},
        {"worker 7 0 101 22 23 0", true, 0},
        {"worker 7 0 101 22 23 0 stderr 9", true, 9},
        {"worker 7 0 101 22 23 0 later 5 stderr 9 last 6", true, 9},
        {"worker 7 0 101 22 23 0 later", true, 0},
    };
    char text[256];
    struct upgrade_state s;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(text, sizeof(text), HEAD "path /x\n%s\nend\n", cases[i].line);
        assert_int_equal(upgrade_state_parse(slice_of(text), &s), 0);
        assert_int_equal(s.workers[0].knows_pairs, cases[i].knows_pairs);
        assert_int_equal(s.workers[0].words, cases[i].words);
        upgrade_state_cleanup(&s);
    }
    snprintf(text, sizeof(text), HEAD "path /x\nworker 7 0 101 22 23 0 stderr x\nend\n");
    assert_int_equal(upgrade_state_parse(slice_of(text), &s), -EPROTO);
}

// An image of the version before has no use for it.
TEST(test_notes)
{
    struct upgrade_state s;
    assert_int_equal(upgrade_state_parse(SLICE(HEAD "notes 8\npath /x\nend\n"), &s), 0);
    assert_int_equal(s.notes, 8);
    assert_non_null(strstr(format(&s), "\nnotes 8\n"));
    s.version = 2;
    assert_null(strstr(format(&s), "notes"));
    upgrade_state_cleanup(&s);
}

// Of a program with other counters: those that both have keep their totals.
TEST(test_other_counters)
{
    struct upgrade_state s;
    assert_int_equal(
        upgrade_state_parse(SLICE(HEAD "counter sent_bytes 3\ncounter of_a_later_version 4\n"
                                       "counter requests 5\npath /x\nend\n"),
                            &s),
        0);
    assert_int_equal(s.counters.sent, 3);
    assert_int_equal(s.counters.requests, 5);
    s.counters.sent = s.counters.requests = 0;
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        assert_int_equal(counters_values(&s.counters)[i], 0);
    upgrade_state_cleanup(&s);
}

// Version 1 had counters by position: they are not believed, and what is written for a program that
// reads nothing else has none.
TEST(test_counters_by_position)
{
    static const char text[] = "tined-state 1\nid 7\nstarted 5\ndrain 30000\nhandoff 5 6\n"
                               "count 0 99\ncount 35 4\npath /x\nend\n";
    struct upgrade_state s;
    assert_int_equal(upgrade_state_parse(SLICE(text), &s), 0);
    assert_int_equal(s.version, 1);
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        assert_int_equal(counters_values(&s.counters)[i], 0);
    s.counters.requests = 5;
    assert_string_equal(format(&s), "tined-state 1\nid 7\nstarted 5\ndrain 30000\nhandoff 5 6\n"
                                    "path /x\nend\n");
    upgrade_state_cleanup(&s);
}

TEST(test_refused)
{
    static const char *const texts[] = {
        "",
        "tined-state 1\n",
        "tined-state 4\nid 1\nhandoff 1 2\npath /x\nend\n", // a version to come
        "tined-state 0\nid 1\nhandoff 1 2\npath /x\nend\n",
        "tined-state 3 4\nid 1\nhandoff 1 2\npath /x\nend\n",
        "tined-state\nid 1\nhandoff 1 2\npath /x\nend\n",
        HEAD "end\n", // nowhere
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
        HEAD "path /x\nsocket x http\nend\n",
        HEAD "path /x\ncounter\nend\n",
        HEAD "path /x\ncounter requests\nend\n",
        HEAD "path /x\ncounter requests -1\nend\n",
        HEAD "path /x\ncounter requests 9007199254740992\nend\n", // more than any total
        HEAD "path /x\ncounter requests 1 2\nend\n",
        HEAD "path /x\nwaiter x\nend\n",
        HEAD "handoff x y\npath /x\nend\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct upgrade_state s = {.image = 99};
        if (upgrade_state_parse(slice_of(texts[i]), &s) != -EPROTO)
            fail_msg("case %zu: %s", i, texts[i]);
        assert_int_equal(s.image, 99);
    }
}

// Bytes behind a NUL would be lost when it is passed on.
TEST(test_no_byte_is_lost)
{
    struct upgrade_state s;
    assert_int_equal(upgrade_state_parse(SLICE(HEAD "path /x\0y\nend\n"), &s), -EPROTO);
    assert_int_equal(upgrade_state_parse(SLICE(HEAD "path /x\nsocket 3 \0a\nend\n"), &s), -EPROTO);
}

// Programs before this one passed a socket's empty name on.
TEST(test_socket_without_a_name)
{
    struct upgrade_state s;
    assert_int_equal(
        upgrade_state_parse(SLICE(HEAD "path /x\nsocket 3 \nsocket 4 http\nend\n"), &s), 0);
    assert_int_equal(s.socket_count, 2);
    assert_int_equal(s.sockets[0].fd, 3);
    assert_string_equal(s.sockets[0].name, "unknown");
    assert_string_equal(s.sockets[1].name, "http");
    upgrade_state_cleanup(&s);
}

static int seen[32];
static size_t seen_count;

static void see(int fd)
{
    seen[seen_count++] = fd;
}

TEST(test_every_descriptor)
{
    static const int want[] = {5, 6, 30, 9, 10, 11, 12, 11, 20, 21, 24, 31, 22, 23, 25, 26};
    struct upgrade_state s;
    assert_int_equal(upgrade_state_parse(SLICE(full), &s), 0);
    upgrade_state_each_fd(&s, see);
    assert_int_equal(seen_count, ARRAY_SIZE(want));
    assert_memory_equal(seen, want, sizeof(want));
    upgrade_state_cleanup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_keys_of_a_worker),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_other_counters),
        cmocka_unit_test(test_counters_by_position),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_byte_is_lost),
        cmocka_unit_test(test_socket_without_a_name),
        cmocka_unit_test(test_every_descriptor),
    };
    return cmocka_run_group_tests_name("upgrade_state", tests, NULL, NULL);
}
