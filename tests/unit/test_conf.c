#include "support/confload.h"
#include "support/unit.h"

#include "conf/conf.h"
#include "conf/conf_store.h"

// Memory that is left behind shows under the address sanitizer.
TEST(test_free_takes_all)
{
    struct conf *c = conf_store_new();
    assert_non_null(conf_store_name(c, "f"));
    assert_int_equal(conf_store_add(c, CONF_LISTEN, 0, (struct conf_origin){NULL, 0}), 0);
    assert_int_equal(conf_store_add(c, CONF_SITES, 0, (struct conf_origin){NULL, 0}), 0);
    conf_free(c);
    conf_free(NULL);
}

TEST(test_place_of_an_option)
{
    char text[CONF_PLACE_MAX];
    struct reports r;
    struct conf *c = load_reported(
        "/etc/t.conf", "sites = ( { root = \"/\"; } );\ncontrol = \"/c\";", "user", "nobody", &r);
    assert_non_null(c);
    assert_string_equal(conf_place_format(c, "control", text), "/etc/t.conf:2: ");
    assert_string_equal(conf_place_format(c, "user", text), "-o: ");
    assert_string_equal(conf_place_format(c, "group", text), "");
    conf_free(c);
}

TEST(test_origin_as_text)
{
    char text[CONF_ORIGIN_MAX];
    assert_string_equal(conf_origin_format((struct conf_origin){"f", 3}, text), "f:3");
    assert_string_equal(conf_origin_format((struct conf_origin){"-o", 0}, text), "-o");
    assert_string_equal(conf_origin_format((struct conf_origin){NULL, 0}, text), "default");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_takes_all),
        cmocka_unit_test(test_place_of_an_option),
        cmocka_unit_test(test_origin_as_text),
    };
    return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
