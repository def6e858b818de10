#include "support/confload.h"
#include "support/tempdir.h"

#include "conf/conf_load.h"
#include "daemon/fetched.h"
#include "sys/machine_id.h"

#include <errno.h>

static struct conf *load(const char *log)
{
    const struct conf_override overrides[] = {{"sites", "/tmp", "-o"},
                                              {"mime_types", "/types", "-o"},
                                              {"user", "someone", "-o"},
                                              {"log.access", log, "-o"}};
    const struct conf_source source = {.overrides = overrides,
                                       .override_count = ARRAY_SIZE(overrides)};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

static bool has_item(const struct fetched *f, enum fetched_kind kind, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += f->items[i].kind == kind && strcmp(f->items[i].name, name) == 0;
    assert_true(count <= 1);
    return count;
}

TEST(test_what_a_configuration_names)
{
    static const struct {
        const char *access;
        bool keeps_ids;
        enum fetched_log log;
        size_t count;
    } cases[] = {
        {"/log", false, FETCHED_LOG_OPEN, 5},    {"/log", true, FETCHED_LOG_OPEN, 4},
        {"/log", false, FETCHED_LOG_CHECKED, 5}, {"/log", false, FETCHED_LOG_LEFT, 4},
        {"off", false, FETCHED_LOG_OPEN, 4},     {"stdout", false, FETCHED_LOG_CHECKED, 4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct fetched f;
        struct conf *conf = load(cases[i].access);
        assert_int_equal(fetched_init(&f, conf, cases[i].keeps_ids, cases[i].log), 0);
        assert_int_equal(f.count, cases[i].count);
        assert_int_equal(f.pending, cases[i].count);
        assert_true(has_item(&f, FETCHED_ROOT, "/tmp"));
        assert_true(has_item(&f, FETCHED_FILE, "/types"));
        assert_true(has_item(&f, FETCHED_FILE, MACHINE_ID_FILE));
        assert_int_equal(has_item(&f, FETCHED_USER, "someone"), !cases[i].keeps_ids);
        bool is_file = *cases[i].access == '/';
        assert_int_equal(has_item(&f, FETCHED_LOG, "/log"),
                         is_file && cases[i].log == FETCHED_LOG_OPEN);
        assert_int_equal(has_item(&f, FETCHED_LOG_CHECK, "/log"),
                         is_file && cases[i].log == FETCHED_LOG_CHECKED);
        fetched_cleanup(&f);
        conf_free(conf);
    }
}

// Two sites may name the same, and each gets its own.
TEST(test_taking)
{
    size_t fds = count_fds();
    struct fetched f = {.conf = NULL};
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(fetched_add(&f, FETCHED_FILE, i % 2 ? "odd" : "even"), 0);
    assert_int_equal(fetched_add(&f, FETCHED_LOOK, "odd"), 0);
    for (size_t i = 0; i < f.count; i++) {
        f.items[i].fd = i == 2 ? -1 : dup(0);
        fetched_settle(&f, &f.items[i], i == 2 ? -ENOENT : 0);
    }
    assert_int_equal(f.pending, 0);
    int even = fetched_take(&f, FETCHED_FILE, "even"), odd = fetched_take(&f, FETCHED_FILE, "odd");
    assert_true(even >= 0 && odd >= 0);
    assert_int_equal(fetched_take(&f, FETCHED_FILE, "even"), -ENOENT);
    assert_ptr_equal(fetched_find(&f, FETCHED_LOOK, "odd"), &f.items[40]);
    assert_ptr_equal(fetched_find(&f, FETCHED_FILE, "even"), &f.items[0]); // from the beginning
    close(even);
    close(odd);
    fetched_cleanup(&f);
    assert_int_equal(count_fds(), fds);
}

TEST(test_supply)
{
    struct fetched f = {.conf = NULL};
    struct supply_root root = {.inode = 1};
    assert_int_equal(fetched_add(&f, FETCHED_ROOT, "/tmp/"), 0);
    assert_int_equal(fetched_add(&f, FETCHED_ROOT, "/silent"), 0);
    assert_int_equal(fetched_add(&f, FETCHED_FILE, "/file"), 0);
    int fd = f.items[0].fd = open("/tmp", O_PATH | O_CLOEXEC);
    f.items[0].dev = 7;
    f.items[0].inode = 8;
    f.items[0].real = strdup("/real");
    fetched_settle(&f, &f.items[0], 0);
    fetched_settle(&f, &f.items[1], -ETIMEDOUT);
    fetched_settle(&f, &f.items[2], -EACCES);
    const struct supply supply = fetched_supply(&f);
    assert_int_equal(supply.open_root(supply.context, "/silent", &root), -ETIMEDOUT);
    assert_int_equal(root.inode, 1);
    assert_int_equal(supply.open_file(supply.context, "/file"), -EACCES);
    assert_int_equal(supply.open_root(supply.context, "/tmp/", &root), 0);
    assert_int_equal(root.root.fd, fd);
    assert_int_equal(root.dev, 7);
    assert_int_equal(root.inode, 8);
    assert_string_equal(root.root.as_configured, "/tmp");
    assert_string_equal(root.root.real, "/real");
    fetched_cleanup(&f);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC); // it was taken
    rootfs_cleanup(&root.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_configuration_names),
        cmocka_unit_test(test_taking),
        cmocka_unit_test(test_supply),
    };
    return cmocka_run_group_tests_name("fetched", tests, NULL, NULL);
}
