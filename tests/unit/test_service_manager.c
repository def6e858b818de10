#include "support/process.h"

#include "daemon/service_manager.h"
#include "sys/clock.h"

static struct tempdir dir;
static struct watches watches;
static struct generations generations;
static struct service_manager sm;
static const char *state_word;
static int manager; // the socket that it listens on

static void fill_facts(void *context, struct sd_lines_facts *ret)
{
    assert_ptr_equal(context, &dir);
    *ret = (struct sd_lines_facts){.state = state_word, .outcome = "", .healthy = true};
}

static int setup(void **state)
{
    char path[PATH_MAX];
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)state;
    tempdir_make(&dir);
    assert_true(strlen(tempdir_path(&dir, "notify", path)) < sizeof(un.sun_path));
    strcpy(un.sun_path, path);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&un, sizeof(un)), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    generations_init(&generations);
    generations.maker.watches = &watches;
    sm = (struct service_manager){
        .generations = &generations, .facts = fill_facts, .context = &dir};
    state_word = "starting";
    return watch_init(&watches);
}

static int teardown(void **state)
{
    (void)state;
    service_manager_end(&sm);
    unsetenv("NOTIFY_SOCKET");
    close(manager);
    watch_cleanup(&watches);
    tempdir_remove(&dir);
    return 0;
}

// All that the manager was told since; "" when it was nothing.
static const char *told(void)
{
    static char text[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = recv(manager, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    return text;
}

#ifdef HAVE_LIBSYSTEMD

TEST(test_phases)
{
    service_manager_begin(&sm, false);
    const char *text = told();
    assert_contains(text, "EXTEND_TIMEOUT_USEC=10000000\n");
    assert_contains(text, "STATUS=starting\n");
    assert_null(strstr(text, "READY=1"));
    state_word = "serving";
    service_manager_enter(&sm, SD_LINES_READY);
    text = told();
    assert_contains(text, "FDNAME=tined-totals"); // what a predecessor has stored counts until here
    assert_contains(text, "READY=1\n");
    assert_contains(text, "STATUS=serving\n");
    service_manager_enter(&sm, SD_LINES_READY);
    assert_string_equal(told(), "");
    service_manager_enter(&sm, SD_LINES_RELOADING);
    assert_starts(told(), "RELOADING=1\nMONOTONIC_USEC=");
    service_manager_enter(&sm, SD_LINES_READY);
    assert_starts(told(), "READY=1\n");
    service_manager_enter_stop(&sm, clock_now() + 60000);
    assert_starts(told(), "STOPPING=1\n");
    assert_true(sm.lines.until >= clock_now() + 60000 - 100 + GENERATION_KILL_DELAY);
}

// The predecessor has told that it is being upgraded.
TEST(test_an_upgrade_goes_on)
{
    service_manager_begin(&sm, true);
    assert_string_equal(told(), "");
    assert_int_equal(sm.lines.phase, SD_LINES_RELOADING);
    timers_run(&watches.timers, clock_now());
    assert_contains(told(), "EXTEND_TIMEOUT_USEC=");
}

TEST(test_changes_are_told_at_once)
{
    service_manager_begin(&sm, false);
    service_manager_enter(&sm, SD_LINES_READY);
    told();
    assert_true(timers_next(&watches.timers) > clock_now()); // the figures are looked at anew
    timers_run(&watches.timers, clock_now());
    assert_string_equal(told(), "");
    state_word = "draining";
    service_manager_change(&sm);
    timers_run(&watches.timers, clock_now());
    assert_string_equal(told(), "STATUS=draining\n");
}

#endif

TEST(test_nobody_listens)
{
    unsetenv("NOTIFY_SOCKET");
    service_manager_begin(&sm, false);
    service_manager_enter(&sm, SD_LINES_READY);
    service_manager_change(&sm);
    assert_int_equal(timers_next(&watches.timers), -1); // nothing is worked out
    assert_string_equal(told(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef HAVE_LIBSYSTEMD
        cmocka_unit_test_setup_teardown(test_phases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_upgrade_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes_are_told_at_once, setup, teardown),
#endif
        cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
    };
    return cmocka_run_group_tests_name("service_manager", tests, NULL, NULL);
}
