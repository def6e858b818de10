#include "unit.h"

#include "cli/args.h"
#include "cli/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// What config_load() writes to stderr for one value of -o.
static const char *load_with(const char *option, const char *value, char *text, size_t size)
{
    struct conf_override override = {option, value, "-o"};
    const struct args args = {.override_count = 1, .overrides = &override};
    int pipefd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipefd), 0);
    dup2(pipefd[1], STDERR_FILENO);
    struct conf *c = config_load(&args);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipefd[1]);
    ssize_t n = read(pipefd[0], text, size - 1);
    close(pipefd[0]);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(c == NULL, n > 0);
    conf_free(c);
    return text;
}

static void test_checkers_are_wired(void **state)
{
    char text[1024];
    (void)state;
    assert_string_equal(load_with("listen", "[::1]:8080", text, sizeof(text)), "");
    assert_non_null(strstr(load_with("listen", "nowhere", text, sizeof(text)),
                           "error: -o: \"listen.address\" cannot be \"nowhere\": "));
    assert_string_equal(load_with("log.level", "debug", text, sizeof(text)), "");
    assert_string_equal(load_with("log.level", "loud", text, sizeof(text)),
                        "error: -o: \"log.level\" cannot be \"loud\": the levels are \"error\", "
                        "\"warning\", \"notice\", \"info\" and \"debug\"\n");
}

// Each kind is judged by the layer that it belongs to, which shows in the reason.
static void test_each_kind_is_wired(void **state)
{
    static const struct {
        enum conf_check check;
        const char *good, *bad, *why;
    } kinds[] = {
        {CHECK_ADDRESS, "*:80", "80", "port"},
        {CHECK_SITE_NAME, "*.example.org", "a b", "letters"},
        {CHECK_LOG_LEVEL, "info", "loud", "levels"},
        {CHECK_GLOB, "/assets/**", "assets", "begin with '/'"},
        {CHECK_GLOB, "/{a,b}", "/{a", "}"},
        {CHECK_NETWORK, "192.0.2.0/24", "192.0.2.1/24", "prefix"},
        {CHECK_CODING, "br", "deflate", "codings"},
        {CHECK_HEADER_SET, "X-A: b", "Vary: b", "headers.add"},
        {CHECK_HEADER_ADD, "Vary: b", "X-A", "colon"},
        {CHECK_HEADER_UNSET, "X-A", "X-A: b", "name"},
        {CHECK_PRESET, "security", "x", "preset"},
        {CHECK_FIELD_VALUE, "no-cache", " x", "blank"},
        {CHECK_TOKEN, "utf-8", "a b", "word"},
        {CHECK_MEDIA_TYPE, "text/html", "html", "text/html"},
        {CHECK_TYPES_LINE, "a/b c", "a/b", "extensions"},
        {CHECK_ORIGIN, "https://a", "a", "origin"},
        {CHECK_REDIRECT, "/$1", "//a", "another host"},
        {CHECK_PATH, "$path.html", "a", "begin with '/'"},
        {CHECK_FILE, "/a", "/a/", "a file"},
        {CHECK_DIRECTORY, "/a/", "/a", "a directory"},
        {CHECK_ERROR_PAGE, "404 /a", "4 /a", "status"},
    };
    const struct conf_checkers *checkers = config_checkers();
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        conf_check_cb *check = checkers->check[kinds[i].check];
        assert_null(check(kinds[i].good));
        const char *why = check(kinds[i].bad);
        if (!why || !strstr(why, kinds[i].why))
            fail_msg("%s: %s", kinds[i].bad, why ? why : "good");
    }
    for (int i = CHECK_NONE + 1; i < CHECK_MODE; i++)
        assert_non_null(checkers->check[i]);
    assert_int_equal(checkers->captures("/*/{a,b}"), 2);
    assert_int_equal(checkers->last_capture("/$3/$2"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkers_are_wired),
        cmocka_unit_test(test_each_kind_is_wired),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
