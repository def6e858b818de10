#include "support/unit.h"

#include "daemon/sd_lines.h"

#include <limits.h>

#define START 1000000

static char text[SD_LINES_MAX];
static struct sd_lines_facts facts;

static struct sd_lines begin(enum sd_lines_phase phase, int64_t watchdog)
{
    struct sd_lines n;
    facts = (struct sd_lines_facts){.state = "serving",
                                    .outcome = "",
                                    .generation = 1,
                                    .workers = 2,
                                    .alive = 2,
                                    .healthy = true};
    sd_lines_init(&n, phase, START + 30000, watchdog);
    return n;
}

static const char *due(struct sd_lines *n, int64_t now)
{
    struct buf b = buf_make(text, sizeof(text) - 1);
    sd_lines_do_due(n, &facts, now, &b);
    text[b.len] = '\0';
    return text;
}

static const char *enter(struct sd_lines *n, enum sd_lines_phase phase, int64_t until)
{
    struct buf b = buf_make(text, sizeof(text) - 1);
    sd_lines_enter(n, phase, until, 1234567, &b);
    text[b.len] = '\0';
    return text;
}

TEST(test_phases)
{
    struct sd_lines n = begin(SD_LINES_STARTING, 0);
    assert_string_equal(enter(&n, SD_LINES_STARTING, START), "");
    assert_string_equal(enter(&n, SD_LINES_READY, START), "READY=1\n");
    assert_string_equal(enter(&n, SD_LINES_READY, START), "");
    assert_string_equal(enter(&n, SD_LINES_RELOADING, START),
                        "RELOADING=1\nMONOTONIC_USEC=1234567\n");
    assert_string_equal(enter(&n, SD_LINES_RELOADING, START),
                        "RELOADING=1\nMONOTONIC_USEC=1234567\n");
    assert_string_equal(enter(&n, SD_LINES_READY, START), "READY=1\n");
    assert_string_equal(enter(&n, SD_LINES_STOPPING, START), "STOPPING=1\n");
    assert_string_equal(enter(&n, SD_LINES_STOPPING, START), "");
    // A generation that was starting may become ready while the server stops.
    assert_string_equal(enter(&n, SD_LINES_READY, START), "");
    assert_string_equal(enter(&n, SD_LINES_RELOADING, START), "");
}

TEST(test_status)
{
    struct sd_lines n = begin(SD_LINES_READY, 0);
    assert_string_equal(due(&n, START), "STATUS=serving: generation 1, 2 of 2 workers, "
                                        "0 connections, 0 requests/s\n");
    assert_int_equal(sd_lines_next(&n), START + SD_LINES_STATUS_PERIOD);
    facts.connections = 7;
    facts.requests = 50;
    assert_string_equal(due(&n, START + 9999), "");
    assert_string_equal(due(&n, START + 10000), "STATUS=serving: generation 1, 2 of 2 workers, "
                                                "7 connections, 5 requests/s\n");
    // An unchanged status is not told again; the rate is that of the last period.
    facts.requests = 100;
    assert_string_equal(due(&n, START + 20000), "");
    facts.outcome = "failed, generation 1 goes on";
    assert_string_equal(due(&n, START + 20001), "");
    sd_lines_change(&n);
    assert_string_equal(due(&n, START + 20002),
                        "STATUS=serving: generation 1, 2 of 2 workers, 7 connections, "
                        "5 requests/s; last reload: failed, generation 1 goes on\n");
}

TEST(test_status_before_the_first_generation)
{
    struct sd_lines n = begin(SD_LINES_READY, 0);
    facts = (struct sd_lines_facts){.state = "starting", .outcome = ""};
    assert_string_equal(due(&n, START), "STATUS=starting\n");
}

TEST(test_signs_of_life)
{
    struct sd_lines n = begin(SD_LINES_READY, 500);
    assert_non_null(strstr(due(&n, START), "WATCHDOG=1\n"));
    assert_int_equal(sd_lines_next(&n), START + 500);
    assert_string_equal(due(&n, START + 499), "");
    assert_string_equal(due(&n, START + 500), "WATCHDOG=1\n");
    facts.healthy = false;
    assert_string_equal(due(&n, START + 1000), "");
    int64_t next = sd_lines_next(&n);
    assert_in_range(next, START + 1001, START + 1499);
    facts.healthy = true;
    assert_string_equal(due(&n, next), "WATCHDOG=1\n");
    // Also while it reloads and stops.
    facts.state = "stopping";
    enter(&n, SD_LINES_STOPPING, START + 60000);
    assert_non_null(strstr(due(&n, START + 9000), "WATCHDOG=1\n"));
}

TEST(test_more_time)
{
    static const enum sd_lines_phase phases[] = {SD_LINES_STARTING, SD_LINES_RELOADING,
                                                 SD_LINES_STOPPING};
    for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
        struct sd_lines n = begin(SD_LINES_STARTING, 0);
        enter(&n, phases[i], START + 12000);
        n.until = START + 12000;
        assert_non_null(strstr(due(&n, START), "EXTEND_TIMEOUT_USEC=10000000\n"));
        assert_string_equal(due(&n, START + 4999), "");
        assert_int_equal(sd_lines_next(&n), START + 5000);
        assert_non_null(strstr(due(&n, START + 5000), "EXTEND_TIMEOUT_USEC=10000000\n"));
        assert_non_null(strstr(due(&n, START + 10000), "EXTEND_TIMEOUT_USEC=10000000\n"));
        // Later than the server itself allows it is for the manager to end it.
        assert_null(strstr(due(&n, START + 15000), "EXTEND"));
    }
    struct sd_lines n = begin(SD_LINES_READY, 0);
    assert_null(strstr(due(&n, START), "EXTEND"));
}

TEST(test_all_fits)
{
    char outcome[256];
    memset(outcome, 'x', sizeof(outcome) - 1);
    outcome[sizeof(outcome) - 1] = '\0';
    struct sd_lines n = begin(SD_LINES_STARTING, 500);
    facts = (struct sd_lines_facts){"starting a generation",
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
    return cmocka_run_group_tests_name("sd_lines", tests, NULL, NULL);
}
