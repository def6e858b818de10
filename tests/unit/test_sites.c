#include "support/tempdir.h"
#include "support/unit.h"

#include "content/sites.h"

#include <errno.h>

static char a_example[] = "a.example", any_example[] = "*.example", any_b[] = "*.b.example";
static char c_example[] = "c.example", x_b_example[] = "x.b.example";
static char *names_a[] = {a_example, any_example};
static char *names_b[] = {any_b};
static char *names_c[] = {c_example, x_b_example};

static struct conf_site all[] = {
    {.names = {names_a, 2}}, {.names = {names_b, 1}}, {.names = {NULL, 0}},
    {.names = {names_c, 2}}, {.names = {NULL, 0}},
};

static const struct {
    const char *host;
    size_t with_nameless, without; // which site answers
} hosts[] = {
    {"a.example", 0, 0},     {"A.Example", 0, 0},
    {"z.example", 0, 0},     {"x.y.example", 0, 0},
    {"c.example", 3, 3},                            // exact over suffix, though it comes later
    {"y.b.example", 1, 1},                          // the longer suffix
    {"z.y.b.example", 1, 1}, {"x.b.example", 3, 3}, // exact over the longer suffix
    {"b.example", 0, 0},                            // *.b.example does not mean b.example
    {"other.test", 2, 0},                           // nameless, else the first
    {"example", 2, 0},       {"", 2, 0},
    {"[::1]", 2, 0},
};

static const struct site *find_site(const struct sites *s, size_t listener, struct slice host)
{
    enum reason reason = REASON_NONE;
    const struct site *site = sites_find(s, listener, host, &reason);
    assert_int_equal(reason, site                                     ? REASON_NONE
                             : s->unknown_host == UNKNOWN_HOST_REFUSE ? REASON_SITE_UNKNOWN
                                                                      : REASON_SITE_NONE);
    return site;
}

TEST(test_find)
{
    char root[] = "/tmp";
    struct sites_failure failed;
    struct conf_site without[] = {all[0], all[1], all[1], all[3]};
    struct conf with = {.sites = all, .site_count = ARRAY_SIZE(all)};
    struct conf second = {.sites = without, .site_count = ARRAY_SIZE(without)};
    struct sites s, t;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        all[i].root = root;
    for (size_t i = 0; i < ARRAY_SIZE(without); i++)
        without[i].root = root;
    assert_int_equal(sites_open(&s, &with, &failed), 0);
    assert_int_equal(sites_open(&t, &second, &failed), 0);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        assert_ptr_equal(find_site(&s, 0, slice_of(hosts[i].host)),
                         &s.items[hosts[i].with_nameless]);
        assert_ptr_equal(find_site(&t, 0, slice_of(hosts[i].host)), &t.items[hosts[i].without]);
    }
    assert_ptr_equal(s.items[3].conf, &all[3]);
    sites_close(&s);
    sites_close(&t);
}

// A single site answers for whatever host, also with names.
TEST(test_only_site)
{
    char root[] = "/tmp";
    struct conf_site one = {.names = {names_b, 1}, .root = root};
    struct conf conf = {.sites = &one, .site_count = 1};
    struct sites_failure failed;
    struct sites s;
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_ptr_equal(find_site(&s, 0, SLICE("else.test")), &s.items[0]);
    sites_close(&s);
    assert_int_equal(s.count, 0);
    sites_close(&s); // harmless
    conf.unknown_host = UNKNOWN_HOST_REFUSE;
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_null(find_site(&s, 0, SLICE("else.test")));
    assert_null(find_site(&s, 0, SLICE("")));
    assert_ptr_equal(find_site(&s, 0, slice_of(names_b[0])), &s.items[0]);
    sites_close(&s);
    one.names.count = 0; // it answers for all
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_ptr_equal(find_site(&s, 0, SLICE("else.test")), &s.items[0]);
    sites_close(&s);
}

