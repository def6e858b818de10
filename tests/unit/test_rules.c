#include "support/guarded.h"
#include "support/unit.h"

#include "http/rules.h"

static const struct network everybody = {.kind = NETWORK_ALL};

static struct network client_of(const char *text)
{
    struct network n;
    assert_null(network_parse(slice_of(text), &n));
    return n;
}

#define MATCH(text) .patterns = (const struct slice[]){SLICE(text)}, .pattern_count = 1

static const struct rule *room[16];

// The numbers of the rules that match, in order: "0 2".
static const char *matched(const struct rule *rules, const struct ruling *ruling)
{
    static char text[256];
    struct buf b = buf_make(text, sizeof(text) - 1);
    for (size_t i = 0; i < ruling->matched_count; i++) {
        buf_puts(&b, i ? " " : "");
        buf_putu(&b, (uint64_t)(ruling->matched[i] - rules));
    }
    text[b.len] = '\0';
    return text;
}

static const char *headers(const struct ruling *ruling, int status)
{
    static char text[1024];
    struct buf b = buf_make(text, sizeof(text) - 1);
    rules_put_headers(&b, ruling, status, slice_make(NULL, 0));
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

TEST(test_several_patterns_and_exceptions)
{
    static const struct slice patterns[] = {{"/a/*", 4}, {"/b/**", 5}},
                              excepts[] = {{"/b/open/**", 10}, {"/**/x", 5}};
    const struct rule rules[] = {
        {.patterns = patterns,
         .pattern_count = 2,
         .excepts = excepts,
         .except_count = 2,
         .redirect = SLICE("/to/$1")},
        {MATCH("/b/**"), .type = SLICE("a/a")},
    };
    static const struct {
        const char *path, *matched, *capture, *exception;
    } cases[] = {
        {"/a/1", "0", "1", ""},       {"/a/1/2", "", "", ""},
        {"/b/1/2", "0 1", "1/2", ""}, {"/b/open/2", "1", "", "/b/open/**"},
        {"/a/x", "", "", "/**/x"},    {"/b/open/x", "1", "", "/b/open/**"},
        {"/x", "", "", ""}, // no pattern matches, so there is nothing to leave out
    };
    struct ruling ruling = {.matched = room};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice path = guarded_text(cases[i].path);
        rules_apply(rules, ARRAY_SIZE(rules), path, &everybody, &ruling);
        assert_string_equal(matched(rules, &ruling), cases[i].matched);
        assert_int_equal(ruling.status, *cases[i].capture ? 302 : 0);
        if (ruling.final.rule)
            assert_slice(ruling.final.captures.captures[0], cases[i].capture);
        assert_slice(rules_exception(&rules[0], path), cases[i].exception);
    }
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/b/open/2"), &ruling);
    assert_string_equal(matched(rules, &ruling), "1");
}

