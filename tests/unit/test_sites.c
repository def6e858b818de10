#include "tempdir.h"
#include "unit.h"

#include "server/sites.h"

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

static void test_find(void **state)
{
    char root[] = "/tmp";
    const struct conf_site *failed;
    struct conf_site without[] = {all[0], all[1], all[1], all[3]};
    struct conf with = {.sites = all, .site_count = ARRAY_SIZE(all)};
    struct conf second = {.sites = without, .site_count = ARRAY_SIZE(without)};
    struct sites s, t;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        all[i].root = root;
    for (size_t i = 0; i < ARRAY_SIZE(without); i++)
        without[i].root = root;
    assert_int_equal(sites_open(&s, &with, &failed), 0);
    assert_int_equal(sites_open(&t, &second, &failed), 0);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        assert_ptr_equal(sites_find(&s, slice_of(hosts[i].host)), &s.items[hosts[i].with_nameless]);
        assert_ptr_equal(sites_find(&t, slice_of(hosts[i].host)), &t.items[hosts[i].without]);
    }
    assert_ptr_equal(s.items[3].conf, &all[3]);
    sites_close(&s);
    sites_close(&t);
}

// A single site answers for whatever host, also with names.
static void test_only_site(void **state)
{
    char root[] = "/tmp";
    struct conf_site one = {.names = {names_b, 1}, .root = root};
    struct conf conf = {.sites = &one, .site_count = 1};
    const struct conf_site *failed;
    struct sites s;
    (void)state;
    assert_int_equal(sites_open(&s, &conf, &failed), 0);
    assert_ptr_equal(sites_find(&s, SLICE("else.test")), &s.items[0]);
    sites_close(&s);
    assert_int_equal(s.count, 0);
    sites_close(&s); // harmless
}

static void test_failure_names_the_site(void **state)
{
    char good[] = "/tmp", none[] = "/nonexistent/root", file[] = "/proc/self/status";
    struct conf_site list[] = {{.root = good}, {.root = none}, {.root = good}};
    struct conf conf = {.sites = list, .site_count = ARRAY_SIZE(list)};
    const struct conf_site *failed = NULL;
    struct sites s = {.count = 99};
    (void)state;
    size_t before = count_fds();
    assert_int_equal(sites_open(&s, &conf, &failed), -ENOENT);
    assert_ptr_equal(failed, &list[1]);
    list[1].root = file;
    assert_int_equal(sites_open(&s, &conf, &failed), -ENOTDIR);
    assert_int_equal(s.count, 99);
    assert_int_equal(count_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_only_site),
        cmocka_unit_test(test_failure_names_the_site),
    };
    return cmocka_run_group_tests_name("sites", tests, NULL, NULL);
}
