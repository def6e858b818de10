#include "unit.h"

#include "server/ruleset.h"

static char empty[] = "";

// What a rule says when nothing is mentioned.
static struct conf_rule rule(void)
{
    return (struct conf_rule){.match = empty,
                              .cache = empty,
                              .type = empty,
                              .redirect = empty,
                              .rewrite = empty,
                              .fallback = empty};
}

#define TEXTS(name, ...)                         \
    static char *name##_items[] = {__VA_ARGS__}; \
    const struct conf_strings name = {name##_items, ARRAY_SIZE(name##_items)}

static void assert_header(const struct rule *r, size_t i, enum rule_action action, const char *name,
                          const char *value, bool only_ok)
{
    assert_true(i < r->header_count);
    assert_int_equal(r->headers[i].action, action);
    assert_slice(r->headers[i].name, name);
    assert_slice(r->headers[i].value, value);
    assert_int_equal(r->headers[i].only_ok, only_ok);
}

static void test_headers(void **state)
{
    static char security[] = "security", a[] = "X-A:  1 ", b[] = "X-B: x:y", c[] = "X-C",
                cache[] = "no-cache";
    TEXTS(preset, security);
    TEXTS(set, a);
    TEXTS(add, b);
    TEXTS(unset, c);
    struct conf_rule conf[] = {rule(), rule()};
    struct ruleset s;
    (void)state;
    conf[0].headers = (struct conf_headers){set, add, unset, preset, false};
    conf[0].cache = cache;
    conf[1].headers.set = set;
    conf[1].headers.only_ok = true;
    assert_int_equal(ruleset_init(&s, conf, 2), 0);
    assert_ptr_equal(s.conf, conf);
    // The preset first, so that the rule itself can say otherwise.
    const struct rule *r = &s.rules[0];
    size_t n = r->header_count - 4;
    assert_true(n >= 5);
    assert_header(r, 0, RULE_SET, "X-Content-Type-Options", "nosniff", false);
    assert_header(r, n, RULE_SET, "X-A", "1", false);
    assert_header(r, n + 1, RULE_ADD, "X-B", "x:y", false);
    assert_header(r, n + 2, RULE_UNSET, "X-C", "", false);
    assert_header(r, n + 3, RULE_SET, "Cache-Control", "no-cache", true);
    assert_int_equal(s.rules[1].header_count, 1);
    assert_header(&s.rules[1], 0, RULE_SET, "X-A", "1", true);
    ruleset_cleanup(&s);
    assert_int_equal(s.count, 0);
}

static void test_the_rest(void **state)
{
    static char match[] = "/a/*", type[] = "t/t", redirect[] = "/b", rewrite[] = "/c",
                fallback[] = "/d", net[] = "192.0.2.0/24", peer[] = "unix", try[] = "$path",
                page[] = "404 /e", origin[] = "https://a", any[] = "*", h1[] = "X-1", h2[] = "X-2";
    TEXTS(allow, net, peer);
    TEXTS(deny, peer);
    TEXTS(tries, try);
    TEXTS(pages, page);
    TEXTS(origins, origin);
    TEXTS(all, any);
    TEXTS(two, h1, h2);
    struct conf_rule conf[] = {rule(), rule(), rule()};
    struct ruleset s;
    (void)state;
    conf[0] = (struct conf_rule){
        .match = match,
        .type = type,
        .redirect = redirect,
        .rewrite = rewrite,
        .fallback = fallback,
        .cache = empty,
        .status = 308,
        .allow = allow,
        .deny = deny,
        .try = tries,
        .error_pages = pages,
        .cors = {.origins = origins, .headers = two, .max_age = 90500, .credentials = true},
        .listing = CONF_SWITCH_ON,
        .dotfiles = CONF_SWITCH_OFF,
        .symlinks = CONF_SYMLINKS_NONE};
    conf[1].cors.origins = all;
    assert_int_equal(ruleset_init(&s, conf, ARRAY_SIZE(conf)), 0);
    const struct rule *r = s.rules;
    assert_slice(r->match, match);
    assert_slice(r->type, type);
    assert_slice(r->redirect, redirect);
    assert_slice(r->rewrite, rewrite);
    assert_slice(r->fallback, fallback);
    assert_int_equal(r->status, 308);
    assert_int_equal(r->allow_count, 2);
    assert_int_equal(r->allow[0].kind, NETWORK_IP);
    assert_int_equal(r->allow[1].kind, NETWORK_UNIX);
    assert_int_equal(r->deny_count, 1);
    assert_int_equal(r->try_count, 1);
    assert_slice(r->tries[0], "$path");
    assert_int_equal(r->page_count, 1);
    assert_int_equal(r->pages[0].status, 404);
    assert_slice(r->pages[0].path, "/e");
    assert_int_equal(r->listing, RULE_ON);
    assert_int_equal(r->dotfiles, RULE_OFF);
    assert_int_equal(r->links, RULE_LINKS_NONE);
    assert_int_equal(r->cors->origin_count, 1);
    assert_slice(r->cors->headers, "X-1, X-2");
    assert_slice(r->cors->expose, "");
    assert_int_equal(r->cors->max_age, 90);
    assert_true(r->cors->credentials && !r->cors->any);
    assert_true(s.rules[1].cors->any);
    assert_null(s.rules[2].cors);
    assert_int_equal(s.rules[2].header_count, 0);
    ruleset_cleanup(&s);
}

static void test_none(void **state)
{
    struct ruleset s;
    (void)state;
    assert_int_equal(ruleset_init(&s, NULL, 0), 0);
    assert_int_equal(s.count, 0);
    ruleset_cleanup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_the_rest),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