TEST(test_failure_names_the_site)
{
    char good[] = "/tmp", none[] = "/nonexistent/root", file[] = "/proc/self/status";
    struct conf_site list[] = {{.root = good}, {.root = none, .origin = {"f", 7}}, {.root = good}};
    struct conf conf = {.sites = list, .site_count = ARRAY_SIZE(list)};
    struct sites_failure failed;
    struct sites s = {.count = 99};
    size_t before = count_fds();
    assert_int_equal(sites_open(&s, &conf, &failed), -ENOENT);
    assert_string_equal(failed.directory, none);
    assert_int_equal(failed.origin.line, 7);
    list[1].root = file;
    assert_int_equal(sites_open(&s, &conf, &failed), -ENOTDIR);
    assert_int_equal(s.count, 99);
    list[1].root = good;
    char at[] = "/mnt/";
    struct conf_mount mount = {.path = at, .root = none, .site = 2, .origin = {"f", 8}};
    conf.mounts = &mount;
    conf.mount_count = list[2].mount_count = 1;
    assert_int_equal(sites_open(&s, &conf, &failed), -ENOENT);
    assert_int_equal(failed.origin.line, 8);
    assert_int_equal(count_fds(), before);
}

// A supply where what is named "silent" does not answer.
static int open_root_or_not(void *context, const char *directory, struct supply_root *ret)
{
    return strstr(directory, "silent") ? -ETIMEDOUT : supply_own.open_root(context, directory, ret);
}

static int open_file_or_not(void *context, const char *path)
{
    return strstr(path, "silent") ? -ETIMEDOUT : supply_own.open_file(context, path);
}

TEST(test_those_that_do_not_answer)
{
    static const struct supply supply = {open_root_or_not, open_file_or_not, NULL};
    char good[] = "/tmp", silent[] = "/silent/root", redirects[] = "/silent/redirects";
    char at[] = "/at/";
    struct conf_mount mount = {.path = at, .root = silent};
    struct conf_site list[] = {
        {.root = good, .mount_count = 1}, {.root = good, .redirects = redirects}, {.root = good}};
    struct conf conf = {.sites = list, .site_count = 3, .mounts = &mount, .mount_count = 1};
    struct sites_failure failed;
    struct sites s;
    const struct tree *first;
    size_t before = count_fds();
    int fds[4];
    assert_int_equal(sites_open_from(&s, &conf, &supply, &failed), 0);
    assert_int_equal(sites_count_silent(&s, &first), 2);
    assert_ptr_equal(first, sites_tree(&s.items[0], SLICE("at/x")));
    assert_string_equal(first->silent, silent);
    assert_int_equal(first->root.fd, -1);
    assert_false(sites_tree_is_swapped(first));
    assert_null(sites_tree(&s.items[0], SLICE("x"))->silent);
    assert_string_equal(sites_tree(&s.items[1], SLICE("x"))->silent, redirects);
    assert_null(sites_tree(&s.items[2], SLICE("x"))->silent);
    assert_int_equal(sites_fd_count(&s), 2);
    sites_fds(&s, fds);
    assert_true(fds[0] >= 0 && fds[1] >= 0);
    sites_close(&s);
    assert_int_equal(count_fds(), before);
}

