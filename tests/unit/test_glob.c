#include "support/guarded.h"
#include "support/unit.h"

// The module itself, with its steps counted.
static size_t steps;
#define GLOB_STEP() (steps++)
#include "http/glob.c"

#include "base/buf.h"

static const struct {
    const char *pattern, *path;
    const char *captures; // joined by '|'; NULL: no match
} cases[] = {
    // plain bytes
    {"/a", "/a", ""},
    {"/a", "/A", NULL},
    {"/a", "/ab", NULL},
    {"/ab", "/a", NULL},
    {"/a", "", NULL},
    {"/a,b", "/a,b", ""},
    {"\\*\\?\\{\\}\\\\\\a", "*?{}\\a", ""},
    {"/\\*", "/x", NULL},
    {"/\xff?", "/\xff\xfe", ""},
    // one byte
    {"/?", "/a", ""},
    {"/?", "/", NULL},
    {"/?", "//", NULL},
    {"/??", "/a", NULL},
    // a part of a name
    {"/*", "/", ""},
    {"/*", "/abc", "abc"},
    {"/*", "/a/", NULL},
    {"/*.png", "/x.png", "x"},
    {"/*.png", "/.png", ""},
    {"/*.png", "/a/x.png", NULL},
    {"/*.png", "/x.png.png", "x.png"},
    {"/*.*", "/a.b.c", "a|b.c"},
    {"/*a*", "/aaa", "|aa"},
    {"/*/*", "/a/b", "a|b"},
    {"/*/*", "/a/b/c", NULL},
    {"/a*b/*c", "/axbb/yc", "xb|y"},
    {"*a/b*c", "xa/bc", "x|"},
    {"/*ab", "/aab", "a"},
    // anything
    {"**", "", ""},
    {"**", "/a/b", "/a/b"},
    {"/assets/**", "/assets/", ""},
    {"/assets/**", "/assets/css/a.css", "css/a.css"},
    {"/assets/**", "/assets", NULL},
    {"/a**z", "/abc/xyz", "bc/xy"},
    {"/a**z", "/az/z", "z/"},
    {"/**.php", "/a/b.php", "a/b"},
    {"/**x*y", "/x/xzy", "x/|z"},
    {"/**x*/y", "/x/xz/y", "x/|z"},
    {"/**a*b**c", "/ab/a/abxc/c", "||/a/abxc/"},
    {"/**a*b", "/a/ab", "a/|"},
    // directories
    {"/**/a", "/a", ""},
    {"/**/a", "/x/y/a", "x/y"},
    {"/**/a", "/xa", NULL},
    {"/**/a", "/x/a/b", NULL},
    {"**/a", "a", ""},
    {"**/a", "/a", ""},
    {"**/a", "xa", NULL},
    {"/**/", "/", ""},
    {"/**/", "/a/b/", "a/b"},
    {"/**/", "/a", NULL},
    {"/**/**/a", "/x/y/a", "|x/y"},
    {"/**/a/**/b", "/a/x/b", "|x"},
    {"/**/a/**/b", "/y/a/b", "y|"},
    {"/**/index.html", "/docs/index.html", "docs"},
    {"/**/*.css", "/a/b/c.css", "a/b|c"},
    {"/x**/a", "/x/a", ""},
    {"/x**/a", "/xa", NULL},
    {"/{,x/}**/a", "/xa", NULL},
    // texts
    {"/*.{png,jpg}", "/x.jpg", "x|jpg"},
    {"/*.{png,jpg}", "/x.gif", NULL},
    {"/{a,ab}{c,bcd}*", "/abcd", "a|bcd|"},
    {"/{a,ab}{c,bcd}", "/abc", "ab|c"},
    {"/x{,.html}", "/x", ""},
    {"/x{,.html}", "/x.html", ".html"},
    {"/*{,b}", "/ab", "a|b"},
    {"/*{abb,b}b", "/abb", "a|b"},
    {"/{}", "/", ""},
    {"/{a/b,c}/d", "/a/b/d", "a/b"},
    {"/{\\,,\\},\\*}", "/}", "}"},
    {"/{\\,,\\},\\*}", "/,", ","},
    {"/**{a,/a}", "/x/a", "x|/a"},
};

static const char *joined(const struct glob_match *m)
{
    static char text[256];
    struct buf b = buf_make(text, sizeof(text) - 1);
    for (size_t i = 0; i < m->count; i++) {
        if (i)
            buf_putc(&b, '|');
        buf_put(&b, m->captures[i]);
    }
    text[b.len] = '\0';
    return text;
}

