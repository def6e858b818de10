#include "support/confload.h"
#include "support/process.h"
#include "support/silence.h"

#include "conf/conf_load.h"
#include "daemon/fetch.h"
#include "daemon/generation_open.h"

static struct generation generation;

// Opens a generation of these sites and options; it is to be closed.
static int open_generation(const char *site, const char *option, const char *value,
                           enum fetched_log log)
{
    bool is_silent = strstr(site, SILENCE) || (value && strstr(value, SILENCE));
    const struct conf_override overrides[] = {{"sites", site, "-o"},
                                              {"timeouts.root", is_silent ? "300ms" : "1min", "-o"},
                                              {option, value, "-o"}};
    const struct conf_source source = {.overrides = overrides, .override_count = 2 + !!option};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    struct fetched f;
    assert_non_null(conf);
    generation = (struct generation){.served = served_make(conf)};
    assert_int_equal(fetched_init(&f, conf, true, log), 0);
    assert_int_equal(fetch_and_wait(&f, (int64_t)conf->timeouts.root), 0);
    int r = generation_open(&generation, &f);
    fetched_cleanup(&f);
    return r;
}

static void close_generation(void)
{
    served_cleanup(&generation.served);
}

TEST(test_all_is_there)
{
    char path[PATH_MAX];
    size_t fds = count_fds();
    tempdir_puts(&logged_dir, "file", "x");
    assert_int_equal(open_generation(logged_dir.path, "log.access",
                                     tempdir_path(&logged_dir, "access", path), FETCHED_LOG_OPEN),
                     0);
    assert_int_equal(write(generation.served.access_log, "x", 1), 1);
    int fd = rootfs_open(&generation.served.sites.items[0].trees[0].root, "file");
    assert_true(fd >= 0);
    close(fd);
    close_generation();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_generation(logged_dir.path, "log.access", path, FETCHED_LOG_CHECKED), 0);
    assert_int_equal(generation.served.access_log, -1);
    close_generation();
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(count_fds(), fds);
}

TEST(test_all_that_is_wrong_is_told)
{
    assert_int_equal(
        open_generation("/nonexistent/root", "log.access", "/nonexistent/log", FETCHED_LOG_OPEN),
        -ENOENT);
    close_generation();
    assert_true(
        log_has(&logged_dir,
                "-o: root \"/nonexistent/root\" cannot be opened: No such file or directory\n"));
    assert_true(
        log_has(&logged_dir, "-o: the access log \"/nonexistent/log\" cannot be opened: No such "));
    assert_int_equal(
        open_generation(logged_dir.path, "mime_types", "/nonexistent", FETCHED_LOG_LEFT), -ENOENT);
    close_generation();
    assert_true(
        log_has(&logged_dir, "the media types \"/nonexistent\" cannot be read: No such file"));
}

// A root that does not answer is no failure; anything else is.
TEST(test_what_does_not_answer)
{
    const struct tree *first;
    assert_int_equal(open_generation("/silent/root", NULL, NULL, FETCHED_LOG_OPEN), 0);
    assert_int_equal(sites_count_silent(&generation.served.sites, &first), 1);
    close_generation();
    assert_true(log_has(&logged_dir,
                        "\"/silent/root\" does not answer within timeouts.root: its site "
                        "answers 503 until it does\n"));
    assert_int_equal(
        open_generation(logged_dir.path, "log.access", "/silent/log", FETCHED_LOG_OPEN),
        -ETIMEDOUT);
    close_generation();
    assert_true(log_has(&logged_dir,
                        "the access log \"/silent/log\" cannot be opened: it does not answer "
                        "within timeouts.root\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, logged_dir_enter, logged_dir_leave)
        CASE(test_all_is_there),
        CASE(test_all_that_is_wrong_is_told),
        CASE(test_what_does_not_answer),
#undef CASE
    };
    return cmocka_run_group_tests_name("generation_open", tests, NULL, NULL);
}
