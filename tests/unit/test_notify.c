#include "unit.h"

#include "daemon/notify.h"

#include <limits.h>

#define START 1000000

static char text[NOTIFY_MAX];
static struct notify_facts facts;

static struct notify begin(enum notify_phase phase, int64_t watchdog)
{
    struct notify n;
    facts = (struct notify_facts){.state = "serving",
                                  .outcome = "",
                                  .generation = 1,
                                  .workers = 2,
                                  .alive = 2,
                                  .healthy = true};
    notify_init(&n, phase, START + 30000, watchdog);
    return n;
}

static const char *due(struct notify *n, int64_t now)
{
    struct buf b = buf_make(text, sizeof(text) - 1);
    notify_do_due(n, &facts, now, &b);
    text[b.len] = '\0';
    return text;
}

static const char *enter(struct notify *n, enum notify_phase phase, int64_t until)
{
    struct buf b = buf_make(text, sizeof(text) - 1);
    notify_enter(n, phase, until, 1234567, &b);
    text[b.len] = '\0';
    return text;
}

static void test_phases(void **state)
{
    (void)state;
    struct notify n = begin(NOTIFY_STARTING, 0);
    assert_string_equal(enter(&n, NOTIFY_STARTING, START), "");
    assert_string_equal(enter(&n, NOTIFY_READY, START), "READY=1\n");
    assert_string_equal(enter(&n, NOTIFY_READY, START), "");
    assert_string_equal(enter(&n, NOTIFY_RELOADING, START),
                        "RELOADING=1\nMONOTONIC_USEC=1234567\n");
    assert_string_equal(enter(&n, NOTIFY_RELOADING, START),
                        "RELOADING=1\nMONOTONIC_USEC=1234567\n");
    assert_string_equal(enter(&n, NOTIFY_READY, START), "READY=1\n");
    assert_string_equal(enter(&n, NOTIFY_STOPPING, START), "STOPPING=1\n");
    assert_string_equal(enter(&n, NOTIFY_STOPPING, START), "");
    // A generation that was starting may become ready while the server stops.
    assert_string_equal(enter(&n, NOTIFY_READY, START), "");
    assert_string_equal(enter(&n, NOTIFY_RELOADING, START), "");
}

static void test_status(void **state)
{
    (void)state;
    struct notify n = begin(NOTIFY_READY, 0);
    assert_string_equal(due(&n, START), "STATUS=serving: generation 1, 2 of 2 workers, "
                                        "0 connections, 0 requests/s\n");
    assert_int_equal(notify_next(&n), START + NOTIFY_STATUS_PERIOD);
    facts.connections = 7;
    facts.requests = 50;
    assert_string_equal(due(&n, START + 9999), "");
    assert_string_equal(due(&n, START + 10000), "STATUS=serving: generation 1, 2 of 2 workers, "
                                                "7 connections, 5 requests/s\n");
    // What has not changed is not told again; the rate is that of the last period.
    facts.requests = 100;
    assert_string_equal(due(&n, START + 20000), "");
    facts.outcome = "failed, generation 1 goes on";
    assert_string_equal(due(&n, START + 20001), "");
    notify_change(&n);
    assert_string_equal(due(&n, START + 20002),
                        "STATUS=serving: generation 1, 2 of 2 workers, 7 connections, "
                        "5 requests/s; last reload: failed, generation 1 goes on\n");
}

static void test_status_before_the_first_generation(void **state)
{
    (void)state;
    struct notify n = begin(NOTIFY_READY, 0);
    facts = (struct notify_facts){.state = "starting", .outcome = ""};
    assert_string_equal(due(&n, START), "STATUS=starting\n");
}

static void test_signs_of_life(void **state)
{
    (void)state;
    struct notify n = begin(NOTIFY_READY, 500);
    assert_non_null(strstr(due(&n, START), "WATCHDOG=1\n"));
    assert_int_equal(notify_next(&n), START + 500);
    assert_string_equal(due(&n, START + 499), "");
    assert_string_equal(due(&n, START + 500), "WATCHDOG=1\n");
    facts.healthy = false;
    assert_string_equal(due(&n, START + 1000), "");
    int64_t next = notify_next(&n);
    assert_in_range(next, START + 1001, START + 1499);
    facts.healthy = true;
    assert_string_equal(due(&n, next), "WATCHDOG=1\n");
    // Also while it reloads and stops.
    facts.state = "stopping";
    enter(&n, NOTIFY_STOPPING, START + 60000);
    assert_non_null(strstr(due(&n, START + 9000), "WATCHDOG=1\n"));
}

static void test_more_time(void **state)
{
    static const enum notify_phase phases[] = {NOTIFY_STARTING, NOTIFY_RELOADING, NOTIFY_STOPPING};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
        struct notify n = begin(NOTIFY_STARTING, 0);
        enter(&n, phases[i], START + 12000);
        n.until = START + 12000;
        assert_non_null(strstr(due(&n, START), "EXTEND_TIMEOUT_USEC=10000000\n"));
        assert_string_equal(due(&n, START + 4999), "");
        assert_int_equal(notify_next(&n), START + 5000);
        assert_non_null(strstr(due(&n, START + 5000), "EXTEND_TIMEOUT_USEC=10000000\n"));
        assert_non_null(strstr(due(&n, START + 10000), "EXTEND_TIMEOUT_USEC=10000000\n"));
        // Later than the server itself allows it is for the manager to end it.
        assert_null(strstr(due(&n, START + 15000), "EXTEND"));
    }
    struct notify n = begin(NOTIFY_READY, 0);
    assert_null(strstr(due(&n, START), "EXTEND"));
}

static void test_all_fits(void **state)
{
    (void)state;
    char outcome[256];
    memset(outcome, 'x', sizeof(outcome) - 1);
    outcome[sizeof(outcome) - 1] = '\0';
    struct notify n = begin(NOTIFY_STARTING, 500);
    facts = (struct notify_facts){"starting a generation",
                                  outcome,
                                  UINT_MAX,
                                  UINT_MAX,
                                  UINT_MAX,
                                  UINT64_MAX,
                                  UINT64_MAX,
                                  true};
    assert_non_null(strstr(due(&n, START), outcome));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_status_before_the_first_generation),
        cmocka_unit_test(test_signs_of_life),
        cmocka_unit_test(test_more_time),
        cmocka_unit_test(test_all_fits),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
