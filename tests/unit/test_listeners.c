#include "process.h"

#include "cli/config.h"
#include "daemon/listeners.h"
#include "sys/listener.h"

#include <arpa/inet.h>

static char reports[4096];

static void collect(void *context, const char *where, const char *message)
{
    size_t len = strlen(reports);
    (void)context;
    snprintf(reports + len, sizeof(reports) - len, "%s: %s\n", where, message);
}

static void fail_on_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

// A configuration that listens on each of `addresses` (ends with NULL), a line each.
static struct conf *make_conf(const char *const *addresses)
{
    char text[4096] = "sites = ( { root = \"/tmp\"; } );\n";
    size_t len = strlen(text);
    for (size_t i = 0; addresses[i]; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{ address = \"%s\"; }",
                                i == 0 ? "listen = (\n" : ",\n", addresses[i]);
    if (addresses[0])
        snprintf(text + len, sizeof(text) - len, ");");
    const struct conf_source source = {
        .file = "/t.conf", .text = text, .checkers = config_checkers()};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

static const struct listeners_inherited nothing;

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

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

static void test_bad_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_plans); i++) {
        struct conf *conf = make_conf(bad_plans[i].addresses);
        struct listeners l;
        reports[0] = '\0';
        assert_int_equal(listeners_plan(&l, conf, &nothing, collect, NULL), -1);
        assert_string_equal(reports, bad_plans[i].reports);
        conf_free(conf);
    }
}

static void test_plan(void **state)
{
    (void)state;
    struct conf *conf = make_conf(LIST("127.0.0.1:80", "[::1]:80", "127.0.0.1:0", "127.0.0.1:0",
                                       "unix:@x", "systemd:unknown"));
    const struct endpoint any6 = {.len = sizeof(any6.in6), .in6 = {.sin6_family = AF_INET6}};
    struct listeners l;
    // Without knowledge of what is inherited that entry is passed over.
    assert_int_equal(listeners_plan(&l, conf, NULL, fail_on_report, NULL), 0);
    assert_int_equal(l.count, 5);
    for (size_t i = 0; i < l.count; i++) {
        assert_int_equal(l.items[i].fd, -1);
        assert_ptr_equal(l.items[i].conf, &conf->listen[i]);
    }
    assert_int_equal(l.backlog, 4096);
    listeners_close(&l, NULL);
    assert_int_equal(l.count, 0);
    conf_free(conf);
    conf = make_conf(LIST("*:8080"));
    assert_int_equal(listeners_plan(&l, conf, NULL, fail_on_report, NULL), 0);
    assert_int_equal(l.count, listener_has_address(&any6) ? 2 : 1);
    listeners_close(&l, NULL);
    conf_free(conf);
}

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

// What both want is one socket; the other goes with its owner.
static void test_reload_shares(void **state)
{
    struct listeners old, new;
    struct endpoint before, after;
    (void)state;
    size_t fds = count_fds();
    struct conf *a = make_conf(LIST("127.0.0.1:0", "[::1]:0"));
    struct conf *b = make_conf(LIST("unix:@tined-test-listeners", "127.0.0.1:0"));
    open_all(&old, a, NULL);
    open_all(&new, b, &old);
    assert_int_equal(inode_of(new.items[1].fd), inode_of(old.items[0].fd));
    assert_int_not_equal(new.items[1].fd, old.items[0].fd);
    assert_int_equal(listener_address(old.items[0].fd, &before), 0);
    listeners_close(&old, &new);
    assert_int_equal(listener_address(new.items[1].fd, &after), 0);
    assert_true(addr_port(&after) != 0 && addr_equal(&before, &after));
    listeners_close(&new, NULL);
    conf_free(a);
    conf_free(b);
    assert_int_equal(count_fds(), fds);
}

static void test_in_use(void **state)
{
    char address[ADDR_TEXT_MAX], want[256];
    struct listeners holder, l, kept;
    struct endpoint e;
    (void)state;
    size_t fds = count_fds();
    struct conf *a = make_conf(LIST("127.0.0.1:0"));
    open_all(&holder, a, NULL);
    assert_int_equal(listener_address(holder.items[0].fd, &e), 0);
    addr_format(&e, address);
    struct conf *b = make_conf(LIST("unix:@tined-test-previous"));
    open_all(&kept, b, NULL);
    // The good ones are closed again, the previous ones as they were.
    struct conf *c = make_conf(LIST("unix:@tined-test-previous", "unix:@tined-test-good", address));
    assert_int_equal(listeners_plan(&l, c, &nothing, fail_on_report, NULL), 0);
    reports[0] = '\0';
    assert_int_equal(listeners_open(&l, &kept, collect, NULL), -1);
    snprintf(want, sizeof(want), "/t.conf:5: %s is in use by ", address);
    assert_int_equal(strncmp(reports, want, strlen(want)), 0);
    snprintf(want, sizeof(want), " (pid %d)", (int)getpid());
    assert_non_null(strstr(reports, want));
    assert_non_null(strstr(reports, "; stop it, or listen elsewhere\n"));
    assert_int_equal(listener_address(kept.items[0].fd, &e), 0);
    listeners_close(&kept, NULL);
    listeners_close(&holder, NULL);
    conf_free(a);
    conf_free(b);
    conf_free(c);
    assert_int_equal(count_fds(), fds);
}

