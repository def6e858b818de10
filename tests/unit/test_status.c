#include "support/masterparts.h"

#include "daemon/status.h"

static struct status status = {&parts.generations, &parts.outcome, &parts.stop, &parts.reload};
static char text[32 << 10];

static const char *put(void (*f)(const struct status *s, struct buf *b))
{
    struct buf b = buf_make(text, sizeof(text) - 1);
    f(&status, &b);
    text[b.len] = '\0';
    return text;
}

static struct sd_lines_facts facts(void)
{
    struct sd_lines_facts f;
    status_fill_facts(&status, &f);
    return f;
}

TEST(test_before_anything_serves)
{
    parts.generations.started_s = clock_wall_s();
    assert_starts(put(status_put_text), "tined starting a generation, pid ");
    assert_contains(text, "\ngeneration 0: 0 of 0 workers\n");
    assert_string_equal(facts().state, "starting a generation");
    assert_int_equal(facts().generation, 0);
    assert_true(facts().healthy); // nothing has to move yet
}

TEST(test_what_serves)
{
    parts.generations.started_s = clock_wall_s() - 61;
    start_first();
    assert_fetched(&parts.dir, "/hello", "one");
    outcome_set(&parts.outcome, "generation 1 is the one");
    assert_starts(put(status_put_text), "tined serving, pid ");
    assert_contains(text, ", up 00:01:0");
    assert_contains(text, "\ngeneration 1: 1 of 1 workers\n");
    assert_contains(text, ": generation 1 is the one\n");
    assert_contains(text, "\nlisteners\n  unix:");
    put(status_put_json);
    assert_contains(text, "\"state\":\"serving\"");
    assert_contains(text,
                    "\"generation\":1,\"workers\":1,\"workers_alive\":1,\"workers_ending\":0,");
    assert_contains(text, "\"last_reload\":\"generation 1 is the one\"");
    const struct sd_lines_facts f = facts();
    assert_int_equal(f.generation, 1);
    assert_int_equal(f.workers, 1);
    assert_int_equal(f.alive, 1);
    assert_int_equal(f.requests, 1);
    assert_true(f.healthy);
    assert_string_equal(f.outcome, "generation 1 is the one");
}

TEST(test_its_states)
{
    start_first();
    assert_string_equal(facts().state, "serving");
    generations_make_unready(&parts.generations);
    assert_string_equal(facts().state, "draining");
    reload_start(&parts.reload);
    assert_string_equal(facts().state, "starting a generation");
    run_until(is_settled);
    assert_string_equal(facts().state, "serving");
    stop_request(&parts.stop);
    assert_string_equal(facts().state, "stopping");
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_parts, teardown_parts)
        CASE(test_before_anything_serves),
        CASE(test_what_serves),
        CASE(test_its_states),
#undef CASE
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