TEST(test_of_each_action_the_last_counts)
{
    const struct rule rules[] = {
        {MATCH("/**"), .type = {"a/a", 3}},
        {MATCH("/secret/**"), .status = 404},
        {MATCH("/old/*"), .redirect = {"/new/$1", 7}, .status = 308},
        {MATCH("/old/**"), .redirect = {"/late", 5}},
        {MATCH("/*/x"), .type = {"b/b", 3}, .listing = TOGGLE_ON},
        {MATCH("/gone/**"), .status = 410},
        {MATCH("/nothing"), .status = 204},
    };
    static const struct {
        const char *path, *matched;
        int status;
        const char *type;
    } cases[] = {
        {"/", "0", 0, "a/a"},
        {"/secret/x", "0 1 4", 404, "b/b"}, // what follows a status counts as well
        {"/old/a", "0 2 3", 302, "a/a"},    // and a later redirect or status in its place
        {"/old/x", "0 2 3 4", 302, "b/b"},
        {"/old/a/b", "0 3", 302, "a/a"}, // the status when none is said
        {"/any/x", "0 4", 0, "b/b"},
        {"/gone/x", "0 4 5", 410, "b/b"},
        {"/nothing", "0 6", 204, "a/a"},
    };
    struct ruling ruling = {.matched = room};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        rules_apply(rules, ARRAY_SIZE(rules), guarded_text(cases[i].path), &everybody, &ruling);
        assert_string_equal(matched(rules, &ruling), cases[i].matched);
        assert_int_equal(ruling.status, cases[i].status);
        assert_slice(rules_type(&ruling), cases[i].type);
    }
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/old/a"), &everybody, &ruling);
    assert_ptr_equal(ruling.final.rule, &rules[3]);
    assert_int_equal(ruling.final.captures.count, 1);
    assert_slice(ruling.final.captures.captures[0], "a");
    assert_int_equal(ruling.reason, REASON_NONE);
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/y/x"), &everybody, &ruling);
    assert_int_equal(rules_listing(&ruling), TOGGLE_ON);
    assert_null(ruling.dotfiles);
    assert_int_equal(rules_dotfiles(&ruling), TOGGLE_UNSET);
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/gone/x"), &everybody, &ruling);
    assert_int_equal(ruling.reason, REASON_RULE_STATUS);
    assert_ptr_equal(ruling.type, &rules[4]); // the last one
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/nothing"), &everybody, &ruling);
    assert_int_equal(ruling.reason, REASON_NONE); // it refuses nothing
    rules_apply(rules, 0, SLICE("/"), &everybody, &ruling);
    assert_int_equal(ruling.matched_count, 0);
    assert_int_equal(ruling.status, 0);
}

TEST(test_the_last_lookup_and_fallback_count)
{
    static const struct slice candidates[] = {{"$path", 5}};
    const struct rule rules[] = {
        {MATCH("/**"), .fallback = {"/first", 6}, .tries = candidates, .try_count = 1},
        {MATCH("/a/*"), .rewrite = {"/x/$1", 5}, .fallback = {"/second", 7}},
        {MATCH("/a/*/**"), .tries = candidates, .try_count = 1},
        {MATCH("/**/d"), .type = {"a/a", 3}},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a/b"), &everybody, &ruling);
    assert_ptr_equal(ruling.lookup.rule, &rules[1]); // in place of what the first one tries
    assert_slice(ruling.lookup.captures.captures[0], "b");
    assert_ptr_equal(ruling.fallback, &rules[1]);
    assert_int_equal(ruling.status, 0); // a fallback is for later
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a/b/d"), &everybody, &ruling);
    assert_ptr_equal(ruling.lookup.rule, &rules[2]);
    assert_slice(ruling.lookup.captures.captures[1], "d");
    assert_ptr_equal(ruling.fallback, &rules[0]);
    assert_int_equal(rules_status(&rules[0]), 0);
}

TEST(test_clients)
{
    const struct network office = client_of("192.0.2.0/24"), printer = client_of("192.0.2.9"),
                         local = client_of("unix");
    const struct network allowed[] = {office, local};
    const struct rule rules[] = {
        {MATCH("/in/**"), .allow = {allowed, 2}},
        {MATCH("/out/**"), .deny = {&office, 1}},
        {MATCH("/both/**"), .allow = {allowed, 2}, .deny = {&printer, 1}, .redirect = SLICE("/"),
         .status = 301},
        {MATCH("/**/open"), .allow = {&everybody, 1}, .status = 410},
    };
    static const struct {
        const char *path, *client;
        int status;
        enum reason reason;
    } cases[] = {
        {"/in/x", "192.0.2.1", 0, REASON_NONE},
        {"/in/x", "198.51.100.1", 403, REASON_RULE_ALLOW},
        {"/in/x", "unix", 0, REASON_NONE},
        {"/out/x", "192.0.2.1", 403, REASON_RULE_DENY},
        {"/out/x", "198.51.100.1", 0, REASON_NONE},
        {"/out/x", "unix", 0, REASON_NONE},
        {"/both/x", "192.0.2.1", 301, REASON_NONE}, // let in, it gets the answer of the rule
        {"/both/x", "192.0.2.9", 403, REASON_RULE_DENY},
        {"/both/x", "2001:db8::1", 403, REASON_RULE_ALLOW},
        // Each rule must let it pass, before any status.
        {"/in/open", "198.51.100.1", 403, REASON_RULE_ALLOW},
        {"/in/open", "192.0.2.1", 410, REASON_RULE_STATUS},
        {"/both/open", "192.0.2.1", 410, REASON_RULE_STATUS},
    };
    struct ruling ruling = {.matched = room};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct network client = client_of(cases[i].client);
        rules_apply(rules, ARRAY_SIZE(rules), slice_of(cases[i].path), &client, &ruling);
        if (ruling.status != cases[i].status || ruling.reason != cases[i].reason)
            fail_msg("%s from %s: %d", cases[i].path, cases[i].client, ruling.status);
    }
}