static void test_unix_files(void **state)
{
    struct tempdir dir;
    char path[PATH_MAX], address[PATH_MAX + 8];
    struct stat st;
    struct listeners old, new;
    (void)state;
    tempdir_make(&dir);
    snprintf(address, sizeof(address), "unix:%s", tempdir_path(&dir, "socket", path));
    struct conf *conf = make_conf(LIST(address));
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
    reports[0] = '\0';
    assert_int_equal(listeners_open(&new, NULL, collect, NULL), -1);
    assert_non_null(
        strstr(reports, "exists and is not a socket; remove it, or choose another path"));
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

static void test_owners(void **state)
{
    char text[512];
    struct listeners l;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad_owners); i++) {
        snprintf(
            text, sizeof(text),
            "sites = ( { root = \"/tmp\"; } ); listen = ( { address = \"unix:/tmp/x\"; %s; } );",
            bad_owners[i].set);
        const struct conf_source source = {
            .file = "/t.conf", .text = text, .checkers = config_checkers()};
        struct conf *conf = conf_load(&source, fail_on_report, NULL);
        assert_int_equal(listeners_plan(&l, conf, &nothing, fail_on_report, NULL), 0);
        reports[0] = '\0';
        assert_int_equal(listeners_open(&l, NULL, collect, NULL), -1);
        assert_non_null(strstr(reports, bad_owners[i].report));
        conf_free(conf);
    }
}

// Sockets from the service manager: by name, or all when nothing is configured.
static void test_inherited(void **state)
{
    struct systemd_socket sockets[2] = {{.name = "http"}, {.name = "other"}};
    const struct listeners_inherited inherited = {sockets, 2};
    struct listeners l;
    struct endpoint e;
    const char *what;
    const struct listener_options options = {.backlog = 5, .owner = (uid_t)-1, .group = (gid_t)-1};
    (void)state;
    size_t fds = count_fds();
    for (size_t i = 0; i < 2; i++) {
        struct endpoint any = {.len = sizeof(any.in)};
        any.in = (struct sockaddr_in){.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        sockets[i].fd = listener_open(&any, &options, &what);
        assert_true(sockets[i].fd >= 0);
    }
    struct conf *named = make_conf(LIST("systemd:other"));
    struct conf *none = make_conf((const char *const[]){NULL});
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
    struct conf *wrong = make_conf(LIST("systemd:web"));
    reports[0] = '\0';
    assert_int_equal(listeners_plan(&l, wrong, &inherited, collect, NULL), -1);
    assert_non_null(
        strstr(reports, "no socket of that name was passed in, but \"http\" (127.0.0.1:"));
    assert_non_null(strstr(reports, ", \"other\" (127.0.0.1:"));
    assert_non_null(strstr(reports, "set FileDescriptorName=web in the socket unit"));
    conf_free(wrong);
    // What is no listening socket is refused.
    close(sockets[1].fd);
    sockets[1].fd = open("/", O_PATH);
    reports[0] = '\0';
    assert_int_equal(listeners_plan(&l, none, &inherited, collect, NULL), -1);
    assert_non_null(strstr(reports, "the inherited socket \"other\" cannot be used: "));
    close(sockets[0].fd);
    close(sockets[1].fd);
    conf_free(named);
    conf_free(none);
    assert_int_equal(count_fds(), fds);
}

static void test_announce(void **state)
{
    struct tempdir dir;
    struct listeners l;
    (void)state;
    tempdir_make(&dir);
    struct conf *conf = make_conf(LIST("127.0.0.1:0", "unix:@tined-test-announced"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_plans),     cmocka_unit_test(test_plan),
        cmocka_unit_test(test_reload_shares), cmocka_unit_test(test_in_use),
        cmocka_unit_test(test_unix_files),    cmocka_unit_test(test_owners),
        cmocka_unit_test(test_inherited),     cmocka_unit_test(test_announce),
    };
    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
