#include "guarded.h"
#include "unit.h"

#include "http/mime.h"

static void test_core(void **state)
{
    static const struct {
        const char *name, *want;
    } cases[] = {
        {"index.html", "text/html"},
        {"a/b.HTM", "text/html"},
        {"x.3gp", "video/3gpp"},       // the first row
        {"x.zst", "application/zstd"}, // the last row
        {"x.js", "text/javascript"},
        {"x.mjs", "text/javascript"},
        {"x.map", "application/json"},
        {"x.svg", "image/svg+xml"},
        {"x.woff2", "font/woff2"},
        {"x.wasm", "application/wasm"},
        {"x.webmanifest", "application/manifest+json"},
        {"a.tar.gz", "application/gzip"},
        {"a.b/c.css", "text/css"},
        {"a.css/b", ""},
        {"README", ""},
        {"", ""},
        {".", ""},
        {"a.", ""},
        {"a.html.", ""},
        {".html", ""}, // a leading dot begins no extension
        {"a/.html", ""},
        {".a.html", "text/html"},
        {"a.htmlx", ""},
        {"a.ht", ""},
        {"html", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct slice got = mime_find_core(guarded_text(cases[i].name));
        if (!slice_equal(got, slice_of(cases[i].want)))
            fail_msg("%s: %.*s", cases[i].name, SLICE_ARG(got));
    }
}

// A table that is not in order would lose some of what a server of today needs.
static void test_core_is_complete(void **state)
{
    static const char names[] =
        "7z aac apng atom avif bmp bz2 css csv deb doc docx eot epub flac gif gz htm html ico "
        "ics iso jar jpeg jpg js json jsonld jxl log m3u8 m4a m4v map md mjs mkv mov mp3 mp4 mpd "
        "odp ods odt oga ogg ogv opus otf pdf pem png ppt pptx ps rar rpm rss rtf sh svg tar tgz "
        "tif tiff toml torrent ts tsv ttf txt vcf vtt wasm wav weba webm webmanifest webp woff "
        "woff2 xhtml xls xlsx xml xsl xslt xz yaml yml zip zst";
    struct slice rest = slice_of(names);
    size_t count = 0;
    (void)state;
    for (; rest.ptr; count++) {
        char name[20] = "x.";
        struct slice extension = slice_split(&rest, ' ');
        memcpy(name + 2, extension.ptr, extension.len);
        struct slice got = mime_find_core(slice_make(name, extension.len + 2));
        if (got.len == 0)
            fail_msg("%s is unknown", name);
    }
    assert_true(count >= 80);
}

static size_t read_all(const char *text, struct mime_entry *entries, size_t room)
{
    struct mime_reader r = {.text = guarded_text(text)};
    size_t n = 0;
    while (n < room && mime_next(&r, &entries[n]))
        n++;
    return n;
}

static void test_reader(void **state)
{
    struct mime_entry e[8];
    (void)state;
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

static void test_sort_and_find(void **state)
{
    struct mime_entry e[8];
    (void)state;
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

static void test_charset(void **state)
{
    static const struct {
        const char *type;
        bool want;
    } cases[] = {
        {"text/html", true},
        {"TEXT/plain", true},
        {"application/json", true},
        {"application/javascript", true},
        {"application/xml", true},
        {"image/svg+xml", true},
        {"application/manifest+json", true},
        {"application/octet-stream", false},
        {"image/png", false},
        {"application/zip", false},
        {"text", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(mime_wants_charset(guarded_text(cases[i].type)), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_core),    cmocka_unit_test(test_core_is_complete),
        cmocka_unit_test(test_reader),  cmocka_unit_test(test_sort_and_find),
        cmocka_unit_test(test_charset),
    };
    return cmocka_run_group_tests_name("mime", tests, NULL, NULL);
}