TEST(test_match)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct glob_match m = {0};
        struct slice pattern = guarded_text(cases[i].pattern);
        const char *want = cases[i].captures;
        const char *problem = glob_check(pattern);
        if (problem)
            fail_msg("%s: %s", cases[i].pattern, problem);
        bool matched = glob_match(pattern, guarded_text(cases[i].path), &m);
        if (matched != !!want)
            fail_msg("%s, %s: %d", cases[i].pattern, cases[i].path, matched);
        if (want && strcmp(joined(&m), want) != 0)
            fail_msg("%s, %s: %s, want %s", cases[i].pattern, cases[i].path, joined(&m), want);
        if (want)
            assert_int_equal(m.count, glob_captures(pattern));
    }
}

// A path of no bytes may stand nowhere; its captures are slices that can be looked at all the same.
TEST(test_no_path)
{
    static const struct slice nowhere = {NULL, 0};
    struct glob_match m;
    assert_false(glob_match(SLICE("?"), nowhere, &m));
    assert_true(glob_match(SLICE("*{,a}**"), nowhere, &m));
    assert_int_equal(m.count, 3);
    for (size_t i = 0; i < m.count; i++)
        assert_true(m.captures[i].ptr && m.captures[i].len == 0);
}

TEST(test_check)
{
    static const struct {
        const char *pattern, *problem; // a word of it; NULL: none
    } checks[] = {
        {"/", NULL},
        {"", "empty"},
        {"\\\\", NULL},
        {"a\\\\", NULL},
        {"a\\", "escapes"},
        {"\\\\\\", "escapes"},
        {"{\\", "escapes"},
        {"a***", "in a row"},
        {"**\\*", NULL},
        {"**?*", NULL},
        {"{a", "without }"},
        {"{a\\}", "without }"},
        {"{", "without }"},
        {"a}", "without {"},
        {"{a}}", "without {"},
        {"a\\}", NULL},
        {"{a{b}}", "within"},
        {"{a*}", "within"},
        {"{?}", "within"},
        {"{\\*\\?\\{}", NULL},
        {"*a*a*a*a*a*a*a*a*", NULL},
        {"*a*a*a*a*a*a*a*a*{}", "nine"},
        {"{}{}{}{}{}{}{}{}{}{}", "nine"},
        {"*a*a*a*a*a*a*a*a**a**", "nine"},
        {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", NULL},
        {"{a,b}{a,b}{a,b}{a,b}{a,b}{a,b,c}", "64"},
        {"{,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,}", NULL},
        {"{,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,}", "64"},
    };
    char longest[GLOB_MAX_LENGTH + 1];
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        const char *problem = glob_check(guarded_text(checks[i].pattern));
        const char *want = checks[i].problem;
        if (want ? !problem || !strstr(problem, want) : !!problem)
            fail_msg("%s: %s", checks[i].pattern, problem ? problem : "no problem");
    }
    memset(longest, 'a', sizeof(longest));
    assert_null(glob_check(slice_make(longest, GLOB_MAX_LENGTH)));
    assert_non_null(glob_check(slice_make(longest, GLOB_MAX_LENGTH + 1)));
}

// ---- a matcher that tries everything -----------------------------------------------------------

static bool slow_match(const char *start, const char *p, struct slice path, struct glob_match *m);

static bool slow_gap(const char *start, const char *p, struct slice path, struct glob_match *m)
{
    bool any = p[1] == '*';
    bool dirs = any && p[2] == '/' && (p == start || p[-1] == '/');
    const char *next = p + (dirs ? 3 : any ? 2 : 1);
    size_t i = m->count++;
    for (size_t n = 0; n <= path.len; n++) {
        if (!any && n && path.ptr[n - 1] == '/')
            break;
        if (dirs && n && path.ptr[n - 1] != '/')
            continue;
        m->captures[i] = slice_make(path.ptr, n - (dirs && n));
        if (slow_match(start, next, slice_skip(path, n), m))
            return true;
    }
    m->count = i;
    return false;
}

// The texts of the random patterns hold no escapes.
static bool slow_texts(const char *start, const char *p, struct slice path, struct glob_match *m)
{
    size_t i = m->count++, end = strcspn(p, "}");
    for (size_t len = 0; len <= path.len && len < end; len++) {
        for (const char *text = p + 1; text <= p + end; text += strcspn(text, ",}") + 1) {
            if (strcspn(text, ",}") != len || strncmp(text, path.ptr, len) != 0)
                continue;
            m->captures[i] = slice_make(path.ptr, len);
            if (slow_match(start, p + end + 1, slice_skip(path, len), m))
                return true;
        }
    }
    m->count = i;
    return false;
}