#define ACTION(action, name, value, ok)              \
    {                                                \
        action, SLICE(name), SLICE(value), ok, false \
    }

TEST(test_headers_add_up)
{
    const struct rule_header all[] = {
        ACTION(RULE_SET, "X-One", "1", false),
        ACTION(RULE_SET, "X-Two", "2", false),
        ACTION(RULE_ADD, "X-List", "a", false),
        ACTION(RULE_SET, "Cache-Control", "no-cache", true),
    };
    const struct rule_header some[] = {
        ACTION(RULE_SET, "x-two", "two", false),
        ACTION(RULE_ADD, "X-List", "b", false),
        ACTION(RULE_UNSET, "X-One", "", true),
    };
    const struct rule_header late[] = {ACTION(RULE_SET, "X-List", "c", false)};
    const struct rule rules[] = {
        {MATCH("/**"), .headers = all, .header_count = ARRAY_SIZE(all)},
        {MATCH("/a/**"), .headers = some, .header_count = ARRAY_SIZE(some)},
        {MATCH("/a/b"), .type = SLICE("no/headers")},
        {MATCH("/a/b"), .headers = late, .header_count = ARRAY_SIZE(late)},
    };
    static const struct {
        const char *path;
        int status;
        const char *want;
    } cases[] = {
        {"/", 200, "X-One: 1\r\nX-Two: 2\r\nX-List: a\r\nCache-Control: no-cache\r\n"},
        {"/", 404, "X-One: 1\r\nX-Two: 2\r\nX-List: a\r\n"},
        {"/a/x", 206, "X-List: a\r\nCache-Control: no-cache\r\nx-two: two\r\nX-List: b\r\n"},
        {"/a/x", 304, "X-List: a\r\nCache-Control: no-cache\r\nx-two: two\r\nX-List: b\r\n"},
        // To unset on answers that are ok only leaves it on the others.
        {"/a/x", 404, "X-One: 1\r\nX-List: a\r\nx-two: two\r\nX-List: b\r\n"},
        {"/a/b", 200, "Cache-Control: no-cache\r\nx-two: two\r\nX-List: c\r\n"},
    };
    struct ruling ruling = {.matched = room};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        rules_apply(rules, ARRAY_SIZE(rules), slice_of(cases[i].path), &everybody, &ruling);
        assert_string_equal(headers(&ruling, cases[i].status), cases[i].want);
    }
}

