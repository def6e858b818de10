#include "support/unit.h"

#include "cli/args.h"
#include "cli/cmd_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Runs the command with one -o; `out` gets what it writes to stdout.
static int run(const char *option, const char *value, char *out, size_t size)
{
    struct conf_override override = {option, value, "-o"};
    const struct args args = {.override_count = 1, .overrides = &override};
    FILE *file = tmpfile();
    int saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    assert_non_null(freopen("/dev/null", "w", stderr));
    int status = cmd_config(&args);
    fflush(stdout);
    fflush(stderr);
    dup2(saved_out, STDOUT_FILENO);
    dup2(saved_err, STDERR_FILENO);
    close(saved_out);
    close(saved_err);
    rewind(file);
    out[fread(out, 1, size - 1, file)] = '\0';
    fclose(file);
    return status;
}

TEST(test_status_and_output)
{
    char out[8192];
    assert_int_equal(run("threads", "7", out, sizeof(out)), 0);
    assert_non_null(strstr(out, "threads = 7;"));
    assert_non_null(strstr(out, "# -o\n"));
    assert_int_equal(run("threads", "0", out, sizeof(out)), 78);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_status_and_output)};
    return cmocka_run_group_tests_name("cmd_config", tests, NULL, NULL);
}