TEST(test_mounts)
{
    static const struct {
        const char *path;
        size_t mount; // 3: the root
    } cases[] = {
        {"", 3},      {"x", 3},       {"a", 3},        {"a/", 0},     {"a/x", 0},
        {"a/b", 0},   {"a/b/", 1},    {"a/b/c/", 1},   {"a/bc/x", 0}, {"ab/x", 3},
        {"other", 3}, {"other/y", 2}, {"x/other/", 3},
    };
    char tmp[] = "/tmp", root[] = "/", a[] = "/a/", ab[] = "/a/b/", other[] = "/other/";
    struct conf_mount mounts[] = {{.path = tmp}, // of another site
                                  {.path = a, .root = tmp, .site = 1},
                                  {.path = ab, .root = root, .site = 1},
                                  {.path = other, .root = tmp, .site = 1}};
    struct conf_site list[] = {{.root = root, .mount_count = 0},
                               {.root = root, .first_mount = 1, .mount_count = 3}};
    struct conf conf = {.sites = list, .site_count = 2, .mounts = mounts, .mount_count = 4};
    struct sites_failure failed;
    struct sites s;
    int fds[6];
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct tree *tree = sites_tree(&s.items[1], slice_of(cases[i].path));
        const char *prefix = cases[i].mount == 3 ? "" : mounts[cases[i].mount + 1].path + 1;
        assert_slice(tree->prefix, prefix);
        assert_ptr_equal(sites_tree(&s.items[0], slice_of(cases[i].path)), &s.items[0].trees[0]);
    }
    assert_int_equal(sites_fd_count(&s), 5);
    sites_fds(&s, fds);
    assert_int_equal(fds[0], s.items[0].trees[0].root.fd);
    assert_int_equal(fds[4], s.items[1].trees[3].root.fd);
    sites_close(&s);
}

// A site that is bound to addresses answers nowhere else.
TEST(test_bound_sites)
{
    char root[] = "/tmp", public[] = "*:80", internal[] = "127.0.0.1:81", lone[] = "[::1]:82";
    char *on_internal[] = {internal}, *on_both[] = {public, internal};
    struct conf_site list[] = {{.root = root, .names = {names_a, 2}, .listen = {on_both, 2}},
                               {.root = root, .listen = {on_internal, 1}},
                               {.root = root, .names = {names_c, 2}, .listen = {on_internal, 1}}};
    struct conf conf = {.sites = list, .site_count = ARRAY_SIZE(list)};
    const char *const addresses[] = {public, public, internal, lone};
    static const struct {
        size_t listener;
        const char *host;
        int site; // -1: none
    } cases[] = {
        {0, "a.example", 0},  {1, "c.example", 0},  {2, "c.example", 2},
        {2, "else.test", 1},  {0, "else.test", 0}, // the first that answers there
        {3, "a.example", -1}, {4, "a.example", -1}, {UINT16_MAX, "a.example", -1}, // none has it
    };
    struct sites_failure failed;
    struct sites s;
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_int_equal(sites_bind(&s, addresses, ARRAY_SIZE(addresses)), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_ptr_equal(find_site(&s, cases[i].listener, slice_of(cases[i].host)),
                         cases[i].site < 0 ? NULL : &s.items[cases[i].site]);
    sites_close(&s);
}

TEST(test_swapped_root)
{
    struct tempdir dir;
    char one[PATH_MAX], two[PATH_MAX], current[PATH_MAX], next[PATH_MAX];
    struct conf_site site = {.root = current};
    struct conf conf = {.sites = &site, .site_count = 1};
    struct sites_failure failed;
    struct sites s;
    tempdir_make(&dir);
    tempdir_mkdir(&dir, "one");
    tempdir_mkdir(&dir, "two");
    tempdir_path(&dir, "one", one);
    tempdir_path(&dir, "two", two);
    assert_int_equal(symlink(one, tempdir_path(&dir, "current", current)), 0);
    assert_int_equal(symlink(two, tempdir_path(&dir, "next", next)), 0);
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_false(sites_tree_is_swapped(&s.items[0].trees[0]));
    assert_int_equal(rename(next, current), 0);
    assert_true(sites_tree_is_swapped(&s.items[0].trees[0]));
    assert_int_equal(unlink(current), 0);
    assert_false(sites_tree_is_swapped(&s.items[0].trees[0])); // gone for now
    sites_close(&s);
    tempdir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_only_site),
        cmocka_unit_test(test_failure_names_the_site),
        cmocka_unit_test(test_those_that_do_not_answer),
        cmocka_unit_test(test_mounts),
        cmocka_unit_test(test_bound_sites),
        cmocka_unit_test(test_swapped_root),
    };
    return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
