#include "support/guarded.h"
#include "support/unit.h"

#include "http/mime.h"

static size_t read_all(const char *text, struct mime_entry *entries, size_t room)
{
    struct mime_reader r = {.text = guarded_text(text)};
    size_t n = 0;
    while (n < room && mime_next(&r, &entries[n]))
        n++;
    return n;
}

TEST(test_reader)
{
    struct mime_entry e[8];
    assert_int_equal(read_all("# a comment\n\n"
                              "text/a  x y\t z # w\r\n"
                              "text/none\n"
                              "notype v\n"
                              "text/ v\n/b v\na/b/c v\ntext/x;y v\n"
                              "\t text/b\tu",
                              e, 8),
                     4);
    assert_slice(e[0].extension, "x");
    assert_slice(e[1].extension, "y");
    assert_slice(e[2].extension, "z");
    assert_slice(e[2].type, "text/a");
    assert_slice(e[3].extension, "u");
    assert_slice(e[3].type, "text/b");
    assert_int_equal(read_all("", e, 8), 0);
    assert_int_equal(read_all("\n\n", e, 8), 0);
    assert_int_equal(read_all("a/b", e, 8), 0);
    assert_int_equal(read_all("#a/b c", e, 8), 0);
}

TEST(test_sort_and_find)
{
    struct mime_entry e[8];
    size_t n = read_all("text/z z\ntext/a html HTML Zz\ntext/b z zz b\n", e, 8);
    assert_int_equal(n, 7);
    n = mime_sort(e, n);
    assert_int_equal(n, 4);
    assert_slice(e[0].extension, "b");
    assert_slice(e[1].extension, "html");
    assert_slice(mime_find(e, n, SLICE("x.Z")), "text/z"); // the first wins
    assert_slice(mime_find(e, n, SLICE("x.ZZ")), "text/a");
    assert_slice(mime_find(e, n, SLICE("x.html")), "text/a");
    assert_int_equal(mime_find(e, n, SLICE("x.css")).len, 0); // that is the core's
    assert_int_equal(mime_find(NULL, 0, SLICE("x.html")).len, 0);
    assert_int_equal(mime_sort(NULL, 0), 0);
}

TEST(test_charset)
{
    static const struct {
        const char *type;
        bool want;
    } cases[] = {
        {"text/html", true},
        {"TEXT/plain", true},
        {"application/json", true},
        {"application/javascript", true},
        {"application/xml", false}, // declares its own
        {"text/xml", false},
        {"image/svg+xml", false},
        {"APPLICATION/ATOM+XML", false},
        {"application/xml-dtd", false},
        {"application/manifest+json", true},
        {"application/octet-stream", false},
        {"image/png", false},
        {"application/zip", false},
        {"text", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(mime_wants_charset(guarded_text(cases[i].type)), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader),
        cmocka_unit_test(test_sort_and_find),
        cmocka_unit_test(test_charset),
    };
    return cmocka_run_group_tests_name("mime", tests, NULL, NULL);
}
