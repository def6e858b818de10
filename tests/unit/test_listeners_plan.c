#include "support/confload.h"
#include "support/process.h"

#include "conf/conf_load.h"
#include "daemon/listeners_plan.h"
#include "sys/listener.h"

#include <arpa/inet.h>

static struct reports reports;

static const struct listeners_inherited nothing;

static const struct {
    const char *addresses[4];
    const char *reports;
} bad_plans[] = {
    {{"127.0.0.1:80", "127.0.0.1:80"},
     "/t.conf:4: \"127.0.0.1:80\" overlaps with \"127.0.0.1:80\" (/t.conf:3); remove one of "
     "them\n"},
    {{"127.0.0.1:80", "*:80"},
     "/t.conf:4: \"*:80\" overlaps with \"127.0.0.1:80\" (/t.conf:3); remove one of them\n"},
    {{"systemd:http"},
     "/t.conf:3: \"systemd:http\": no socket of that name was passed in; set "
     "FileDescriptorName=http in the socket unit, and start the service by it\n"},
    {{"systemd:a", "127.0.0.1:81", "systemd:b"},
     "/t.conf:3: \"systemd:a\": no socket of that name was passed in; set FileDescriptorName=a "
     "in the socket unit, and start the service by it\n"
     "/t.conf:5: \"systemd:b\": no socket of that name was passed in; set FileDescriptorName=b "
     "in the socket unit, and start the service by it\n"},
};

// The admin listener's place is its option's.
TEST(test_place_of_admin)
{
    const struct conf_source source = {
        .file = "/t.conf",
        .text = "sites = ( { root = \"/tmp\"; } );\n\nadmin = { address = \"systemd:admin\"; };"};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    struct listeners l;
    assert_non_null(conf);
    reports.text[0] = '\0';
    assert_int_equal(listeners_plan(&l, conf, &nothing, reports_collect, &reports), -1);
    assert_starts(reports.text, "/t.conf:3: \"systemd:admin\": no socket of that name");
    conf_free(conf);
}

TEST(test_bad_plans)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_plans); i++) {
        struct conf *conf = load_listening(bad_plans[i].addresses);
        struct listeners l;
        reports.text[0] = '\0';
        assert_int_equal(listeners_plan(&l, conf, &nothing, reports_collect, &reports), -1);
        assert_string_equal(reports.text, bad_plans[i].reports);
        conf_free(conf);
    }
}

TEST(test_plan)
{
    struct conf *conf = load_listening(TEXTS("127.0.0.1:80", "[::1]:80", "127.0.0.1:0",
                                             "127.0.0.1:0", "unix:@x", "systemd:unknown"));
    struct listeners l;
    // Without knowledge of what is inherited that entry is passed over.
    assert_int_equal(listeners_plan(&l, conf, NULL, fail_on_report, NULL), 0);
    assert_int_equal(l.count, 5);
    for (size_t i = 0; i < l.count; i++) {
        assert_int_equal(l.items[i].fd, -1);
        assert_ptr_equal(l.items[i].conf, &conf->listen[i]);
        assert_false(l.items[i].dispensable);
    }
    assert_int_equal(l.backlog, 4096);
    listeners_close(&l, NULL);
    assert_int_equal(l.count, 0);
    conf_free(conf);
    conf = load_listening(TEXTS("*:8080"));
    assert_int_equal(listeners_plan(&l, conf, NULL, fail_on_report, NULL), 0);
    assert_int_equal(l.count, 2);
    assert_false(l.items[0].dispensable);
    assert_true(l.items[1].dispensable);
    listeners_close(&l, NULL);
    conf_free(conf);
}

static ino_t inode_of(int fd)
{
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    return st.st_ino;
}

// Sockets from the service manager: by name, or all when nothing is configured.
TEST(test_inherited)
{
    struct systemd_socket sockets[2] = {{.name = "http"}, {.name = "other"}};
    const struct listeners_inherited inherited = {sockets, 2};
    struct listeners l;
    struct endpoint e;
    const char *what;
    const struct listener_options options = {.backlog = 5, .owner = (uid_t)-1, .group = (gid_t)-1};
    size_t fds = count_fds();
    for (size_t i = 0; i < 2; i++) {
        struct endpoint any = {.len = sizeof(any.in)};
        any.in = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[i].fd = listener_open(&any, &options, &what);
        assert_true(sockets[i].fd >= 0);
    }
    struct conf *named = load_listening(TEXTS("systemd:other"));
    struct conf *none = load_listening((const char *const[]){NULL});
    assert_int_equal(listeners_plan(&l, named, &inherited, fail_on_report, NULL), 0);
    assert_int_equal(listeners_open(&l, NULL, fail_on_report, NULL), 0);
    assert_int_equal(l.count, 1);
    assert_true(l.items[0].inherited);
    assert_int_equal(inode_of(l.items[0].fd), inode_of(sockets[1].fd));
    listeners_close(&l, NULL);
    assert_int_equal(listeners_plan(&l, none, &inherited, fail_on_report, NULL), 0);
    assert_int_equal(l.count, 2);
    listeners_close(&l, NULL);
    assert_int_equal(listener_address(sockets[0].fd, &e), 0); // not ours to close
    struct conf *wrong = load_listening(TEXTS("systemd:web"));
    reports.text[0] = '\0';
    assert_int_equal(listeners_plan(&l, wrong, &inherited, reports_collect, &reports), -1);
    assert_non_null(
        strstr(reports.text, "no socket of that name was passed in, but \"http\" (127.0.0.1:"));
    assert_non_null(strstr(reports.text, ", \"other\" (127.0.0.1:"));
    assert_non_null(strstr(reports.text, "set FileDescriptorName=web in the socket unit"));
    conf_free(wrong);
    // A descriptor that is no listening socket is refused.
    close(sockets[1].fd);
    sockets[1].fd = open("/", O_PATH);
    reports.text[0] = '\0';
    assert_int_equal(listeners_plan(&l, none, &inherited, reports_collect, &reports), -1);
    assert_non_null(strstr(reports.text, "the inherited socket \"other\" cannot be used: "));
    close(sockets[0].fd);
    close(sockets[1].fd);
    conf_free(named);
    conf_free(none);
    assert_int_equal(count_fds(), fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place_of_admin),
        cmocka_unit_test(test_bad_plans),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_inherited),
    };
    return cmocka_run_group_tests_name("listeners_plan", tests, NULL, NULL);
}
