#include "support/guarded.h"
#include "support/unit.h"

#include "http/template.h"

#include <stdio.h>

// The parts of `text`, a word each: the text itself, "<1>", "<path>", "<bad>".
static const char *parts_of(const char *text, char *out, size_t size)
{
    struct slice rest = guarded_text(text);
    struct template_part part;
    size_t len = 0;
    out[0] = '\0';
    while (template_next(&rest, &part)) {
        switch (part.kind) {
        case TEMPLATE_TEXT:
            assert_true(part.text.len > 0);
            len += (size_t)snprintf(out + len, size - len, "%.*s ", SLICE_ARG(part.text));
            break;
        case TEMPLATE_CAPTURE:
            len += (size_t)snprintf(out + len, size - len, "<%u> ", part.capture);
            break;
        case TEMPLATE_PATH:
            len += (size_t)snprintf(out + len, size - len, "<path> ");
            break;
        case TEMPLATE_HOST:
            len += (size_t)snprintf(out + len, size - len, "<host> ");
            break;
        case TEMPLATE_BAD:
            len += (size_t)snprintf(out + len, size - len, "<bad> ");
            break;
        }
    }
    return out;
}

TEST(test_parts)
{
    static const struct {
        const char *text, *want;
        unsigned last;
    } cases[] = {
        {"", "", 0},
        {"/new", "/new ", 0},
        {"/new/$1", "/new/ <1> ", 1},
        {"$2$1x", "<2> <1> x ", 2},
        {"/$9.$3", "/ <9> . <3> ", 9},
        {"$path.html", "<path> .html ", 0},
        {"$pathpath", "<path> path ", 0},
        {"$pat", "<bad> pat ", 0},
        {"https://$host/$1", "https:// <host> / <1> ", 1},
        {"$$1", "$ 1 ", 0},
        {"$$$1", "$ <1> ", 1},
        {"$0", "<bad> 0 ", 0},
        {"$", "<bad> ", 0},
        {"a$", "a <bad> ", 0},
        {"$10", "<1> 0 ", 1},
    };
    char text[128];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(parts_of(cases[i].text, text, sizeof(text)), cases[i].want);
        assert_int_equal(template_last_capture(guarded_text(cases[i].text)), cases[i].last);
    }
}

static const struct glob_match captures = {3, {{"a b", 3}, {"x/%2e", 5}, {"//e.test", 8}}};
static const struct template_values values = {{"/re/path#", 9}, &captures, {"a.test", 6}};

TEST(test_paths)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"/new/$1", "/new/a%20b"},
        {"/$2/$1.html", "/x/%252e/a%20b.html"}, // nothing that is captured is decoded twice
        {"$path.html", "/re/path%23.html"},
        {"/100%/$$1", "/100%25/$1"}, // the text is decoded already
        {"/$4", "/"},                // there is none
    };
    char text[128];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        template_put_path(&b, guarded_text(cases[i].text), &values);
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

TEST(test_redirects)
{
    static const struct {
        const char *text, *query, *want;
    } cases[] = {
        {"/new/$1", NULL, "/new/a%20b"},
        {"/100%25/$$", NULL, "/100%25/$"}, // the text is a reference already
        {"https://e.test$path?a=$1", NULL, "https://e.test/re/path%23?a=a%20b"},
        {"/new", "q=1&r", "/new?q=1&r"},
        {"/new", "", "/new?"},
        {"/new?a=b", "q", "/new?a=b&q"},
        {"/new?a=b#top", "q", "/new?a=b&q#top"},
        {"/new", "a=\"\xe9<>\"", "/new?a=%22%E9%3C%3E%22"},
        {"/new?", "q", "/new"}, // the query is dropped, and the '?' with it
        {"/new?", NULL, "/new"},
        {"/new?#top", "q", "/new#top"},
        {"/new?a=b?", "q", "/new?a=b"},
        {"/new#top?", "q", "/new?q#top?"}, // not in a fragment
        {"https://$host:8443/$1", "q", "https://a.test:8443/a%20b?q"},
        {"/$3", "q", "/e.test?q"}, // no capture names a host
        {"/$9/e.test", NULL, "/e.test"},
        {"/$9", NULL, "/"},
        {"https://e.test/$3", NULL, "https://e.test///e.test"},
        {"/new#$1", "q", "/new?q#$1"}, // a fragment holds no variables
    };
    char text[128];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        template_put_redirect(&b, guarded_text(cases[i].text), &values, slice_of(cases[i].query));
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_redirects),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
