#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/listeners_plan.h"
#include "sys/listener.h"

#include <arpa/inet.h>

static struct reports reports;

static const struct listeners_inherited nothing;

static void open_all(struct listeners *l, const struct conf *conf, const struct listeners *previous)
{
    assert_int_equal(listeners_plan(l, conf, &nothing, fail_on_report, NULL), 0);
    assert_int_equal(listeners_open(l, previous, fail_on_report, NULL), 0);
}

static ino_t inode_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

// An address that both want is one socket; the other goes with its owner.
TEST(test_reload_shares)
{
    struct listeners old, new;
    struct endpoint before, after;
    size_t fds = count_fds();
    struct conf *a = load_listening(TEXTS("127.0.0.1:0", "[::1]:0"));
    struct conf *b = load_listening(TEXTS("unix:@tined-test-listeners", "127.0.0.1:0"));
    open_all(&old, a, NULL);
    open_all(&new, b, &old);
    assert_int_equal(inode_of(new.items[1].fd), inode_of(old.items[0].fd));
    assert_int_not_equal(new.items[1].fd, old.items[0].fd);
    assert_int_equal(listener_address(old.items[0].fd, &before), 0);
    listeners_close(&old, &new);
    assert_int_equal(listener_address(new.items[1].fd, &after), 0);
    assert_true(endpoint_port(&after) != 0 && endpoint_equal(&before, &after));
    listeners_close(&new, NULL);
    conf_free(a);
    conf_free(b);
    assert_int_equal(count_fds(), fds);
}

// One that is spoilt is not shared: another is bound beside it.
TEST(test_reload_replaces_what_is_spoilt)
{
    char address[ENDPOINT_TEXT_MAX];
    struct listeners first, old, new;
    struct endpoint before, after;
    struct conf *a = load_listening(TEXTS("127.0.0.1:0"));
    open_all(&first, a, NULL);
    assert_int_equal(listener_address(first.items[0].fd, &before), 0);
    endpoint_format(&before, address);
    struct conf *b = load_listening(TEXTS(address));
    listeners_close(&first, NULL);
    open_all(&old, b, NULL);
    old.items[0].is_spoilt = true;
    open_all(&new, b, &old);
    assert_int_not_equal(inode_of(new.items[0].fd), inode_of(old.items[0].fd));
    assert_int_equal(listener_address(new.items[0].fd, &after), 0);
    assert_true(endpoint_equal(&before, &after));
    assert_false(new.items[0].is_spoilt);
    assert_false(listeners_has(&new, &old.items[0]));
    listeners_close(&old, &new);
    listeners_close(&new, NULL);
    conf_free(a);
    conf_free(b);
}

TEST(test_in_use)
{
    char address[ENDPOINT_TEXT_MAX], want[256];
    struct listeners holder, l, kept;
    struct endpoint e;
    size_t fds = count_fds();
    struct conf *a = load_listening(TEXTS("127.0.0.1:0"));
    open_all(&holder, a, NULL);
    assert_int_equal(listener_address(holder.items[0].fd, &e), 0);
    endpoint_format(&e, address);
    struct conf *b = load_listening(TEXTS("unix:@tined-test-previous"));
    open_all(&kept, b, NULL);
    // The good ones are closed again, the previous ones as they were.
    struct conf *c = load_listening(
        TEXTS("unix:@tined-test-previous", "unix:@tined-test-good", address));
    assert_int_equal(listeners_plan(&l, c, &nothing, fail_on_report, NULL), 0);
    reports.text[0] = '\0';
    assert_int_equal(listeners_open(&l, &kept, reports_collect, &reports), -1);
    snprintf(want, sizeof(want), "/t.conf:5: %s is in use by ", address);
    assert_int_equal(strncmp(reports.text, want, strlen(want)), 0);
    snprintf(want, sizeof(want), " (pid %d)", (int)getpid());
    assert_non_null(strstr(reports.text, want));
    assert_non_null(strstr(reports.text, "; stop it, or listen elsewhere\n"));
    assert_int_equal(listener_address(kept.items[0].fd, &e), 0);
    listeners_close(&kept, NULL);
    listeners_close(&holder, NULL);
    conf_free(a);
    conf_free(b);
    conf_free(c);
    assert_int_equal(count_fds(), fds);
}

