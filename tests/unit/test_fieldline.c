#include "support/guarded.h"
#include "support/unit.h"

#include "http/fieldline.h"

enum { SET, ADD, UNSET };
static const char *(*const checks[])(struct slice) = {
    [SET] = fieldline_check_set, [ADD] = fieldline_check_add, [UNSET] = fieldline_check_unset};
static const struct {
    int action;
    const char *text;
    const char *why; // a word of the reason; NULL: good
} field_lines[] = {
    {SET, "X-Robots-Tag: noindex", NULL},
    {SET, "x:y", NULL},
    {SET, "X-A:\tb c \t", NULL},
    {SET, "Cache-Control: no-store", NULL},
    {SET, "X-A: \xc3\xbc", NULL}, // obs-text
    {ADD, "Link: </a.css>; rel=preload", NULL},
    {ADD, "Vary: Cookie", NULL},
    {UNSET, "X-Frame-Options", NULL},
    {SET, "X-A", "colon"},
    {SET, "X-A:", "no value"},
    {SET, "X-A: \t ", "no value"},
    {SET, "X-A: b\nX-B: c", "control"},
    {SET, "X-A: b\x7f", "control"},
    {SET, ": b", "name"},
    {SET, "X A: b", "name"},
    {SET, "X-A : b", "name"},
    {SET, "X\xc3\xbc: b", "name"},
    {UNSET, "X-A: b", "name"},
    {UNSET, "", "name"},
    {SET, "Vary: Cookie", "headers.add"},
    {UNSET, "vary", "headers.add"},
    {SET, "Content-Type: text/html", "type"},
    {ADD, "content-type: text/html", "type"},
    {UNSET, "CONTENT-TYPE", "type"},
    {SET, "Location: /", "redirect"},
    {SET, "ETag: \"x\"", "etag"},
    {SET, "Last-Modified: x", "etag"},
    {UNSET, "Server", "server_header"},
    {SET, "Access-Control-Allow-Origin: *", "cors"},
    {SET, "Access-Control-X: *", "cors"},
    {SET, "Access-Control: *", NULL},
    {SET, "Content-Length: 1", "leave it out"},
    {SET, "Transfer-Encoding: chunked", "leave it out"},
    {SET, "Connection: close", "leave it out"},
    {SET, "Keep-Alive: 1", "leave it out"},
    {SET, "Upgrade: x", "leave it out"},
    {SET, "Trailer: x", "leave it out"},
    {SET, "TE: x", "leave it out"},
    {SET, "TEA: x", NULL},
    {SET, "Date: x", "leave it out"},
    {SET, "Allow: GET", "leave it out"},
    {SET, "Content-Range: x", "leave it out"},
    {SET, "Accept-Ranges: none", "leave it out"},
    {SET, "Content-Encoding: br", "precompressed"},
    {SET, "Repr-Digest: x", "etag"},
};

TEST(test_check)
{
    for (size_t i = 0; i < ARRAY_SIZE(field_lines); i++) {
        const char *why = checks[field_lines[i].action](guarded_text(field_lines[i].text));
        if (!why != !field_lines[i].why || (why && !strstr(why, field_lines[i].why)))
            fail_msg("%s: %s", field_lines[i].text, why ? why : "good");
    }
}

TEST(test_split)
{
    struct slice name, value;
    fieldline_split(guarded_text("X-A:  b: c\t"), &name, &value);
    assert_slice(name, "X-A");
    assert_slice(value, "b: c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests_name("fieldline", tests, NULL, NULL);
}
