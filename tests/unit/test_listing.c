#include "support/unit.h"

#include "http/listing.h"
#include "http/urlpath.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TIME 784111777 // 1994-11-06T08:49:37Z

static char room[2 * LISTING_BEGIN_MAX];

static struct slice begin(const struct listing_view *v)
{
    struct buf b = buf_make(room, sizeof(room));
    listing_begin(&b, v);
    assert_false(b.overflow);
    assert_true(b.len <= LISTING_BEGIN_MAX);
    return buf_slice(&b);
}

static struct slice add(enum listing_format format, const struct listing_entry *e, bool first)
{
    struct listing_view v = {.format = format};
    struct buf b = buf_make(room, sizeof(room));
    listing_add(&b, &v, e, first);
    assert_false(b.overflow);
    assert_true(b.len <= LISTING_ENTRY_MAX);
    return buf_slice(&b);
}

static void assert_holds(struct slice text, const char *part)
{
    if (!memmem(text.ptr, text.len, part, strlen(part)))
        fail_msg("no \"%s\" in:\n%.*s", part, SLICE_ARG(text));
}

static void assert_lacks(struct slice text, const char *part)
{
    if (memmem(text.ptr, text.len, part, strlen(part)))
        fail_msg("\"%s\" in:\n%.*s", part, SLICE_ARG(text));
}

TEST(test_view)
{
    static const struct {
        const char *query;
        enum listing_sort sort;
        bool descending;
        enum listing_format format;
    } cases[] = {
        {"", LISTING_NAME, false, LISTING_HTML},
        {"sort=name", LISTING_NAME, false, LISTING_HTML},
        {"sort=size", LISTING_SIZE, false, LISTING_HTML},
        {"sort=time&order=desc", LISTING_TIME, true, LISTING_HTML},
        {"order=desc&order=asc", LISTING_NAME, false, LISTING_HTML},
        {"format=json", LISTING_NAME, false, LISTING_JSON},
        {"format=json&format=html", LISTING_NAME, false, LISTING_HTML},
        {"&&x=y&sort=size&", LISTING_SIZE, false, LISTING_HTML},
        {"sort&size&order=size&sort=desc&=time", LISTING_NAME, false, LISTING_HTML},
        {"sort", LISTING_NAME, false, LISTING_HTML},
        {"sort=", LISTING_NAME, false, LISTING_HTML},
        {"sort=sizes&order=down&format=xml", LISTING_NAME, false, LISTING_HTML},
        {"Sort=size&order=DESC", LISTING_NAME, false, LISTING_HTML},
        {"sort=size=time", LISTING_NAME, false, LISTING_HTML},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_view v = {.sort = LISTING_NAME};
        listing_view_parse(slice_of(cases[i].query), &v);
        if (v.sort != cases[i].sort || v.descending != cases[i].descending ||
            v.format != cases[i].format)
            fail_msg("\"%s\"", cases[i].query);
    }
    struct listing_view kept = {.sort = LISTING_TIME, .descending = true, .format = LISTING_JSON};
    listing_view_parse(slice_make(NULL, 0), &kept);
    listing_view_parse(SLICE("sort=x&order=&format"), &kept);
    assert_int_equal(kept.sort, LISTING_TIME);
    assert_true(kept.descending);
    assert_int_equal(kept.format, LISTING_JSON);
}

