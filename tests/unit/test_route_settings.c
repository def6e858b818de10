#include "support/unit.h"

#include "content/route_settings.h"

static char site_index[] = "a", rule_index[] = "b", br[] = "br", charset[] = "x";
static char *site_items[] = {site_index}, *rule_items[] = {rule_index}, *codings[] = {br};

static void rule_of(struct conf_rule *conf, struct rule *rule, struct site *site)
{
    *conf = (struct conf_rule){.index = {rule_items, 1},
                               .precompressed = {codings, 1},
                               .charset = charset,
                               .etag = CONF_ETAG_OFF};
    site->rules = (struct ruleset){.rules = rule, .count = 1, .conf = conf};
}

TEST(test_settings)
{
    struct conf_site site_conf = {.index = {site_items, 1},
                                  .etag = CONF_ETAG_SHARED,
                                  .symlinks = SYMLINKS_BENEATH,
                                  .listing = true};
    struct site site = {.conf = &site_conf, .codings = {CODING_GZIP}, .coding_count = 1};
    struct rule rule = {.links = SYMLINKS_NONE, .dotfiles = TOGGLE_ON, .listing = TOGGLE_OFF};
    struct conf_rule conf;
    static struct ruling ruling;
    enum coding found[CODING_COUNT];
    rule_of(&conf, &rule, &site);
    // No rule says anything.
    assert_int_equal(route_settings_links(&site, &ruling), SYMLINKS_BENEATH);
    assert_false(route_settings_shows_hidden(&site, &ruling));
    assert_true(route_settings_lists(&site, &ruling));
    assert_ptr_equal(route_settings_index(&site, &ruling), &site_conf.index);
    assert_int_equal(route_settings_codings(&site, &ruling, found), 1);
    assert_int_equal(found[0], CODING_GZIP);
    assert_null(route_settings_charset(&site, &ruling));
    assert_int_equal(route_settings_etag(&site, &ruling), CONF_ETAG_UNSET);
    ruling.index = ruling.codings = ruling.charset = ruling.etag = &rule;
    ruling.links = ruling.dotfiles = ruling.listing = &rule;
    assert_int_equal(route_settings_links(&site, &ruling), SYMLINKS_NONE);
    assert_true(route_settings_shows_hidden(&site, &ruling));
    assert_false(route_settings_lists(&site, &ruling));
    assert_ptr_equal(route_settings_index(&site, &ruling), &conf.index);
    assert_int_equal(route_settings_codings(&site, &ruling, found), 1);
    assert_int_equal(found[0], CODING_BR);
    assert_ptr_equal(route_settings_charset(&site, &ruling), charset);
    assert_int_equal(route_settings_etag(&site, &ruling), CONF_ETAG_OFF);
    conf.precompressed.count = 0;
    assert_int_equal(route_settings_codings(&site, &ruling, found), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests_name("route_settings", tests, NULL, NULL);
}
