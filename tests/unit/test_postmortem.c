#include "support/unit.h"

#include "daemon/postmortem.h"

#include <signal.h>

static struct scoreboard_slot slots[2];
static struct scoreboard_notes notes[2];
static const struct scoreboard_place place = {.slots = slots, .notes = notes};
static const struct sockaddr_in6 nobody = {.sin6_family = AF_UNIX};

static int setup(void **state)
{
    (void)state;
    memset(slots, 0, sizeof(slots));
    memset(notes, 0, sizeof(notes));
    return 0;
}

static const char *describe(uint32_t count)
{
    static char text[POSTMORTEM_MAX + 1];
    struct buf b = buf_make(text, POSTMORTEM_MAX);
    postmortem_describe(&b, &place, count, 100);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

TEST(test_end)
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
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[256] = "";
        struct buf b = buf_make(text, sizeof(text) - 1);
        notes[0].refused = cases[i].refused;
        postmortem_describe_end(&b, &place, cases[i].status);
        assert_string_equal(text, cases[i].says);
    }
    char text[256] = "";
    struct buf b = buf_make(text, sizeof(text) - 1);
    postmortem_describe_end(&b, NULL, SIGSYS);
    assert_string_equal(text, cases[1].says);
}

TEST(test_nothing_in_flight)
{
    assert_string_equal(describe(2), "");
    slots[0].connections = 1;
    assert_string_equal(describe(2), ", with 1 connection");
    slots[1].connections = 4;
    assert_string_equal(describe(1), ", with 1 connection");
    assert_string_equal(describe(2), ", with 5 connections");
}

static void send_one(struct scoreboard_notes *of, const char *line)
{
    inflight_begin(&of->inflight, &nobody, slice_of(line), 40);
    inflight_keep(&of->inflight, 50);
    inflight_end(&of->inflight);
    of->waiting[DEADLINE_SEND]++;
}

TEST(test_in_flight)
{
    slots[0].connections = 3;
    send_one(&notes[0], "GET /1");
    send_one(&notes[1], "GET /2");
    inflight_begin(&notes[1].inflight, &nobody, SLICE("GET /bad"), 99);
    assert_string_equal(describe(2),
                        ", with 3 connections; answering \"GET /bad\" of unix for 1 ms; "
                        "sending \"GET /1\" of unix for 50 ms; "
                        "sending \"GET /2\" of unix for 50 ms");
}

TEST(test_many)
{
    for (int i = 0; i < 40; i++)
        send_one(&notes[i % 2], "GET /");
    const char *text = describe(2);
    size_t shown = 0;
    for (const char *at = text; (at = strstr(at, "sending")); at++)
        shown++;
    assert_int_equal(shown, 8);
    assert_non_null(strstr(text, " ms; 32 more"));
}

// It stays within its room, and says how much it has left out.
TEST(test_nonsense)
{
    for (int byte = 0; byte < 256; byte++) {
        memset(slots, byte, sizeof(slots));
        memset(notes, byte, sizeof(notes));
        describe(2);
        for (size_t i = 0; i < INFLIGHT_MAX; i++) {
            notes[0].inflight.entries[i].is_used = true;
            notes[0].inflight.entries[i].len = INFLIGHT_LINE;
        }
        assert_non_null(strstr(describe(2), " more"));
    }
    setup(NULL);
    notes[0].waiting[DEADLINE_SEND] = UINT32_MAX;
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
