#include "support/unit.h"

#include "cli/args.h"
#include "cli/load_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// The text that load_config() writes to stderr for one value of -o.
static const char *load_with(const char *option, const char *value, char *text, size_t size)
{
    struct conf_override override = {option, value, "-o"};
    const struct args args = {.override_count = 1, .overrides = &override};
    int pipefd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipefd), 0);
    dup2(pipefd[1], STDERR_FILENO);
    struct conf *c = load_config(&args);
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

TEST(test_errors_are_logged)
{
    char text[1024];
    assert_string_equal(load_with("listen", "[::1]:8080", text, sizeof(text)), "");
    assert_non_null(strstr(load_with("listen", "nowhere", text, sizeof(text)),
                           "error: -o: \"listen.address\" cannot be \"nowhere\": "));
    assert_string_equal(load_with("log.level", "debug", text, sizeof(text)), "");
    assert_string_equal(load_with("log.level", "loud", text, sizeof(text)),
                        "error: -o: \"log.level\" cannot be \"loud\": the levels are \"error\", "
                        "\"warning\", \"notice\", \"info\" and \"debug\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_logged),
    };
    return cmocka_run_group_tests_name("load_config", tests, NULL, NULL);
}
