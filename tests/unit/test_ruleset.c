#include "support/unit.h"

#include "content/ruleset.h"

static char empty[] = "";

// A rule that mentions nothing.
static struct conf_rule rule(void)
{
    return (struct conf_rule){
        .cache = empty, .type = empty, .redirect = empty, .rewrite = empty, .fallback = empty};
}

#define TEXTS(name, ...)                         \
    static char *name##_items[] = {__VA_ARGS__}; \
    const struct conf_strings name = {name##_items, ARRAY_SIZE(name##_items)}

static void assert_header(const struct rule *r, size_t i, enum rule_action action, const char *name,
                          const char *value)
{
    assert_true(i < r->header_count);
    assert_int_equal(r->headers[i].action, action);
    assert_slice(r->headers[i].name, name);
    assert_slice(r->headers[i].value, value);
}

TEST(test_headers)
{
    static char security[] = "security", a[] = "X-A:  1 ", b[] = "X-B: x:y", c[] = "X-C",
                cache[] = "no-cache";
    TEXTS(preset, security);
    TEXTS(set, a);
    TEXTS(add, b);
    TEXTS(unset, c);
    struct conf_rule conf[] = {rule(), rule()};
    struct ruleset s;
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
    assert_header(r, 0, RULE_SET, "X-Content-Type-Options", "nosniff");
    assert_header(r, n, RULE_SET, "X-A", "1");
    assert_header(r, n + 1, RULE_ADD, "X-B", "x:y");
    assert_header(r, n + 2, RULE_UNSET, "X-C", "");
    assert_header(r, n + 3, RULE_SET, "Cache-Control", "no-cache");
    for (size_t i = 0; i < r->header_count; i++)
        assert_int_equal(r->headers[i].only_ok, i == n + 3);
    assert_int_equal(s.rules[1].header_count, 1);
    assert_header(&s.rules[1], 0, RULE_SET, "X-A", "1");
    assert_true(s.rules[1].headers[0].only_ok);
    ruleset_cleanup(&s);
    assert_int_equal(s.count, 0);
}

TEST(test_scheme)
{
    static char hsts[] = "hsts";
    TEXTS(preset, hsts);
    struct conf_rule conf[] = {rule()};
    struct ruleset s;
    conf[0].scheme = SCHEME_HTTPS;
    conf[0].headers.preset = preset;
    assert_int_equal(ruleset_init(&s, conf, 1), 0);
    assert_int_equal(s.rules[0].scheme, SCHEME_HTTPS);
    assert_header(&s.rules[0], 0, RULE_SET, "Strict-Transport-Security", "max-age=31536000");
    assert_true(s.rules[0].headers[0].only_https);
    ruleset_cleanup(&s);
}

TEST(test_cors)
{
    static char origin[] = "https://a", any[] = "*", h1[] = "X-1", h2[] = "X-2", h3[] = "etag",
                h4[] = "X-3";
    TEXTS(origins, origin);
    TEXTS(all, any);
    TEXTS(two, h1, h2);
    TEXTS(known, h3, h4);
    struct conf_rule conf[] = {rule(), rule()};
    struct ruleset s;
    conf[0].cors.origins = origins;
    conf[0].cors.headers = two;
    conf[0].cors.expose = known;
    conf[0].cors.max_age = 90500;
    conf[0].cors.credentials = true;
    conf[1].cors.origins = all;
    assert_int_equal(ruleset_init(&s, conf, ARRAY_SIZE(conf)), 0);
    const struct cors *c = s.rules[0].cors;
    assert_int_equal(c->origin_count, 1);
    assert_slice(c->headers, CORS_HEADERS ", X-1, X-2");
    assert_slice(c->expose, CORS_EXPOSE ", X-3"); // none twice
    assert_int_equal(c->max_age, 90);
    assert_true(c->credentials && !c->any);
    assert_true(s.rules[1].cors->any);
    assert_slice(s.rules[1].cors->headers, CORS_HEADERS);
    assert_slice(s.rules[1].cors->expose, CORS_EXPOSE);
    ruleset_cleanup(&s);
}

TEST(test_the_rest)
{
    static char match[] = "/a/*", match2[] = "/b", except[] = "/a/x", type[] = "t/t",
                redirect[] = "/b", rewrite[] = "/c", fallback[] = "/d", net[] = "192.0.2.0/24",
                peer[] = "unix", try[] = "$path", page[] = "404 /e";
    TEXTS(matches, match, match2);
    TEXTS(excepts, except);
    TEXTS(allow, net, peer);
    TEXTS(deny, peer);
    TEXTS(tries, try);
    TEXTS(pages, page);
    struct conf_rule conf[] = {rule(), rule()};
    struct ruleset s;
    conf[0] = (struct conf_rule){.match = matches,
                                 .except = excepts,
                                 .type = type,
                                 .redirect = redirect,
                                 .rewrite = rewrite,
                                 .fallback = fallback,
                                 .cache = empty,
                                 .status = 308,
                                 .retry_after = 90001,
                                 .allow = allow,
                                 .deny = deny,
                                 .try = tries,
                                 .error_pages = pages,
                                 .listing = TOGGLE_ON,
                                 .dotfiles = TOGGLE_OFF,
                                 .symlinks = SYMLINKS_NONE};
    assert_int_equal(ruleset_init(&s, conf, ARRAY_SIZE(conf)), 0);
    const struct rule *r = s.rules;
    assert_int_equal(r->pattern_count, 2);
    assert_slice(r->patterns[1], "/b");
    assert_int_equal(r->except_count, 1);
    assert_slice(r->excepts[0], "/a/x");
    assert_slice(r->type, type);
    assert_slice(r->redirect, redirect);
    assert_slice(r->rewrite, rewrite);
    assert_slice(r->fallback, fallback);
    assert_int_equal(r->status, 308);
    assert_int_equal(r->retry_after, 91);
    assert_int_equal(r->allow.count, 2);
    assert_int_equal(r->allow.items[0].kind, NETWORK_IP);
    assert_int_equal(r->allow.items[1].kind, NETWORK_UNIX);
    assert_int_equal(r->deny.count, 1);
    assert_int_equal(r->try_count, 1);
    assert_slice(r->tries[0], "$path");
    assert_int_equal(r->page_count, 1);
    assert_int_equal(r->pages[0].status, 404);
    assert_slice(r->pages[0].path, "/e");
    assert_int_equal(r->listing, TOGGLE_ON);
    assert_int_equal(r->dotfiles, TOGGLE_OFF);
    assert_int_equal(r->links, SYMLINKS_NONE);
    assert_null(r->cors);
    assert_int_equal(s.rules[1].header_count, 0);
    ruleset_cleanup(&s);
}

TEST(test_none)
{
    struct ruleset s;
    assert_int_equal(ruleset_init(&s, NULL, 0), 0);
    assert_int_equal(s.count, 0);
    ruleset_cleanup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),  cmocka_unit_test(test_scheme), cmocka_unit_test(test_cors),
        cmocka_unit_test(test_the_rest), cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests_name("ruleset", tests, NULL, NULL);
}