TEST(test_compare)
{
    static const struct listing_entry entries[] = {
        {{"z", 1}, true, 0, 5},      {{"m", 1}, true, 0, 9},
        {{"b", 1}, false, 3, 1},     {{"a", 1}, false, 7, 1},
        {{"\xff", 1}, false, 3, -4}, {{"aa", 2}, false, UINT64_MAX, INT64_MAX},
    };
    static const struct {
        enum listing_sort sort;
        bool descending;
        uint8_t order[ARRAY_SIZE(entries)];
    } cases[] = {
        {LISTING_NAME, false, {1, 0, 3, 5, 2, 4}}, {LISTING_NAME, true, {0, 1, 4, 2, 5, 3}},
        {LISTING_SIZE, false, {1, 0, 2, 4, 3, 5}}, {LISTING_SIZE, true, {1, 0, 5, 3, 2, 4}},
        {LISTING_TIME, false, {0, 1, 4, 3, 2, 5}}, {LISTING_TIME, true, {1, 0, 5, 3, 2, 4}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_view v = {.sort = cases[i].sort, .descending = cases[i].descending};
        for (size_t a = 0; a < ARRAY_SIZE(entries); a++) {
            for (size_t b = 0; b < ARRAY_SIZE(entries); b++) {
                int got = listing_compare(&v, &entries[cases[i].order[a]],
                                          &entries[cases[i].order[b]]);
                if ((got > 0) - (got < 0) != (a > b) - (a < b))
                    fail_msg("%zu: %zu and %zu: %d", i, a, b, got);
            }
        }
    }
}

// Each before the next.
TEST(test_natural_order)
{
    static const char *const names[] = {
        "",
        "-",
        "0",
        "00",
        "00a",
        "0a",
        "001",
        "01",
        "1",
        "2",
        "10",
        "a",
        "a-1",
        "a0",
        "a0b",
        "a1",
        "a1.2",
        "a01.10",
        "a1.10",
        "a2",
        "a10",
        "a10b",
        "aa",
        "v18446744073709551615",
        "v018446744073709551616",
        "v99999999999999999999",
        "z\xff",
    };
    struct listing_view v = {.sort = LISTING_NAME};
    for (size_t a = 0; a < ARRAY_SIZE(names); a++) {
        for (size_t b = 0; b < ARRAY_SIZE(names); b++) {
            struct listing_entry first = {.name = slice_of(names[a])};
            struct listing_entry second = {.name = slice_of(names[b])};
            int got = listing_compare(&v, &first, &second);
            if ((got > 0) - (got < 0) != (a > b) - (a < b))
                fail_msg("\"%s\" and \"%s\": %d", names[a], names[b], got);
        }
    }
}

TEST(test_sizes)
{
    static const struct {
        uint64_t size;
        const char *cell;
    } cases[] = {
        {0, "<td>0 B</td>"},
        {999, "<td>999 B</td>"},
        {1000, "<td title=\"1,000 bytes\">1.0 kB</td>"},
        {1049, "<td title=\"1,049 bytes\">1.0 kB</td>"},
        {1050, "<td title=\"1,050 bytes\">1.1 kB</td>"},
        {9949, "<td title=\"9,949 bytes\">9.9 kB</td>"},
        {9950, "<td title=\"9,950 bytes\">10 kB</td>"},
        {10499, "<td title=\"10,499 bytes\">10 kB</td>"},
        {999499, "<td title=\"999,499 bytes\">999 kB</td>"},
        {999500, "<td title=\"999,500 bytes\">1.0 MB</td>"},
        {1433600, "<td title=\"1,433,600 bytes\">1.4 MB</td>"},
        {5000000000, "<td title=\"5,000,000,000 bytes\">5.0 GB</td>"},
        {1000000000000000000, "<td title=\"1,000,000,000,000,000,000 bytes\">1.0 EB</td>"},
        {UINT64_MAX, "<td title=\"18,446,744,073,709,551,615 bytes\">18 EB</td>"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_entry e = {SLICE("x"), false, cases[i].size, TIME};
        assert_holds(add(LISTING_HTML, &e, true), cases[i].cell);
    }
}

TEST(test_html_entry)
{
    static const struct {
        const char *name;
        bool directory;
        const char *link;
    } cases[] = {
        {"a.txt", false, "<a href=\"a.txt\">a.txt</a>"},
        {"a", true, "<a href=\"a/\">a/</a>"},
        {"a:b", false, "<a href=\"a%3Ab\">a:b</a>"},
        {"http:", true, "<a href=\"http%3A/\">http:/</a>"},
        {"::a", false, "<a href=\"%3A%3Aa\">::a</a>"},
        {"a&copy.x", false, "<a href=\"a%26copy.x\">a&amp;copy.x</a>"},
        {"&&", false, "<a href=\"%26%26\">&amp;&amp;</a>"},
        {"<\"'>", false, "<a href=\"%3C%22%27%3E\">&lt;&#34;'&gt;</a>"},
        {"%41?#", false, "<a href=\"%2541%3F%23\">%41?#</a>"},
        {" a  b ", false, "<a href=\"%20a%20%20b%20\"> a  b </a>"},
        {"\x01\n\x1f\x7f", false, "<a href=\"%01%0A%1F%7F\">\u2401\u240a\u241f\u2421</a>"},
        {"\u00e4\u65e5", false, "<a href=\"%C3%A4%E6%97%A5\">\u00e4\u65e5</a>"},
        {"a\xff\xc3", false, "<a href=\"a%FF%C3\">a\ufffd\ufffd</a>"},
        // C1, noncharacters, and what turns text around
        {"\xc2\x85", false, "<a href=\"%C2%85\">\ufffd</a>"},
        {"\xef\xb7\x90", false, "<a href=\"%EF%B7%90\">\ufffd</a>"},
        {"\xf0\x9f\xbf\xbf", false, "<a href=\"%F0%9F%BF%BF\">\ufffd</a>"},
        {"\u202etxt", false, "<a href=\"%E2%80%AEtxt\">\ufffdtxt</a>"},
        {"\u2066x", false, "<a href=\"%E2%81%A6x\">\ufffdx</a>"},
        // what joins and marks stays
        {"\u200d\u200f", false, "<a href=\"%E2%80%8D%E2%80%8F\">\u200d\u200f</a>"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_entry e = {slice_of(cases[i].name), cases[i].directory, 0, TIME};
        assert_holds(add(LISTING_HTML, &e, true), cases[i].link);
    }
    struct listing_entry e = {SLICE("d"), true, 0, TIME};
    assert_slice(add(LISTING_HTML, &e, false),
                 "<tr><th scope=\"row\"><a href=\"d/\">d/</a></th><td></td><td><time "
                 "datetime=\"1994-11-06T08:49:37Z\">1994-11-06<span> 08:49</span></time></td>"
                 "</tr>\n");
}

TEST(test_json_entry)
{
    static const struct {
        struct listing_entry entry;
        bool first;
        const char *want;
    } cases[] = {
        {{{"a", 1}, false, 12, TIME},
         true,
         "{\"name\":\"a\",\"type\":\"file\",\"size\":12,\"mtime\":\"1994-11-06T08:49:37Z\","
         "\"href\":\"a\"}\n"},
        {{{"a", 1}, true, 0, -1},
         false,
         ",{\"name\":\"a\",\"type\":\"directory\",\"mtime\":\"1970-01-01T00:00:00Z\","
         "\"href\":\"a/\"}\n"},
        {{{"\"\\/\x01\x1f\x7f\xff&", 8}, false, UINT64_MAX, 0},
         true,
         "{\"name\":\"\\\"\\\\/\\u0001\\u001f\x7f\ufffd&\",\"type\":\"file\","
         "\"size\":18446744073709551615,\"mtime\":\"1970-01-01T00:00:00Z\","
         "\"href\":\"%22%5C/%01%1F%7F%FF%26\"}\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_slice(add(LISTING_JSON, &cases[i].entry, cases[i].first), cases[i].want);
}

TEST(test_json_frame)
{
    struct listing_view v = {.format = LISTING_JSON, .files = 1};
    struct buf b = buf_make(room, sizeof(room));
    assert_slice(begin(&v), "{\"complete\":true,\"entries\":[\n");
    v.cut = true;
    assert_slice(begin(&v), "{\"complete\":false,\"entries\":[\n");
    listing_end(&b, &v);
    assert_slice(buf_slice(&b), "]}\n");
}

TEST(test_path)
{
    static const struct {
        const char *path, *title, *crumbs, *heading;
    } cases[] = {
        {"", "<title>Index of /</title>", "<header>\n<h1>", "<h1>Index of /</h1>"},
        {"a/", "<title>Index of /a/</title>",
         "<nav aria-label=\"Breadcrumb\"><ol><li><a href=\"../\">Home</a></li></ol></nav>",
         "<h1>a</h1>"},
        {"<a>/b&/c/", "<title>Index of /&lt;a&gt;/b&amp;/c/</title>",
         "<ol><li><a href=\"../../../\">Home</a></li><li><a href=\"../../\">&lt;a&gt;</a></li>"
         "<li><a href=\"../\">b&amp;</a></li></ol>",
         "<h1>c</h1>"},
        {"1/2/3/4/5/6/", "<title>Index of /1/2/3/4/5/6/</title>",
         "<ol><li><a href=\"../../../../../../\">Home</a></li><li><a "
         "href=\"../../../../../\">1</a></li>",
         "<h1>6</h1>"},
        {"1/2/3/4/5/6/7/8/", "<title>Index of \u2026/3/4/5/6/7/8/</title>",
         "<ol><li><a href=\"../../../../../../\">\u2026</a></li><li><a "
         "href=\"../../../../../\">3</a></li>",
         "<h1>8</h1>"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_view v = {.path = slice_of(cases[i].path)};
        assert_holds(begin(&v), cases[i].title);
        assert_holds(begin(&v), "<link rel=\"icon\" href=\"data:,\">");
        assert_holds(begin(&v), cases[i].crumbs);
        assert_holds(begin(&v), cases[i].heading);
        if (v.path.len)
            assert_holds(begin(&v), "<a href=\"../\">../</a>");
        else
            assert_lacks(begin(&v), "<a href=\"../");
    }
}

TEST(test_caption)
{
    static const struct {
        uint32_t directories, files;
        bool cut;
        const char *want;
    } cases[] = {
        {0, 0, false, "<caption>This folder is empty</caption>"},
        {1, 0, false, "<caption>1 folder</caption>"},
        {0, 1, false, "<caption>1 file</caption>"},
        {2, 1234567, false, "<caption>2 folders, 1,234,567 files</caption>"},
        {2, 1, true, "<caption>2 folders, 1 file; more are not listed</caption>"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct listing_view v = {
            .directories = cases[i].directories, .files = cases[i].files, .cut = cases[i].cut};
        assert_holds(begin(&v), cases[i].want);
    }
}

// Its text stands between these; a name may hold any bytes.
TEST(test_readme)
{
    struct listing_view v = {.readme = SLICE("a:<b>")};
    for (int cut = 0; cut <= 1; cut++) {
        struct buf b = buf_make(room, sizeof(room));
        listing_end(&b, &v);
        buf_puts(&b, "TEXT");
        listing_end_readme(&b, &v, cut);
        assert_holds(buf_slice(&b), "<h2>a:&lt;b&gt;</h2>\n<pre dir=\"auto\">\nTEXT</pre>\n");
        if (cut)
            assert_holds(buf_slice(&b),
                         "<a type=\"text/plain\" href=./a%3A%3Cb%3E>The whole file</a>");
        else
            assert_lacks(buf_slice(&b), "<a ");
        assert_true(slice_ends_with_nocase(buf_slice(&b), SLICE("</body>\n</html>\n")));
    }
    struct buf b = buf_make(room, sizeof(room));
    listing_end(&b, &(struct listing_view){.cut = false});
    assert_lacks(buf_slice(&b), "<pre");
}

// The column that is sorted by says so, and leads to the other order. No link does, for those who
// mirror would follow it.
TEST(test_columns)
{
    static const char *const keys[] = {"name", "size", "time"};
    static const char form[] =
        "<form method=\"get\"><input type=\"hidden\" name=\"sort\" value=\"%s\">"
        "<button name=\"order\" value=\"%s\">";
    for (int sort = LISTING_NAME; sort <= LISTING_TIME; sort++) {
        for (int descending = 0; descending <= 1; descending++) {
            struct listing_view v = {.sort = (enum listing_sort)sort,
                                     .descending = (bool)descending};
            char want[160], button[128];
            snprintf(button, sizeof(button), form, keys[sort], descending ? "asc" : "desc");
            snprintf(want, sizeof(want), "aria-sort=\"%sending\">%s", descending ? "desc" : "asc",
                     button);
            assert_holds(begin(&v), want);
            int other = (sort + 1) % 3;
            snprintf(button, sizeof(button), form, keys[other],
                     other == LISTING_TIME ? "desc" : "asc");
            snprintf(want, sizeof(want), "<th scope=\"col\">%s", button);
            assert_holds(begin(&v), want);
            assert_lacks(begin(&v), "<a ");
        }
    }
}

// The worst names and paths fit.
TEST(test_bounds)
{
    static const char bytes[] = {'&', '"', '\x01', '\xff', '\\'};
    static char path[64 * 300];
    for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
        memset(path, bytes[i], sizeof(path));
        struct listing_entry e = {slice_make(path, LISTING_NAME_MAX), false, UINT64_MAX, INT64_MAX};
        add(LISTING_HTML, &e, false);
        add(LISTING_JSON, &e, false);
        for (size_t end = 299; end < sizeof(path); end += 300)
            path[end] = '/';
        struct listing_view v = {.path = slice_make(path, sizeof(path)),
                                 .directories = UINT32_MAX / 2,
                                 .files = UINT32_MAX / 2,
                                 .cut = true};
        begin(&v);
    }
}

// A browser gets the name back from href, for each pair of bytes.
TEST(test_hrefs_come_back)
{
    for (int c = 1; c < 256 * 256; c++) {
        char name[] = {'x', (char)(c >> 8), (char)c};
        char decoded[64];
        struct slice back;
        struct listing_entry e = {slice_make(name, sizeof(name)), false, 1, TIME};
        if (memchr(name, '/', sizeof(name)) || memchr(name, '\0', sizeof(name)))
            continue;
        struct slice row = add(LISTING_HTML, &e, true);
        const char *href = (const char *)memmem(row.ptr, row.len, "href=\"", 6) + 6;
        char target[64] = "/";
        size_t len = strcspn(href, "\"");
        memcpy(target + 1, href, len);
        struct slice raw = slice_make(target, len + 1);
        bool hidden;
        int status = urlpath_decode(raw, decoded, &back, &hidden);
        if (status || !slice_equal(back, e.name))
            fail_msg("%02x: %.*s: %d", (unsigned)c, SLICE_ARG(raw), status);
    }
}

TEST(test_types)
{
    assert_slice(listing_type(LISTING_HTML), "text/html; charset=utf-8");
    assert_slice(listing_type(LISTING_JSON), "application/json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),          cmocka_unit_test(test_compare),
        cmocka_unit_test(test_natural_order), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_html_entry),    cmocka_unit_test(test_json_entry),
        cmocka_unit_test(test_json_frame),    cmocka_unit_test(test_path),
        cmocka_unit_test(test_caption),       cmocka_unit_test(test_readme),
        cmocka_unit_test(test_columns),       cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_types),         cmocka_unit_test(test_hrefs_come_back),
    };
    return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
