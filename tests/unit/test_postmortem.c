#include "unit.h"

#include "daemon/postmortem.h"

#include <signal.h>

static struct scoreboard_slot slots[2];
static const struct sockaddr_in6 nobody = {.sin6_family = AF_UNIX};

static int setup(void **state)
{
    (void)state;
    scoreboard_clear(&slots[0]);
    scoreboard_clear(&slots[1]);
    return 0;
}

static const char *describe(uint32_t count)
{
    static char text[POSTMORTEM_MAX + 1];
    struct buf b = buf_make(text, POSTMORTEM_MAX);
    postmortem_describe(&b, slots, count, 100);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

static void test_end(void **state)
{
    static const struct {
        uint64_t refused;
        int status;
        const char *says;
    } cases[] = {
        {0, 9, "was killed by signal 9 (Killed)"},
        {0, SIGSYS, "was killed by signal 31 (Bad system call)"},
        {1, 9, "was killed by signal 9 (Killed)"}, // whatever it has written there
        {1, 3 << 8, "ended with status 3"},
        {UINT64_C(0xffffffff00000001), SIGSYS,
         "was ended by the sandbox: system call number 1"}, // of no machine
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[256] = "";
        struct buf b = buf_make(text, sizeof(text) - 1);
        slots[0].refused = cases[i].refused;
        postmortem_describe_end(&b, slots, cases[i].status);
        assert_string_equal(text, cases[i].says);
    }
    char text[256] = "";
    struct buf b = buf_make(text, sizeof(text) - 1);
    postmortem_describe_end(&b, NULL, SIGSYS);
    assert_string_equal(text, cases[1].says);
}

static void test_nothing_in_flight(void **state)
{
    (void)state;
    assert_string_equal(describe(2), "");
    slots[0].connections = 1;
    assert_string_equal(describe(2), ", with 1 connection");
    slots[1].connections = 4;
    assert_string_equal(describe(1), ", with 1 connection");
    assert_string_equal(describe(2), ", with 5 connections");
}

static void send_one(struct scoreboard_slot *slot, const char *line)
{
    flight_begin(&slot->flights, &nobody, slice_of(line), 40);
    flight_keep(&slot->flights, 50);
    flight_end(&slot->flights);
    slot->waiting[DEADLINE_SEND]++;
}

static void test_in_flight(void **state)
{
    (void)state;
    slots[0].connections = 3;
    send_one(&slots[0], "GET /1");
    send_one(&slots[1], "GET /2");
    flight_begin(&slots[1].flights, &nobody, SLICE("GET /bad"), 99);
    assert_string_equal(describe(2),
                        ", with 3 connections; answering \"GET /bad\" of unix for 1 ms; "
                        "sending \"GET /1\" of unix for 50 ms; "
                        "sending \"GET /2\" of unix for 50 ms");
}

static void test_many(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++)
        send_one(&slots[i % 2], "GET /");
    const char *text = describe(2);
    size_t shown = 0;
    for (const char *at = text; (at = strstr(at, "sending")); at++)
        shown++;
    assert_int_equal(shown, 8);
    assert_non_null(strstr(text, " ms; 32 more"));
}

// It stays within its room, and says how much it has left out.
static void test_nonsense(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        memset(slots, byte, sizeof(slots));
        describe(2);
        for (size_t i = 0; i < FLIGHTS_MAX; i++) {
            slots[0].flights.entries[i].is_used = true;
            slots[0].flights.entries[i].len = FLIGHT_LINE;
        }
        assert_non_null(strstr(describe(2), " more"));
    }
    setup(NULL);
    slots[0].waiting[DEADLINE_SEND] = UINT32_MAX;
    assert_string_equal(describe(2), "; 4294967295 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_end, setup),
        cmocka_unit_test_setup(test_nothing_in_flight, setup),
        cmocka_unit_test_setup(test_in_flight, setup),
        cmocka_unit_test_setup(test_many, setup),
        cmocka_unit_test_setup(test_nonsense, setup),
    };
    return cmocka_run_group_tests_name("postmortem", tests, NULL, NULL);
}