// Only what stands in `listen` has the option freebind.
TEST(test_an_address_that_is_not_there)
{
    static const struct {
        const char *option, *report;
    } cases[] = {
        {"listen = ( { address = \"192.0.2.1:0\"; } );",
         "/t.conf:2: 192.0.2.1:0 is not an address of this machine; if it comes up later, set "
         "freebind = true\n"},
        {"listen = ( { address = \"unix:@tined-test-beside\"; } ); admin = { address = "
         "\"192.0.2.1:0\"; };",
         "/t.conf:2: 192.0.2.1:0 is not an address of this machine; name one that it has\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[512];
        struct listeners l;
        snprintf(text, sizeof(text), "sites = ( { root = \"/tmp\"; } );\n%s", cases[i].option);
        struct conf *conf = load_reported("/t.conf", text, NULL, NULL, &reports);
        assert_non_null(conf);
        assert_int_equal(listeners_plan(&l, conf, &nothing, fail_on_report, NULL), 0);
        reports.text[0] = '\0';
        assert_int_equal(listeners_open(&l, NULL, reports_collect, &reports), -1);
        assert_reports(reports.text, cases[i].report);
        conf_free(conf);
    }
}

TEST(test_unix_files)
{
    struct tempdir dir;
    char path[PATH_MAX], address[PATH_MAX + 8];
    struct stat st;
    struct listeners old, new;
    tempdir_make(&dir);
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&dir, "socket", path));
    struct conf *conf = load_listening(TEXTS(address));
    open_all(&old, conf, NULL);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0660);
    open_all(&new, conf, &old);
    listeners_close(&old, &new); // the successor has it too
    int client = connect_to(&dir);
    assert_true(client >= 0);
    close(client);
    listeners_close(&new, NULL);
    assert_int_equal(connect_to(&dir), -ENOENT);
    // A file that is no socket stays.
    tempdir_puts(&dir, "socket", "precious");
    assert_int_equal(listeners_plan(&new, conf, &nothing, fail_on_report, NULL), 0);
    reports.text[0] = '\0';
    assert_int_equal(listeners_open(&new, NULL, reports_collect, &reports), -1);
    assert_non_null(
        strstr(reports.text, "exists and is not a socket; remove it, or choose another path"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8);
    conf_free(conf);
    tempdir_remove(&dir);
}

static const struct {
    const char *set, *report;
} bad_owners[] = {
    {"owner = \"no-such-user\"", "there is no user \"no-such-user\""},
    {"group = \"no-such-group\"", "there is no group \"no-such-group\""},
};

TEST(test_owners)
{
    char text[512];
    struct listeners l;
    for (size_t i = 0; i < ARRAY_SIZE(bad_owners); i++) {
        snprintf(
            text, sizeof(text),
            "sites = ( { root = \"/tmp\"; } ); listen = ( { address = \"unix:/tmp/x\"; %s; } );",
            bad_owners[i].set);
        const struct conf_source source = {.file = "/t.conf", .text = text};
        struct conf *conf = conf_load(&source, fail_on_report, NULL);
        assert_int_equal(listeners_plan(&l, conf, &nothing, fail_on_report, NULL), 0);
        reports.text[0] = '\0';
        assert_int_equal(listeners_open(&l, NULL, reports_collect, &reports), -1);
        assert_non_null(strstr(reports.text, bad_owners[i].report));
        conf_free(conf);
    }
}

TEST(test_announce)
{
    struct tempdir dir;
    struct listeners l;
    tempdir_make(&dir);
    struct conf *conf = load_listening(TEXTS("127.0.0.1:0", "unix:@tined-test-announced"));
    open_all(&l, conf, NULL);
    int saved = redirect_stderr(&dir);
    listeners_announce(&l);
    restore_stderr(saved);
    assert_true(log_has(&dir, "listening on 127.0.0.1:"));
    assert_false(log_has(&dir, "listening on 127.0.0.1:0\n")); // the one that was chosen
    assert_true(log_has(&dir, "listening on unix:@tined-test-announced\n"));
    listeners_close(&l, NULL);
    conf_free(conf);
    tempdir_remove(&dir);
}

// A proxy in front that sends the header unasked is told of once a minute, for each listener.
TEST(test_notice_of_proxy_headers)
{
    static const struct {
        size_t number;
        bool is_missing;
        int64_t now;
        unsigned notices; // by then
    } cases[] = {
        {0, false, 1000, 1},  {0, false, 60999, 1},       {1, false, 60999, 2}, {0, true, 60999, 3},
        {0, false, 61000, 4}, {0, true, 61000, 4},        {2, false, 61000, 4}, // no such listener
        {2, true, 61000, 4},  {SIZE_MAX, true, 61000, 4},
    };
    char log[4096];
    struct tempdir dir;
    struct listeners l;
    tempdir_make(&dir);
    struct conf *conf = load_listening(TEXTS("127.0.0.1:0", "unix:@tined-test-proxy"));
    open_all(&l, conf, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned notices = 0;
        int saved = redirect_stderr(&dir);
        listeners_notice_proxy(&l, cases[i].number, cases[i].is_missing, cases[i].now);
        restore_stderr(saved);
        tempdir_read(&dir, "log", log, sizeof(log));
        for (const char *at = log; (at = strstr(at, " a PROXY header,")); at++)
            notices++;
        assert_int_equal(notices, cases[i].notices);
    }
    assert_non_null(strstr(log, "unix:@tined-test-proxy got a PROXY header"));
    listeners_close(&l, NULL);
    conf_free(conf);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload_shares), cmocka_unit_test(test_reload_replaces_what_is_spoilt),
        cmocka_unit_test(test_in_use),        cmocka_unit_test(test_an_address_that_is_not_there),
        cmocka_unit_test(test_unix_files),    cmocka_unit_test(test_owners),
        cmocka_unit_test(test_announce),      cmocka_unit_test(test_notice_of_proxy_headers),
    };
    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
