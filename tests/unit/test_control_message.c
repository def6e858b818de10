#include "support/unit.h"

#include "daemon/control_message.h"

TEST(test_requests)
{
    static const struct {
        const char *message;
        bool good;
        const char *command, *arguments, *text;
    } cases[] = {
        {"status 2 json\n", true, "status", "json", ""},
        {"status 2 \n", true, "status", "", ""},
        {"status 2", true, "status", "", ""},
        {"explain 2 ::1 80\nGET /\n\n", true, "explain", "::1 80", "GET /\n\n"},
        {"", false, NULL, NULL, NULL},
        {"status\n", false, NULL, NULL, NULL}, // before there were versions
        {"status json\n", false, NULL, NULL, NULL},
        {"explain ::1 80\n2 ", false, NULL, NULL, NULL},
        {"status 3 json\n", false, NULL, NULL, NULL},
        {"status 22\n", false, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct control_message_request r;
        if (control_message_parse_request(slice_of(cases[i].message), &r) != cases[i].good)
            fail_msg("case %zu: %s", i, cases[i].message);
        if (!cases[i].good)
            continue;
        assert_slice(r.command, cases[i].command);
        assert_slice(r.arguments, cases[i].arguments);
        assert_slice(r.text, cases[i].text);
    }
}

TEST(test_answers)
{
    static const struct {
        const char *message;
        enum control_message_answer want;
        const char *text;
    } cases[] = {
        {"result 4\nall\n", CONTROL_MESSAGE_RESULT, "all\n"},
        {"result 0\n", CONTROL_MESSAGE_RESULT, ""},
        {"error 8\none\ntwo\n", CONTROL_MESSAGE_ERROR, "one\ntwo\n"},
        {"logged 3\nwhy", CONTROL_MESSAGE_LOGGED_ERROR, "why"},
        {"logge 3\nwhy", CONTROL_MESSAGE_NONE, NULL},
        {"", CONTROL_MESSAGE_NONE, NULL},
        {"result", CONTROL_MESSAGE_NONE, NULL},
        {"result 4", CONTROL_MESSAGE_NONE, NULL},
        {"result 4\nall", CONTROL_MESSAGE_NONE, NULL},
        {"result 4\nall\n.", CONTROL_MESSAGE_NONE, NULL},
        {"result\nall\n", CONTROL_MESSAGE_NONE, NULL},
        {"result x\nall\n", CONTROL_MESSAGE_NONE, NULL},
        {"results 4\nall\n", CONTROL_MESSAGE_NONE, NULL},
        {"{\"result\": \"x\"}\n", CONTROL_MESSAGE_OLD_RESULT, "{\"result\": \"x\"}"},
        {"{\"version\":\"0\"}\n", CONTROL_MESSAGE_OLD_RESULT, "{\"version\":\"0\"}"},
        {"{\"error\": \"x\"}\n", CONTROL_MESSAGE_OLD_ERROR, "{\"error\": \"x\"}"},
        {"{\"error\": \"x", CONTROL_MESSAGE_NONE, NULL},
        {"{", CONTROL_MESSAGE_NONE, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice text;
        if (control_message_parse_answer(slice_of(cases[i].message), &text) != cases[i].want)
            fail_msg("case %zu: %s", i, cases[i].message);
        if (cases[i].want != CONTROL_MESSAGE_NONE)
            assert_slice(text, cases[i].text);
    }
}

TEST(test_there_and_back)
{
    char text[64];
    struct buf b = buf_make(text, sizeof(text));
    struct control_message_request r;
    struct slice got;
    control_message_begin_request(&b, "status");
    buf_puts(&b, "json\n");
    assert_true(control_message_parse_request(buf_slice(&b), &r));
    assert_slice(r.command, "status");
    assert_slice(r.arguments, "json");
    b.len = 0;
    control_message_put_answer(&b, "error", SLICE("why\nnot"));
    assert_slice(buf_slice(&b), "error 7\nwhy\nnot");
    assert_int_equal(control_message_parse_answer(buf_slice(&b), &got), CONTROL_MESSAGE_ERROR);
    assert_slice(got, "why\nnot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests_name("control_message", tests, NULL, NULL);
}
