#include "unit.h"

#include "conf/conf.h"
#include "conf/conf_store.h"

// What is left behind shows under the address sanitizer.
static void test_free_takes_all(void **state)
{
    struct conf *c = conf_store_new();
    (void)state;
    assert_non_null(conf_store_name(c, "f"));
    assert_int_equal(conf_store_add(c, CONF_LISTEN, 0, (struct conf_origin){NULL, 0}), 0);
    assert_int_equal(conf_store_add(c, CONF_SITES, 0, (struct conf_origin){NULL, 0}), 0);
    conf_free(c);
    conf_free(NULL);
}

static void test_origin_as_text(void **state)
{
    char text[CONF_ORIGIN_MAX];
    (void)state;
    assert_string_equal(conf_origin_format((struct conf_origin){"f", 3}, text), "f:3");
    assert_string_equal(conf_origin_format((struct conf_origin){"-o", 0}, text), "-o");
    assert_string_equal(conf_origin_format((struct conf_origin){NULL, 0}, text), "default");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_takes_all),
        cmocka_unit_test(test_origin_as_text),
    };
    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
