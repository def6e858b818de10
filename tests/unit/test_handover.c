#include "support/masterparts.h"

#include "base/util.h"

static struct handovers *all(void)
{
    return &parts.generations.maker.handovers;
}

static struct generation *current(void)
{
    return parts.generations.current;
}

static int setup(void **state)
{
    setup_parts(state);
    start_first();
    return 0;
}

static void ask(int client)
{
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
    char got[4096];
    assert_int_equal(send(client, request, strlen(request), 0), strlen(request));
    assert_true(recv(client, got, sizeof(got), 0) > 0);
}

static int connect_and_ask(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char path[PATH_MAX];
    strcpy(to.sun_path, tempdir_path(&parts.dir, "socket", path));
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&to, sizeof(to)), 0);
    ask(client);
    return client;
}

static bool has_settled(void)
{
    uint64_t sent;
    return handovers_are_settled(all(), &sent);
}

static bool is_second(void)
{
    return current()->id == 2 && is_alone() && has_settled();
}

static bool has_ended(void)
{
    return current()->workers[0].child.pid == 0;
}

TEST(test_a_pair_for_each_that_ends)
{
    uint64_t sent;
    int client = connect_and_ask();
    assert_true(list_is_empty(&all()->list)); // as long as nobody ends
    size_t before = count_fds();
    reload_start(&parts.reload);
    run_until(is_second);
    handovers_sweep(all());
    assert_true(list_is_empty(&all()->list));
    assert_true(handovers_are_settled(all(), &sent));
    assert_int_equal(sent, 1);
    assert_false(all()->is_blind);
    assert_int_equal(count_fds(), before);
    ask(client);
    handovers_forget_counts(all());
    assert_true(handovers_are_settled(all(), &sent));
    assert_int_equal(sent, 0);
    close(client);
}

// The worker has handed over, and nobody takes: what is in the pair waits for the next generation.
TEST(test_waits_for_the_next)
{
    uint64_t sent;
    struct worker_process *worker = &current()->workers[0];
    int client = connect_and_ask();
    struct generation nobody = {.maker = &parts.generations.maker};
    supervise_retire(&worker->policy);
    handover_begin(worker, &nobody);
    assert_true(handover_of(worker) >= 0);
    assert_false(handovers_are_settled(all(), &sent)); // it has not said anything yet
    run_until(has_ended);
    assert_int_equal(handover_of(worker), -1);
    handovers_sweep(all());
    assert_false(list_is_empty(&all()->list));
    assert_false(handovers_are_settled(all(), &sent));
    assert_int_equal(sent, 1);
    worker_process_want(worker); // it joins
    run_until(has_settled);
    ask(client);
    handovers_sweep(all());
    assert_true(list_is_empty(&all()->list));
    close(client);
}

// How many it has sent nobody knows.
TEST(test_one_that_dies)
{
    struct worker_process *worker = &current()->workers[0];
    supervise_retire(&worker->policy);
    kill(worker->child.pid, SIGSTOP);
    handover_begin(worker, current());
    kill(worker->child.pid, SIGKILL);
    run_until(has_ended);
    assert_true(has_settled());
    assert_true(all()->is_blind);
    handovers_forget_counts(all());
    assert_false(all()->is_blind);
    handover_begin(worker, current()); // nobody is there
    assert_true(list_is_empty(&all()->list));
}

// A worker of a program that has one pair for all: it is told to retire without a descriptor.
TEST(test_by_the_pair_of_an_old_program)
{
    struct generation_maker *maker = &parts.generations.maker;
    size_t before = count_fds();
    int client = connect_and_ask();
    assert_int_equal(handovers_open_old(maker), 0);
    const int in = maker->handoff[0];
    assert_int_equal(handovers_open_old(maker), 0);
    assert_int_equal(maker->handoff[0], in);
    handover_prepare_for_old(current());
    current()->workers[0].knows_pairs = false;
    reload_start(&parts.reload);
    run_until(is_second);
    assert_true(list_is_empty(&all()->list));
    assert_true(all()->is_blind && all()->has_taken_from_old);
    ask(client);
    close(client);
    handovers_close_old(maker);
    assert_int_equal(maker->handoff[0], -1);
    assert_false(all()->has_taken_from_old);
    assert_int_equal(count_fds(), before);
}

// Its pair was passed on by another image.
TEST(test_adopted)
{
    int pair[2];
    size_t before = count_fds();
    assert_int_equal(fdpass_pair(pair), 0);
    handover_adopt(&current()->workers[0], pair[0]);
    assert_int_equal(handover_of(&current()->workers[0]), pair[0]);
    assert_true(all()->is_blind);
    close(pair[1]);
    handover_note_sent(&current()->workers[0], 3);
    assert_true(has_settled());
    handover_note_end(&current()->workers[0]);
    assert_int_equal(count_fds(), before);
    handover_note_sent(&current()->workers[0], 3); // it is not known any more
    handover_note_end(&current()->workers[0]);
    assert_int_equal(all()->sent, 3);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown_parts)
        CASE(test_a_pair_for_each_that_ends),
        CASE(test_waits_for_the_next),
        CASE(test_one_that_dies),
        CASE(test_by_the_pair_of_an_old_program),
        CASE(test_adopted),
#undef CASE
    };
    return cmocka_run_group_tests_name("handover", tests, NULL, NULL);
}
