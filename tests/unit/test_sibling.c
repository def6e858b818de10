#include "support/unit.h"

#include "precompress/sibling.h"

TEST(test_suits)
{
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"index.html", true},   {"a/b/style.css", true},
        {"APP.JS", true},       {"data.json", true},
        {"feed.atom", true},    {"logo.svg", true},
        {"m.wasm", true},       {"favicon.ico", true},
        {"a.bmp", true},        {"f.ttf", true},
        {"f.otf", true},        {"f.eot", true},
        {"app.js.map", true},   {"sitemap.xml", true},
        {"notes.txt", true},    {"a.webmanifest", true},
        {"f.woff2", false},     {"a.png", false},
        {"a.jpg", false},       {"a.mp4", false},
        {"a.zip", false},       {"a.css.gz", false},
        {"a.css.br", false},    {"a.css.zst", false},
        {"noextension", false}, {"a.tar", false},
        {"a.pdf", false},       {"", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (sibling_suits(slice_of(cases[i].name)) != cases[i].want)
            fail_msg("%s", cases[i].name);
}

TEST(test_judge)
{
    static const struct {
        off_t size;
        struct timespec mtime;
        mode_t sibling; // 0: none
        struct timespec sibling_mtime;
        enum sibling_state want;
    } cases[] = {
        {255, {9, 0}, 0, {0, 0}, SIBLING_NEEDLESS},
        {256, {9, 0}, 0, {0, 0}, SIBLING_MISSING},
        {0, {9, 0}, 0, {0, 0}, SIBLING_NEEDLESS},
        {INT64_C(1) << 40, {9, 0}, 0, {0, 0}, SIBLING_MISSING},
        {999, {9, 5}, S_IFREG | 0644, {9, 5}, SIBLING_FRESH},
        {999, {9, 5}, S_IFREG | 0644, {9, 6}, SIBLING_FRESH},
        {999, {9, 5}, S_IFREG | 0644, {10, 0}, SIBLING_FRESH},
        {999, {9, 5}, S_IFREG | 0644, {9, 4}, SIBLING_STALE},
        {999, {9, 5}, S_IFREG | 0644, {8, 999999999}, SIBLING_STALE},
        {999, {-1, 5}, S_IFREG | 0644, {-2, 9}, SIBLING_STALE},
        {1, {9, 5}, S_IFREG | 0644, {1, 0}, SIBLING_STALE},
        {1, {9, 5}, S_IFREG | 0644, {9, 5}, SIBLING_FRESH},
        {999, {9, 5}, S_IFDIR | 0755, {1, 0}, SIBLING_FOREIGN},
        {999, {9, 5}, S_IFLNK | 0777, {1, 0}, SIBLING_FOREIGN},
        {1, {9, 5}, S_IFIFO | 0644, {10, 0}, SIBLING_FOREIGN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct stat original = {.st_size = cases[i].size, .st_mtim = cases[i].mtime};
        struct stat sibling = {.st_mode = cases[i].sibling, .st_mtim = cases[i].sibling_mtime};
        if (sibling_judge(&original, cases[i].sibling ? &sibling : NULL) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

TEST(test_size_max)
{
    static const struct {
        uint64_t size, want;
    } cases[] = {{0, 0},     {19, 19},    {20, 19},
                 {256, 244}, {1000, 950}, {UINT64_C(20) << 32, UINT64_C(19) << 32}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(sibling_size_max(cases[i].size), cases[i].want);
}

TEST(test_name)
{
    char long_name[NAME_MAX + 1] = "", got[NAME_MAX + 1] = "untouched";
    assert_true(sibling_name(got, "a\n.css", ".br"));
    assert_string_equal(got, "a\n.css.br");
    memset(long_name, 'a', NAME_MAX - 3);
    assert_true(sibling_name(got, long_name, ".br"));
    assert_int_equal(strlen(got), NAME_MAX);
    strcpy(got, "untouched");
    assert_false(sibling_name(got, long_name, ".zst"));
    assert_string_equal(got, "untouched");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suits),
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_size_max),
        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests_name("sibling", tests, NULL, NULL);
}
