#include "support/unit.h"

#include "daemon/handover.h"
#include "daemon/upgrade_adopt.h"
#include "daemon/worker_process.h"
#include "sys/fdpass.h"

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct watches watches;
static struct generation_maker maker;

static int setup(void **state)
{
    (void)state;
    maker = (struct generation_maker){.watches = &watches};
    handovers_init(&maker.handovers);
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    watch_cleanup(&watches);
    return 0;
}

// A child that lives until it is killed, as a predecessor's worker.
static struct upgrade_state_worker worker_of(unsigned generation, bool ending)
{
    int pair[2];
    assert_int_equal(fdpass_pair(pair), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    close(pair[1]);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    return (struct upgrade_state_worker){
        .generation = generation, .ending = ending, .pid = pid, .channel = pair[0], .pidfd = pidfd};
}

static void end(struct generation *g)
{
    generation_kill(g);
    for (unsigned i = 0; i < g->worker_count; i++) {
        struct child *c = &g->workers[i].child;
        assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
        watch_remove(&watches, c->channel);
        child_stderr_finish(&g->workers[i].words);
        child_close(c);
    }
    generation_free(g, NULL);
}

TEST(test_take_over_and_pass_on)
{
    struct upgrade_state_worker workers[] = {worker_of(3, true), worker_of(4, false),
                                             worker_of(4, false)};
    int words[2];
    assert_int_equal(child_stderr_open(words), 0);
    workers[1].words = words[0];
    struct upgrade_state_listener listeners[] = {{.fd = dup(0), .inherited = true}};
    struct upgrade_state s = {.drain = 1234,
                              .workers = workers,
                              .worker_count = 3,
                              .listeners = listeners,
                              .listener_count = 1};
    struct upgrade_state again = {.image = -1};
    struct list generations;
    size_t at = 0;
    list_init(&generations);
    struct generation *old = upgrade_adopt_workers(&maker, &s, &at);
    assert_non_null(old);
    assert_int_equal(at, 1);
    struct generation *current = upgrade_adopt_workers(&maker, &s, &at);
    assert_non_null(current);
    assert_int_equal(at, 3);
    list_append(&generations, &old->link);
    list_append(&generations, &current->link);
    assert_int_equal(old->phase, GENERATION_ENDING);
    assert_int_equal(old->listeners.count, 0);
    assert_int_equal(current->phase, GENERATION_CURRENT);
    assert_int_equal(current->id, 4);
    assert_int_equal(current->alive, 2);
    assert_int_equal(current->listeners.count, 1);
    // Nobody here knows what its workers are made of.
    assert_false(supervise_is_due(&current->workers[0].policy, INT64_MAX));

    assert_int_equal(upgrade_adopt_describe(&generations, current, &again), 0);
    assert_int_equal(again.worker_count, 3);
    for (size_t i = 0; i < again.worker_count; i++) {
        assert_int_equal(again.workers[i].pid, workers[i].pid);
        assert_int_equal(again.workers[i].generation, workers[i].generation);
        assert_int_equal(again.workers[i].ending, workers[i].ending);
        assert_int_equal(again.workers[i].channel, workers[i].channel);
        assert_int_equal(again.workers[i].words, workers[i].words);
    }
    assert_int_equal(again.listener_count, 1);
    assert_true(again.listeners[0].inherited);
    assert_int_equal(again.drain, 1234);
    upgrade_state_cleanup(&again);
    end(old);
    end(current);
    close(words[1]);
}

// All workers have died on the way: the sockets are somebody's all the same.
TEST(test_listeners_without_workers)
{
    struct upgrade_state_listener listeners[] = {{.fd = dup(0)}, {.fd = dup(0)}};
    const struct upgrade_state s = {
        .last_id = 7, .drain = 1234, .listeners = listeners, .listener_count = 2};
    struct generation *g = upgrade_adopt_listeners(&maker, &s);
    assert_non_null(g);
    assert_int_equal(g->phase, GENERATION_CURRENT);
    assert_int_equal(g->id, 7);
    assert_int_equal(g->alive, 0);
    assert_int_equal(g->listeners.count, 2);
    end(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_take_over_and_pass_on),
                                       cmocka_unit_test(test_listeners_without_workers)};
    return cmocka_run_group_tests_name("upgrade_adopt", tests, setup, teardown);
}
