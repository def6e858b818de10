#include "support/unit.h"

#include "http/statusline.h"

TEST(test_outcomes)
{
    static const struct {
        const char *received;
        enum statusline_outcome want;
        const char *line; // of what is found
        int status;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n", STATUSLINE_FOUND, "HTTP/1.1 200 OK", 200},
        {"HTTP/1.0 404 Not Found\r\nServer: x\r\n", STATUSLINE_FOUND, "HTTP/1.0 404 Not Found",
         404},
        {"HTTP/1.1 599 \r\n\r\n", STATUSLINE_FOUND, "HTTP/1.1 599 ", 599},
        {"HTTP/1.1 204\r\n", STATUSLINE_FOUND, "HTTP/1.1 204", 204},
        {"HTTP/1.1 301 Umgezogen nach \xc3\x96l\n", STATUSLINE_FOUND,
         "HTTP/1.1 301 Umgezogen nach \xc3\x96l", 301},
        // Interim answers, with fields and without.
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 No\r\n", STATUSLINE_FOUND,
         "HTTP/1.1 503 No", 503},
        {"HTTP/1.1 100\r\n\r\nHTTP/1.1 102 \n\nHTTP/1.1 200 OK\n", STATUSLINE_FOUND,
         "HTTP/1.1 200 OK", 200},
        {"HTTP/1.1 100 Continue\r\n", STATUSLINE_PARTIAL, NULL, 0},
        {"HTTP/1.1 100 Continue\r\nLink: x\r\n", STATUSLINE_PARTIAL, NULL, 0},
        {"HTTP/1.1 100 Continue\r\n\r\n", STATUSLINE_PARTIAL, NULL, 0},
        {"HTTP/1.1 100 Continue\r\n\r\nHTT", STATUSLINE_PARTIAL, NULL, 0},
        {"HTTP/1.1 100 Continue\r\n\r\n200 OK", STATUSLINE_MALFORMED, NULL, 0},
        // Known to be none as soon as it is.
        {"", STATUSLINE_PARTIAL, NULL, 0},
        {"H", STATUSLINE_PARTIAL, NULL, 0},
        {"HTTP/1.1 200 OK", STATUSLINE_PARTIAL, NULL, 0},
        {"SSH-2.0", STATUSLINE_MALFORMED, NULL, 0},
        {"\x15\x03\x01", STATUSLINE_MALFORMED, NULL, 0},
        {"\r\nHTTP/1.1 200 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"http/1.1 200 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/2.0", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.x 200 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1  200 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1\t200 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 20\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 2000 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 600 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 099 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 -20 OK\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 200 \x1b[2J\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 200 OK\r\r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.1 \r\n", STATUSLINE_MALFORMED, NULL, 0},
        {"HTTP/1.\n", STATUSLINE_MALFORMED, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct statusline got = {.status = -1};
        assert_int_equal(statusline_find(slice_of(cases[i].received), &got), cases[i].want);
        assert_int_equal(got.status, cases[i].line ? cases[i].status : -1);
        if (cases[i].line)
            assert_slice(got.line, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
    };
    return cmocka_run_group_tests_name("statusline", tests, NULL, NULL);
}
