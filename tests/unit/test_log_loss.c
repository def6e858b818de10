#include "support/process.h"

#include "daemon/log_loss.h"

#include <errno.h>

#define LOSES "warning: the access log loses lines: "
#define WORKS "warning: the access log is written again: "

TEST(test_what_is_said)
{
    static const struct {
        int64_t now;
        uint64_t lost;
        int error;
        bool is_losing;
        const char *says;
    } looks[] = {
        {1000, 7, 0, false, ""}, // a predecessor's
        {2000, 17, ENOSPC, true, LOSES "No space left on device\n"},
        {3000, 30, ENOSPC, true, ""},
        {4000, 30, ENOSPC, true, ""}, // nobody has asked
        {5000, 31, ENOSPC, false, ""},
        {6000, 31, ENOSPC, false, WORKS "24 lines were lost\n"},
        {7000, 31, ENOSPC, false, ""},
        // Again, and soon: it is told of later.
        {8000, 32, EAGAIN, false, ""},
        {61999, 33, EAGAIN, false, ""},
        {62000, 33, EAGAIN, false,
         LOSES "nobody reads them fast enough\n" WORKS "2 lines were lost\n"},
        // By a worker that has ended since.
        {122000, 40, 0, false, LOSES "the reason is not known\n"},
        {123000, 40, 0, false, WORKS "7 lines were lost\n"},
    };
    struct log_loss l;
    log_loss_begin(&l, 7);
    for (size_t i = 0; i < ARRAY_SIZE(looks); i++) {
        struct tempdir dir;
        char got[1000];
        const struct totals_report totals = {.counts.log_dropped = looks[i].lost,
                                             .log_error = looks[i].error,
                                             .is_log_losing = looks[i].is_losing};
        tempdir_make(&dir);
        int saved = redirect_stderr(&dir);
        log_loss_look(&l, &totals, looks[i].now);
        restore_stderr(saved);
        tempdir_read(&dir, "log", got, sizeof(got));
        assert_string_equal(got, looks[i].says);
        tempdir_remove(&dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said),
    };
    return cmocka_run_group_tests_name("log_loss", tests, NULL, NULL);
}
