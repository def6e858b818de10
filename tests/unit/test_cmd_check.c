#include "support/process.h"

#include "cli/args.h"
#include "cli/cmd_check.h"

static struct tempdir dir;

// Runs the command; `out` gets what it writes to stdout.
static int check(const char *file, const char *option, const char *value, char *out, size_t size)
{
    struct conf_override overrides[] = {{"user", "root", "-o"}, {option, value, "-o"}};
    const struct args args = {.command = COMMAND_CHECK,
                              .file = file,
                              .override_count = option ? 2 : 1,
                              .overrides = overrides};
    FILE *output = tmpfile();
    assert_non_null(output);
    fflush(stdout);
    int saved_out = dup(STDOUT_FILENO), saved_err = redirect_stderr(&dir);
    dup2(fileno(output), STDOUT_FILENO);
    int status = cmd_check(&args);
    fflush(stdout);
    dup2(saved_out, STDOUT_FILENO);
    close(saved_out);
    restore_stderr(saved_err);
    rewind(output);
    out[fread(out, 1, size - 1, output)] = '\0';
    fclose(output);
    return status;
}

static const struct {
    const char *option, *value;
    int status;
    const char *says; // on stderr
} cases[] = {
    {NULL, NULL, 0, NULL},
    {"listen", "127.0.0.1:1", 0, NULL}, // nothing is bound
    {"listen", "nonsense", 78, "-o: \"listen.address\" cannot be \"nonsense\": "},
    {"workers", "many", 78, "-o: \"workers\" must be a whole number"},
    {"sites", "/nonexistent/root", 78, "root \"/nonexistent/root\" cannot be opened: "},
    {"log.access", "/nonexistent/log", 78, "the access log \"/nonexistent/log\" cannot be opened"},
};

TEST(test_check)
{
    char path[PATH_MAX], out[PATH_MAX + 100], want[PATH_MAX + 100];
    tempdir_make(&dir);
    tempdir_puts(&dir, "tined.conf",
                 "sites = ( { root = \".\"; } ); sandbox = { landlock = \"off\"; };");
    tempdir_path(&dir, "tined.conf", path);
    size_t fds = count_fds();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int status = check(path, cases[i].option, cases[i].value, out, sizeof(out));
        assert_int_equal(status, cases[i].status);
        snprintf(want, sizeof(want), "%s can be used\nLandlock is off: sandbox.landlock\nseccomp ",
                 path);
        if (status == 0)
            assert_memory_equal(out, want, strlen(want));
        else
            assert_string_equal(out, "");
        if (cases[i].says && !log_has(&dir, cases[i].says))
            fail_msg("no \"%s\"", cases[i].says);
        assert_int_equal(count_fds(), fds);
    }
    assert_int_equal(check("/nonexistent/tined.conf", NULL, NULL, out, sizeof(out)), 78);
    assert_true(log_has(&dir, "/nonexistent/tined.conf"));
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check)};
    return cmocka_run_group_tests_name("cmd_check", tests, NULL, NULL);
}
