#include "support/unit.h"

#include "conf/conf.h"
#include "conf/conf_build.h"

static char last[4096];
static int reports;

static void keep_last(void *context, const char *where, const char *message)
{
    (void)context;
    snprintf(last, sizeof(last), "%s: %s", where, message);
    reports++;
}

static const struct conf_source source = {.file = NULL};
static const struct conf_place place = {{"f", 3}, "/base"};

static struct conf_build start(void)
{
    struct conf_build b;
    reports = 0;
    assert_int_equal(conf_build_start(&b, &source, keep_last, NULL), 0);
    return b;
}

TEST(test_good)
{
    const struct conf_raw raw = {.kind = RAW_NUMBER, .number = 3};
    const struct conf_option *threads = conf_options_find(SLICE("threads"));
    struct conf_build b = start();
    conf_build_set(&b, threads, 0, &raw, &place);
    conf_build_complete(&b);
    struct conf *c = conf_build_finish(&b);
    assert_int_equal(reports, 0);
    assert_int_equal(c->threads, 3);
    assert_int_equal(conf_store_origin(c, threads, 0)->line, 3);
    assert_string_equal(c->listen[0].address, "*:80");
    conf_free(c);
}

TEST(test_set_twice)
{
    const struct conf_raw raw = {.kind = RAW_NUMBER, .number = 3};
    const struct conf_place other = {{"g", 5}, "/base"}, command_line = {{"-o", 0}, "/base"};
    const struct conf_option *threads = conf_options_find(SLICE("threads"));
    struct conf_build b = start();
    conf_build_set(&b, threads, 0, &raw, &place);
    conf_build_set(&b, threads, 0, &raw, &command_line);
    assert_int_equal(reports, 0);
    conf_build_set(&b, threads, 0, &raw, &other);
    assert_string_equal(last, "g:5: \"threads\" is set here and at -o; keep one of them");
    assert_null(conf_build_finish(&b));
}

TEST(test_entry_that_lacks)
{
    struct conf_build b = start();
    ptrdiff_t entry = conf_build_add(&b, CONF_LISTEN, 0, place.origin);
    conf_build_check_entry(&b, CONF_LISTEN, (size_t)entry);
    assert_string_equal(last,
                        "f:3: this entry of \"listen\" lacks \"address\"; add address = \"*:80\";");
    assert_null(conf_build_finish(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_set_twice),
        cmocka_unit_test(test_entry_that_lacks),
    };
    return cmocka_run_group_tests_name("conf_build", tests, NULL, NULL);
}
