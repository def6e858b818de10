#include "support/masterparts.h"

static struct handover_loss *loss(void)
{
    return &parts.handover_loss;
}

static struct handovers *under_way(void)
{
    return &parts.generations.maker.handovers;
}

static int setup(void **state)
{
    setup_parts(state);
    start_first();
    handover_loss_begin(loss());
    return 0;
}

static bool says(const char *text)
{
    return log_has(&parts.dir, text);
}

TEST(test_nothing)
{
    uint64_t sent;
    assert_false(handover_loss_is_open(loss()));
    assert_int_equal(handover_loss_count(loss(), &sent), 0);
    assert_int_equal(sent, 0);
    handover_loss_look(loss());
    assert_false(says("lost"));
}

// A worker may have taken a connection and not yet counted it: it is looked at twice.
TEST(test_lost)
{
    uint64_t sent;
    struct scoreboard_slot *slot = parts.generations.current->served.scoreboard.places[0].slots;
    under_way()->sent = 5;
    scoreboard_add(&slot->taken, 3);
    assert_true(handover_loss_is_open(loss()));
    assert_int_equal(handover_loss_count(loss(), &sent), 2);
    assert_int_equal(sent, 5);
    handover_loss_look(loss());
    assert_false(says("lost"));
    handover_loss_look(loss());
    assert_true(says("warning: 2 of 5 connections were lost when workers handed them over"));
    assert_false(handover_loss_is_open(loss()));
    assert_int_equal(under_way()->sent, 0);
    under_way()->sent = 1; // of the next time
    scoreboard_add(&slot->taken, 1);
    assert_false(handover_loss_is_open(loss()));
}

TEST(test_late)
{
    struct scoreboard_slot *slot = parts.generations.current->served.scoreboard.places[0].slots;
    under_way()->sent = 1;
    handover_loss_look(loss());
    scoreboard_add(&slot->taken, 1);
    handover_loss_look(loss());
    assert_false(says("lost"));
    assert_int_equal(under_way()->sent, 0);
}

// Some of them are not known: nothing can be told.
TEST(test_blind)
{
    uint64_t sent;
    under_way()->sent = 5;
    under_way()->is_blind = true;
    assert_false(handover_loss_is_open(loss()));
    assert_int_equal(handover_loss_count(loss(), &sent), 0);
    handover_loss_look(loss());
    handover_loss_look(loss());
    assert_false(says("lost"));
    assert_false(under_way()->is_blind);
}

static int waiter;

static bool has_told(void)
{
    struct pollfd p = {.fd = waiter, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

TEST(test_a_reload_says_it)
{
    waiter = add_waiter();
    under_way()->sent = 7; // of which nobody has taken any
    reload_start(&parts.reload);
    run_until(has_told);
    assert_non_null(strstr(parts.outcome.text,
                           "generation 2 is ready, but 7 of 7 connections were lost on the way"));
    close(waiter);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown_parts)
        CASE(test_nothing),          CASE(test_lost), CASE(test_late), CASE(test_blind),
        CASE(test_a_reload_says_it),
#undef CASE
    };
    return cmocka_run_group_tests_name("handover_loss", tests, NULL, NULL);
}
