#include "support/process.h"
#include "support/tempdir.h"
#include "support/unit.h"

#include "precompress/progress.h"

TEST(test_format)
{
    static const struct {
        uint64_t done, total;
        size_t finished, jobs;
        const char *want;
    } cases[] = {
        {0, 1000, 0, 7, "compressing: 0 of 7, 0 %"},
        {499, 1000, 3, 7, "compressing: 3 of 7, 49 %"},
        {1000, 1000, 6, 7, "compressing: 6 of 7, 99 %"},
        {5000, 1000, 6, 7, "compressing: 6 of 7, 99 %"},
        {1000, 1000, 7, 7, "compressing: 7 of 7, 100 %"},
        {0, 0, 0, 0, "compressing: 0 of 0, 100 %"},
        {UINT64_MAX / 100, UINT64_MAX / 100, SIZE_MAX, SIZE_MAX,
         "compressing: 18446744073709551615 of 18446744073709551615, 100 %"},
    };
    char line[PROGRESS_LINE_MAX];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct progress p = {.done = cases[i].done,
                             .total = cases[i].total,
                             .finished = cases[i].finished,
                             .jobs = cases[i].jobs};
        assert_string_equal(progress_format(&p, line), cases[i].want);
    }
}

// Only the messages are left on the terminal.
TEST(test_lines)
{
    static const struct {
        bool enabled;
        const char *want;
    } cases[] = {
        {false, "message\n"},
        {true, "\r\033[Kcompressing: 0 of 2, 50 %\r\033[Kmessage\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct progress p;
        struct tempdir d;
        char got[256];
        tempdir_make(&d);
        int saved = redirect_stderr(&d);
        progress_init(&p, cases[i].enabled, 10, 2);
        progress_add(&p, 5);
        progress_add(&p, 1); // too early to draw again
        progress_hide(&p);
        dprintf(STDERR_FILENO, "message\n");
        progress_show(&p);
        progress_finish_job(&p);
        progress_cleanup(&p);
        restore_stderr(saved);
        tempdir_read(&d, "log", got, sizeof(got));
        assert_string_equal(got, cases[i].want);
        tempdir_remove(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_lines),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
