#include "guarded.h"
#include "unit.h"

#include "http/rules.h"

static const struct network everybody = {.kind = NETWORK_ALL};

static struct network client_of(const char *text)
{
    struct network n;
    assert_null(network_parse(text, &n));
    return n;
}

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
    rules_put_headers(&b, ruling, status);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

static void test_all_that_match_apply_until_one_is_final(void **state)
{
    static const struct rule rules[] = {
        {.match = {"/**", 3}, .type = {"a/a", 3}},
        {.match = {"/secret/**", 10}, .status = 404},
        {.match = {"/old/*", 6}, .redirect = {"/new/$1", 7}, .status = 308},
        {.match = {"/old/**", 7}, .redirect = {"/late", 5}},
        {.match = {"/*/x", 4}, .type = {"b/b", 3}, .listing = RULE_ON},
        {.match = {"/gone/**", 8}, .status = 410},
    };
    static const struct {
        const char *path, *matched;
        int status;
        const char *type;
    } cases[] = {
        {"/", "0", 0, "a/a"},
        {"/secret/x", "0 1", 404, "a/a"}, // what follows a final rule does not count
        {"/old/a", "0 2", 308, "a/a"},
        {"/old/a/b", "0 3", 302, "a/a"}, // the status when none is said
        {"/any/x", "0 4", 0, "b/b"},     // the last one counts
        {"/gone/x", "0 4 5", 410, "b/b"},
    };
    struct ruling ruling;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        rules_apply(rules, ARRAY_SIZE(rules), guarded_text(cases[i].path), &everybody, &ruling);
        assert_string_equal(matched(rules, &ruling), cases[i].matched);
        assert_int_equal(ruling.status, cases[i].status);
        assert_slice(ruling.type, cases[i].type);
    }
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/old/a"), &everybody, &ruling);
    assert_ptr_equal(ruling.final.rule, &rules[2]);
    assert_int_equal(ruling.final.captures.count, 1);
    assert_slice(ruling.final.captures.captures[0], "a");
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/y/x"), &everybody, &ruling);
    assert_int_equal(ruling.listing, RULE_ON);
    assert_int_equal(ruling.dotfiles, RULE_UNSAID);
    rules_apply(rules, 0, SLICE("/"), &everybody, &ruling);
    assert_int_equal(ruling.matched_count, 0);
    assert_int_equal(ruling.status, 0);
}

static void test_the_first_rewrite_and_fallback_count(void **state)
{
    static const struct slice candidates[] = {{"$path", 5}};
    static const struct rule rules[] = {
        {.match = {"/**", 3}, .fallback = {"/first", 6}},
        {.match = {"/a/*", 4}, .rewrite = {"/x/$1", 5}, .fallback = {"/second", 7}},
        {.match = {"/**", 3}, .rewrite = {"/y", 2}, .tries = candidates, .try_count = 1},
    };
    struct ruling ruling;
    (void)state;
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a/b"), &everybody, &ruling);
    assert_ptr_equal(ruling.rewrite.rule, &rules[1]);
    assert_slice(ruling.rewrite.captures.captures[0], "b");
    assert_ptr_equal(ruling.fallback, &rules[0]);
    assert_ptr_equal(ruling.tries.rule, &rules[2]);
    assert_int_equal(ruling.status, 0); // a fallback is for later
}

static void test_clients(void **state)
{
    const struct network office = client_of("192.0.2.0/24"), printer = client_of("192.0.2.9"),
                         local = client_of("unix");
    const struct network allowed[] = {office, local};
    const struct rule rules[] = {
        {.match = SLICE("/in/**"), .allow = allowed, .allow_count = 2},
        {.match = SLICE("/out/**"), .deny = &office, .deny_count = 1},
        {.match = SLICE("/both/**"),
         .allow = allowed,
         .allow_count = 2,
         .deny = &printer,
         .deny_count = 1,
         .redirect = SLICE("/"),
         .status = 301},
    };
    static const struct {
        const char *path, *client;
        int status;
    } cases[] = {
        {"/in/x", "192.0.2.1", 0},     {"/in/x", "198.51.100.1", 403},  {"/in/x", "unix", 0},
        {"/out/x", "192.0.2.1", 403},  {"/out/x", "198.51.100.1", 0},   {"/out/x", "unix", 0},
        {"/both/x", "192.0.2.1", 301}, // who is let in gets what the rule says
        {"/both/x", "192.0.2.9", 403}, {"/both/x", "2001:db8::1", 403},
    };
    struct ruling ruling;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct network client = client_of(cases[i].client);
        rules_apply(rules, ARRAY_SIZE(rules), slice_of(cases[i].path), &client, &ruling);
        if (ruling.status != cases[i].status)
            fail_msg("%s from %s: %d", cases[i].path, cases[i].client, ruling.status);
    }
}

#define ACTION(action, name, value, ok)       \
    {                                         \
        action, SLICE(name), SLICE(value), ok \
    }

