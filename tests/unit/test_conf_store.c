#include "support/unit.h"

#include "conf/conf.h"
#include "conf/conf_store.h"

#include <stdlib.h>

TEST(test_members_by_row)
{
    struct conf *c = conf_store_new();
    const struct conf_option *idle = conf_options_find(SLICE("timeouts.idle")),
                             *root = conf_options_find(SLICE("sites.root"));
    const struct conf_origin origin = {conf_store_name(c, "f"), 3};
    assert_ptr_equal(conf_store_target(c, idle, 0), &c->timeouts.idle);
    assert_null(conf_store_origin(c, idle, 0)->file);
    assert_int_equal(conf_store_count(c, CONF_TOP), 1);

    assert_int_equal(conf_store_add(c, CONF_SITES, 0, (struct conf_origin){NULL, 0}), 0);
    assert_int_equal(conf_store_add(c, CONF_SITES, 0, origin), 1);
    assert_int_equal(c->site_count, 2);
    assert_ptr_equal(conf_store_target(c, root, 1), &c->sites[1].root);
    assert_string_equal(c->sites[1].root, "");
    assert_string_equal(c->sites[1].index.items[0], "index.html");
    assert_int_equal(conf_store_entry_origin(c, CONF_SITES, 1).line, 3);
    assert_int_equal(c->sites[1].origin.line, 3);
    conf_store_origin(c, root, 1)->line = 9;
    assert_int_equal(conf_store_origin(c, root, 0)->line, 0);

    conf_store_clear(c, CONF_SITES);
    assert_int_equal(c->site_count, 0);
    assert_null(c->sites);
    conf_free(c);
}

TEST(test_lists_in_entries)
{
    const struct conf_origin nowhere = {NULL, 0};
    struct conf *c = conf_store_new();
    for (size_t site = 0; site < 3; site++) {
        conf_store_add(c, CONF_SITES, 0, nowhere);
        for (size_t rule = 0; rule < site; rule++)
            assert_int_equal(conf_store_add(c, CONF_RULES, site, nowhere), site - 1 + rule);
    }
    assert_int_equal(conf_store_add(c, CONF_MOUNTS, 1, nowhere), 0);
    assert_int_equal(c->rule_count, 3);
    assert_int_equal(c->sites[0].rule_count, 0);
    assert_int_equal(c->sites[1].first_rule, 0);
    assert_int_equal(c->sites[2].first_rule, 1);
    assert_int_equal(c->sites[2].rule_count, 2);
    assert_int_equal(c->rules[2].site, 2);
    assert_int_equal(c->mounts[0].site, 1);
    assert_int_equal(c->rules[2].match.count, 0);
    assert_int_equal(c->rules[2].listing, TOGGLE_UNSET);
    assert_int_equal(c->rules[2].symlinks, SYMLINKS_UNSET);
    struct conf_range range = conf_store_children(c, CONF_RULES, 2);
    assert_int_equal(range.first, 1);
    assert_int_equal(range.count, 2);
    assert_int_equal(conf_store_children(c, CONF_SITES, 0).count, 3);

    conf_store_clear(c, CONF_SITES);
    assert_int_equal(c->rule_count, 0);
    assert_int_equal(c->mount_count, 0);
    assert_null(c->rules);
    conf_free(c);
}

TEST(test_names_are_kept_once)
{
    struct conf *c = conf_store_new();
    const char *a = conf_store_name(c, "a");
    assert_ptr_not_equal(conf_store_name(c, "b"), a);
    assert_ptr_equal(conf_store_name(c, "a"), a);
    assert_int_equal(c->provenance->file_count, 2);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_by_row),
        cmocka_unit_test(test_lists_in_entries),
        cmocka_unit_test(test_names_are_kept_once),
    };
    return cmocka_run_group_tests_name("conf_store", tests, NULL, NULL);
}