// A rule with a scheme is for requests that came so, as far as one knows, and so is a field.
TEST(test_schemes)
{
    const struct rule_header all[] = {ACTION(RULE_SET, "X-All", "1", false),
                                      {RULE_SET, SLICE("X-Https"), SLICE("1"), false, true}};
    const struct rule_header two[] = {ACTION(RULE_SET, "X-Two", "2", false)};
    const struct rule rules[] = {
        {MATCH("/**"), .headers = all, .header_count = ARRAY_SIZE(all)},
        {MATCH("/**"), .scheme = SCHEME_HTTP, .status = 308, .redirect = SLICE("https://$host/")},
        {MATCH("/**"), .scheme = SCHEME_HTTPS, .headers = two, .header_count = 1},
    };
    static const struct {
        enum scheme scheme;
        const char *matched, *headers;
        int status;
    } cases[] = {
        {SCHEME_UNSET, "0", "X-All: 1\r\n", 0},
        {SCHEME_HTTP, "0 1", "X-All: 1\r\n", 308},
        {SCHEME_HTTPS, "0 2", "X-All: 1\r\nX-Https: 1\r\nX-Two: 2\r\n", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct ruling ruling = {.matched = room, .scheme = cases[i].scheme};
        rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
        assert_string_equal(matched(rules, &ruling), cases[i].matched);
        assert_int_equal(ruling.status, cases[i].status);
        rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
        assert_string_equal(matched(rules, &ruling), cases[i].matched);
        assert_string_equal(headers(&ruling, 200), cases[i].headers);
    }
}

TEST(test_rules_of_the_file)
{
    const struct rule_header one[] = {ACTION(RULE_ADD, "X-One", "1", false)};
    const struct rule_header two[] = {ACTION(RULE_ADD, "X-Two", "2", false)};
    const struct rule rules[] = {
        {MATCH("/**"), .headers = one, .header_count = 1},
        {MATCH("/*.html"), .headers = two, .header_count = 1, .type = SLICE("own/type"),
         .status = 404}, // the path is the server's own choice
        {MATCH("/*.html"), .redirect = SLICE("/x"), .listing = TOGGLE_ON},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
    assert_string_equal(matched(rules, &ruling), "0 1"); // each once
    assert_int_equal(ruling.status, 0);
    assert_int_equal(rules_listing(&ruling), TOGGLE_UNSET);
    assert_slice(rules_type(&ruling), "own/type");
    assert_string_equal(headers(&ruling, 200), "X-One: 1\r\nX-Two: 2\r\n");
}

// The rules of the file's path do not come later because they were found later.
TEST(test_rules_of_the_file_keep_their_order)
{
    const struct rule_header one[] = {ACTION(RULE_SET, "X-Set", "1", false)};
    const struct rule_header two[] = {ACTION(RULE_SET, "X-Set", "2", false)};
    const struct rule rules[] = {
        {MATCH("/*.html"), .headers = one, .header_count = 1, .type = SLICE("early/type")},
        {MATCH("/**"), .headers = two, .header_count = 1, .type = SLICE("late/type")},
        {MATCH("/"), .type = SLICE("no/file")},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    assert_string_equal(matched(rules, &ruling), "1 2");
    assert_slice(rules_type(&ruling), "no/file");
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
    assert_string_equal(matched(rules, &ruling), "0 1 2");
    assert_string_equal(headers(&ruling, 200), "X-Set: 2\r\n");
    assert_slice(rules_type(&ruling), "late/type"); // the file's own
}

TEST(test_error_pages)
{
    static const struct rule_page general[] = {{404, {"/404.html", 9}}, {403, {"/403.html", 9}}};
    static const struct rule_page special[] = {{404, {"/a/404.html", 11}}};
    const struct rule rules[] = {
        {MATCH("/**"), .pages = general, .page_count = 2},
        {MATCH("/a/**"), .pages = special, .page_count = 1},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a/x"), &everybody, &ruling);
    assert_slice(rules_error_page(&ruling, SLICE("/a/x"), 404), "/a/404.html"); // the last counts
    assert_slice(rules_error_page(&ruling, SLICE("/a/x"), 403), "/403.html");
    assert_int_equal(rules_error_page(&ruling, SLICE("/a/x"), 500).len, 0);
}

// An index is found, and then a condition fails.
TEST(test_error_pages_are_not_those_of_the_file)
{
    static const struct rule_page general[] = {{412, {"/412.html", 9}}};
    static const struct rule_page special[] = {{412, {"/of-index.html", 14}},
                                               {416, {"/416.html", 9}}};
    const struct rule rules[] = {
        {MATCH("/**"), .pages = general, .page_count = 1},
        {MATCH("/*.html"), .pages = special, .page_count = 2, .type = SLICE("own/type")},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
    assert_string_equal(matched(rules, &ruling), "0 1");
    assert_slice(rules_error_page(&ruling, SLICE("/"), 412), "/412.html");
    assert_int_equal(rules_error_page(&ruling, SLICE("/"), 416).len, 0);
}

TEST(test_who_overrules)
{
    static const struct rule_header first[] = {{RULE_SET, {"A", 1}, {"1", 1}, false, false},
                                               {RULE_SET, {"B", 1}, {"1", 1}, false, false},
                                               {RULE_SET, {"a", 1}, {"2", 1}, false, false}};
    static const struct rule_header second[] = {{RULE_ADD, {"A", 1}, {"3", 1}, false, false},
                                                {RULE_UNSET, {"b", 1}, {NULL, 0}, true, false}};
    const struct rule rules[] = {
        {MATCH("/**"), .headers = first, .header_count = ARRAY_SIZE(first)},
        {MATCH("/**"), .headers = second, .header_count = ARRAY_SIZE(second)},
    };
    struct ruling ruling = {.matched = room};
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    assert_ptr_equal(rules_overruled_by(&ruling, 0, 0, 200), &rules[0]);
    assert_ptr_equal(rules_overruled_by(&ruling, 0, 1, 200), &rules[1]);
    assert_null(rules_overruled_by(&ruling, 0, 1, 404)); // the other one is for good answers
    assert_null(rules_overruled_by(&ruling, 0, 2, 200)); // what is added stands beside it
    assert_null(rules_overruled_by(&ruling, 1, 0, 200));
    assert_true(rules_say_header(&ruling, SLICE("b"), 404));
    assert_false(rules_say_header(&ruling, SLICE("C"), 404));
    assert_true(rules_is_ok(206));
    assert_false(rules_is_ok(301));
}

// The policy of a page that the server makes takes one directive of a rule's.
TEST(test_policies)
{
    const struct rule_header first[] = {ACTION(RULE_SET, "Content-Security-Policy",
                                               "frame-ancestors 'self'; object-src 'none'", false)};
    const struct rule_header second[] = {
        ACTION(RULE_SET, "content-security-policy", "script-src 'self'", false),
        ACTION(RULE_ADD, "X-Other", "1", false)};
    const struct rule rules[] = {
        {MATCH("/**"), .headers = first, .header_count = 1},
        {MATCH("/a"), .headers = second, .header_count = 2},
    };
    struct ruling ruling = {.matched = room};
    char text[256];
    struct buf b = buf_make(text, sizeof(text));
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    assert_slice(rules_directive(&ruling, SLICE("frame-ancestors"), 404), "frame-ancestors 'self'");
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a"), &everybody, &ruling);
    assert_null(rules_directive(&ruling, SLICE("frame-ancestors"), 404).ptr); // it was replaced
    rules_put_headers(&b, &ruling, 404, SLICE("Content-Security-Policy"));
    assert_slice(buf_slice(&b), "X-Other: 1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_overrules),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_several_patterns_and_exceptions),
        cmocka_unit_test(test_of_each_action_the_last_counts),
        cmocka_unit_test(test_the_last_lookup_and_fallback_count),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_headers_add_up),
        cmocka_unit_test(test_schemes),
        cmocka_unit_test(test_rules_of_the_file),
        cmocka_unit_test(test_rules_of_the_file_keep_their_order),
        cmocka_unit_test(test_error_pages),
        cmocka_unit_test(test_error_pages_are_not_those_of_the_file),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
