#include "support/process.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "cli/args.h"
#include "cli/cmd_precompress.h"

#include <unistd.h>

// In a process of its own, for it is replaced; its exit status.
static int run(const struct args *args)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(cmd_precompress(args));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// A file beside this program, where the helper is looked for first.
static char *helper_path(char path[static PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 64);
    assert_true(len > 0);
    path[len] = '\0';
    strcpy(strrchr(path, '/') + 1, "tined-precompress");
    return path;
}

static void write_helper(const struct tempdir *d)
{
    char path[PATH_MAX];
    FILE *script = fopen(helper_path(path), "we");
    assert_non_null(script);
    fprintf(script, "#!/bin/sh\nprintf '%%s|' \"$@\" >%s/args\nexit 5\n", d->path);
    fclose(script);
    assert_int_equal(chmod(path, 0755), 0);
}

TEST(test_hands_over)
{
    static const struct {
        struct args args;
        const char *want;
    } cases[] = {
        {{.directory = "d"}, "--|d|"},
        {{.directory = "-d", .check = true}, "--check|--|-d|"},
        {{.directory = "d e", .quiet = true, .jobs = "x", .codings = "br,gzip", .check = true},
         "--check|--quiet|--jobs|x|--codings|br,gzip|--|d e|"},
    };
    struct tempdir d;
    char path[PATH_MAX], got[256];
    tempdir_make(&d);
    write_helper(&d);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(run(&cases[i].args), 5);
        tempdir_read(&d, "args", got, sizeof(got));
        assert_string_equal(got, cases[i].want);
    }
    unlink(helper_path(path));
    tempdir_remove(&d);
}

TEST(test_says_what_is_missing)
{
    const struct args args = {.directory = "d"};
    struct tempdir d;
    if (access(PKGLIBEXECDIR "/tined-precompress", F_OK) == 0)
        skip(); // it is installed here
    tempdir_make(&d);
    int saved = redirect_stderr(&d);
    int status = run(&args);
    restore_stderr(saved);
    assert_int_equal(status, 1);
    assert_true(log_has(&d, "not installed: there is no " PKGLIBEXECDIR "/tined-precompress"));
    tempdir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hands_over),
        cmocka_unit_test(test_says_what_is_missing),
    };
    return cmocka_run_group_tests_name("cmd_precompress", tests, NULL, NULL);
}