static void test_headers_add_up(void **state)
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
        {.match = SLICE("/**"), .headers = all, .header_count = ARRAY_SIZE(all)},
        {.match = SLICE("/a/**"), .headers = some, .header_count = ARRAY_SIZE(some)},
        {.match = SLICE("/a/b"), .type = SLICE("no/headers")},
        {.match = SLICE("/a/b"), .headers = late, .header_count = ARRAY_SIZE(late)},
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
    struct ruling ruling;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        rules_apply(rules, ARRAY_SIZE(rules), slice_of(cases[i].path), &everybody, &ruling);
        assert_string_equal(headers(&ruling, cases[i].status), cases[i].want);
    }
}

static void test_rules_of_the_file(void **state)
{
    const struct rule_header one[] = {ACTION(RULE_ADD, "X-One", "1", false)};
    const struct rule_header two[] = {ACTION(RULE_ADD, "X-Two", "2", false)};
    const struct rule rules[] = {
        {.match = SLICE("/**"), .headers = one, .header_count = 1},
        {.match = SLICE("/*.html"),
         .headers = two,
         .header_count = 1,
         .type = SLICE("own/type"),
         .status = 404}, // the path is the server's own choice
        {.match = SLICE("/*.html"), .redirect = SLICE("/x"), .listing = RULE_ON},
    };
    struct ruling ruling;
    (void)state;
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
    assert_string_equal(matched(rules, &ruling), "0 1"); // each once
    assert_int_equal(ruling.status, 0);
    assert_int_equal(ruling.listing, RULE_UNSAID);
    assert_slice(ruling.type, "own/type");
    assert_string_equal(headers(&ruling, 200), "X-One: 1\r\nX-Two: 2\r\n");
}

// The rules of the file's path do not come later because they were found later.
static void test_rules_of_the_file_keep_their_order(void **state)
{
    const struct rule_header one[] = {ACTION(RULE_SET, "X-Set", "1", false)};
    const struct rule_header two[] = {ACTION(RULE_SET, "X-Set", "2", false)};
    const struct rule rules[] = {
        {.match = SLICE("/*.html"), .headers = one, .header_count = 1, .type = SLICE("early/type")},
        {.match = SLICE("/**"), .headers = two, .header_count = 1, .type = SLICE("late/type")},
        {.match = SLICE("/"), .type = SLICE("no/file")},
    };
    struct ruling ruling;
    (void)state;
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    assert_string_equal(matched(rules, &ruling), "1 2");
    assert_slice(ruling.type, "no/file");
    rules_apply_to_file(rules, ARRAY_SIZE(rules), SLICE("/index.html"), &ruling);
    assert_string_equal(matched(rules, &ruling), "0 1 2");
    assert_string_equal(headers(&ruling, 200), "X-Set: 2\r\n");
    assert_slice(ruling.type, "late/type"); // the file's own
}

static void test_error_pages(void **state)
{
    static const struct rule_page general[] = {{404, {"/404.html", 9}}, {403, {"/403.html", 9}}};
    static const struct rule_page special[] = {{404, {"/a/404.html", 11}}};
    static const struct rule rules[] = {
        {.match = {"/**", 3}, .pages = general, .page_count = 2},
        {.match = {"/a/**", 5}, .pages = special, .page_count = 1},
    };
    struct ruling ruling;
    (void)state;
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/a/x"), &everybody, &ruling);
    assert_slice(rules_error_page(&ruling, 404), "/a/404.html"); // the last one counts
    assert_slice(rules_error_page(&ruling, 403), "/403.html");
    assert_int_equal(rules_error_page(&ruling, 500).len, 0);
}

static void test_who_overrules(void **state)
{
    static const struct rule_header first[] = {{RULE_SET, {"A", 1}, {"1", 1}, false},
                                               {RULE_SET, {"B", 1}, {"1", 1}, false},
                                               {RULE_SET, {"a", 1}, {"2", 1}, false}};
    static const struct rule_header second[] = {{RULE_ADD, {"A", 1}, {"3", 1}, false},
                                                {RULE_UNSET, {"b", 1}, {NULL, 0}, true}};
    static const struct rule rules[] = {
        {.match = {"/**", 3}, .headers = first, .header_count = ARRAY_SIZE(first)},
        {.match = {"/**", 3}, .headers = second, .header_count = ARRAY_SIZE(second)},
    };
    struct ruling ruling;
    (void)state;
    rules_apply(rules, ARRAY_SIZE(rules), SLICE("/"), &everybody, &ruling);
    assert_ptr_equal(rules_overruled_by(&ruling, 0, 0, 200), &rules[0]);
    assert_ptr_equal(rules_overruled_by(&ruling, 0, 1, 200), &rules[1]);
    assert_null(rules_overruled_by(&ruling, 0, 1, 404)); // the other one is for good answers
    assert_null(rules_overruled_by(&ruling, 0, 2, 200)); // what is added stands beside it
    assert_null(rules_overruled_by(&ruling, 1, 0, 200));
    assert_true(rules_is_ok(206));
    assert_false(rules_is_ok(301));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_overrules),
        cmocka_unit_test(test_all_that_match_apply_until_one_is_final),
        cmocka_unit_test(test_the_first_rewrite_and_fallback_count),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_headers_add_up),
        cmocka_unit_test(test_rules_of_the_file),
        cmocka_unit_test(test_rules_of_the_file_keep_their_order),
        cmocka_unit_test(test_error_pages),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