static bool slow_match(const char *start, const char *p, struct slice path, struct glob_match *m)
{
    if (*p == '\0')
        return path.len == 0;
    if (*p == '*')
        return slow_gap(start, p, path, m);
    if (*p == '{')
        return slow_texts(start, p, path, m);
    bool escaped = *p == '\\';
    if (path.len == 0)
        return false;
    if (!escaped && *p == '?' ? path.ptr[0] == '/' : path.ptr[0] != p[escaped])
        return false;
    return slow_match(start, p + escaped + 1, slice_skip(path, 1), m);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 16;
}

static const char *random_pattern(uint32_t *seed)
{
    static const char *const words[] = {
        "a",  "b",  "/",    "/",   "ab",     "?",    "\\a",      "*",
        "**", "**", "/**/", "**/", "{a,b/}", "{,a}", "{ab,a,b}", "a/b",
    };
    static char pattern[64];
    do {
        pattern[0] = '\0';
        for (uint32_t n = 1 + next_random(seed) % 7; n; n--)
            strcat(pattern, words[next_random(seed) % ARRAY_SIZE(words)]);
    } while (glob_check(slice_of(pattern)));
    return pattern;
}

TEST(test_same_as_slow)
{
    uint32_t seed = 1;
    size_t matches = 0;
    for (size_t i = 0; i < 100000; i++) {
        struct glob_match fast = {0}, slow = {0};
        const char *pattern = random_pattern(&seed);
        char path[16] = "";
        for (uint32_t n = next_random(&seed) % 13; n; n--)
            strcat(path, &"a\0b\0/"[next_random(&seed) % 3 * 2]);
        bool matched = glob_match(slice_of(pattern), slice_of(path), &fast);
        if (matched != slow_match(pattern, pattern, slice_of(path), &slow))
            fail_msg("%s, %s: %d", pattern, path, matched);
        if (!matched)
            continue;
        matches++;
        assert_int_equal(fast.count, slow.count);
        for (size_t c = 0; c < fast.count; c++)
            if (fast.captures[c].ptr != slow.captures[c].ptr ||
                fast.captures[c].len != slow.captures[c].len)
                fail_msg("%s, %s: %s", pattern, path, joined(&fast));
    }
    assert_true(matches > 5000);
}

TEST(test_covers)
{
    static const struct {
        const char *general, *special;
        bool want;
    } pairs[] = {
        {"/**", "/a/*", true},       {"/**", "/{a,b}", true},
        {"/a/**", "/a/*/**", true},  {"/a/**", "/a/\\*", true},
        {"/a/**", "/a", false},      {"/a/**", "/{a/,b}c", false},
        {"/a/**", "/*/b", false},    {"/a/*", "/a/*", true},
        {"/a/*", "/a/b", false},    // it does, but that is not looked for
        {"/a\\**", "/a\\**", true}, // one * for itself
        {"/a\\**", "/a\\*b", false}, {"/{a,b}**", "/{a,b}c", false},
        {"/?**", "/?a", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
        if (glob_covers(slice_of(pairs[i].general), slice_of(pairs[i].special)) != pairs[i].want)
            fail_msg("%s, %s", pairs[i].general, pairs[i].special);
}

// ---- work --------------------------------------------------------------------------------------

// However a path is made, the steps are bounded by pattern times path.
TEST(test_work)
{
    static const char *const patterns[] = {
        "**a*a*b",    "**a*a*a*a*a*a*a*b", "*a*a*a*a*a*b",     "**a**a**a**a**b", "**aaaaaaaaaab",
        "**a*/a*/*b", "**/a*/**/a*b",      "/**/a/**/a/**/b",  "**/*a*a*a*a*b",   "**?*?*?*?b",
        "**a/*a/*b",  "**{a,aa}*{a,aa}*b", "{a,aa}{a,aa}**aab"};
    static const char *const fillings[] = {"a", "a/", "aa/", "/a", "aaaaaaaaaaaaaaaaaaaaaaaa/",
                                           "/"};
    static char path[4096];
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(fillings); j++) {
            struct glob_match m;
            struct slice pattern = slice_of(patterns[i]);
            for (size_t at = 0; at < sizeof(path); at++)
                path[at] = fillings[j][at % strlen(fillings[j])];
            steps = 0;
            assert_null(glob_check(pattern));
            glob_match(pattern, slice_make(path, sizeof(path)), &m);
            if (steps > count_choices(pattern) * pattern.len * sizeof(path))
                fail_msg("%s, %s: %zu steps", patterns[i], fillings[j], steps);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match),  cmocka_unit_test(test_no_path),
        cmocka_unit_test(test_check),  cmocka_unit_test(test_same_as_slow),
        cmocka_unit_test(test_covers), cmocka_unit_test(test_work),
    };
    return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
