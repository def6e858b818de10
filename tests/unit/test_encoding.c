#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/encoding.h"

static const enum coding all[] = {CODING_ZSTD, CODING_BR, CODING_GZIP};

// RFC 9110 section 12.5.3
static const struct {
    const char *fields;
    const char *want; // of `all`, in this order
} cases[] = {
    {"", ""},
    {"Accept-Encoding:\r\n", ""},
    {"Accept-Encoding: ,\r\n", ""},
    {"Accept-Encoding: gzip\r\n", "gzip "},
    {"Accept-Encoding: GZip\r\n", "gzip "},
    {"Accept-Encoding: x-gzip\r\n", "gzip "},
    {"Accept-Encoding: deflate, compress\r\n", ""},
    {"Accept-Encoding: gzip, deflate, br, zstd\r\n", "zstd br gzip "},
    {"Accept-Encoding: gzip;q=1.0, br;q=0.9, zstd;q=0.8\r\n", "gzip br zstd "},
    {"Accept-Encoding: gzip;q=0.5, br;q=0.5\r\n", "br gzip "},
    {"Accept-Encoding: gzip;q=0.501, br;q=0.5\r\n", "gzip br "},
    {"Accept-Encoding: br;q=0.001\r\n", "br "},
    {"Accept-Encoding: gzip, br;q=0\r\n", "gzip "},
    {"Accept-Encoding: gzip;q=0\r\n", ""},
    {"Accept-Encoding: gzip;q=5, br\r\n", "br "},
    {"Accept-Encoding: gzip;level=9, br\r\n", "br "},
    {"Accept-Encoding: gzip\r\nX: y\r\nAccept-Encoding: br\r\n", "br gzip "},
    // '*' stands for those that are not named
    {"Accept-Encoding: *\r\n", "zstd br gzip "},
    {"Accept-Encoding: *;q=0\r\n", ""},
    {"Accept-Encoding: br;q=0, *\r\n", "zstd gzip "},
    {"Accept-Encoding: *;q=0, gzip\r\n", "gzip "},
    {"Accept-Encoding: gzip;q=0.5, *;q=0.7\r\n", "zstd br "},
    {"Accept-Encoding: gzip;q=0.7, *;q=0.5\r\n", "gzip zstd br "},
    // identity
    {"Accept-Encoding: identity\r\n", ""},
    {"Accept-Encoding: identity, gzip\r\n", "gzip "},
    {"Accept-Encoding: Identity;q=1, gzip;q=0.5\r\n", ""},
    {"Accept-Encoding: identity;q=0.5, gzip;q=0.5, br;q=0.4\r\n", "gzip "},
    {"Accept-Encoding: identity;q=0, gzip;q=0.1\r\n", "gzip "},
    {"Accept-Encoding: identity;q=0\r\n", ""},
    {"Accept-Encoding: identity;q=0.5, *;q=0.1\r\n", ""},
    {"Accept-Encoding: identity;q=0.1, *;q=0.5\r\n", "zstd br gzip "},
    // the first of several for one coding
    {"Accept-Encoding: gzip, gzip;q=0\r\n", "gzip "},
    {"Accept-Encoding: x-gzip;q=0, gzip\r\n", ""},
    {"Accept-Encoding: *;q=0, *\r\n", ""},
};

static struct request request;

static void parse(const char *fields)
{
    char head[512];
    struct buf b = buf_make(head, sizeof(head));
    buf_puts(&b, "GET / HTTP/1.0\r\n");
    buf_puts(&b, fields);
    buf_puts(&b, "\r\n");
    assert_false(b.overflow);
    assert_int_equal(request_parse(guarded(buf_slice(&b)), &request), 0);
}

TEST(test_rank)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char got[64] = "";
        enum coding ranked[CODING_COUNT];
        parse(cases[i].fields);
        size_t count = encoding_rank(&request, all, ARRAY_SIZE(all), ranked);
        for (size_t j = 0; j < count; j++) {
            strncat(got, encoding_name(ranked[j]).ptr, encoding_name(ranked[j]).len);
            strcat(got, " ");
        }
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: %s, want %s", cases[i].fields, got, cases[i].want);
    }
}

TEST(test_rank_offered)
{
    static const enum coding offered[] = {CODING_GZIP, CODING_BR};
    enum coding ranked[CODING_COUNT];
    parse("Accept-Encoding: zstd, br, gzip\r\n");
    assert_int_equal(encoding_rank(&request, NULL, 0, ranked), 0);
    assert_int_equal(encoding_rank(&request, offered, 1, ranked), 1);
    assert_int_equal(encoding_rank(&request, offered, 2, ranked), 2);
    assert_int_equal(ranked[0], CODING_GZIP);
    assert_int_equal(ranked[1], CODING_BR);
}

TEST(test_names)
{
    static const struct {
        enum coding coding;
        const char *name, *suffix;
    } names[] = {
        {CODING_IDENTITY, "", ""},
        {CODING_ZSTD, "zstd", ".zst"},
        {CODING_BR, "br", ".br"},
        {CODING_GZIP, "gzip", ".gz"},
    };
    assert_int_equal(ARRAY_SIZE(names), CODING_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        enum coding coding = CODING_COUNT;
        assert_slice(encoding_name(names[i].coding), names[i].name);
        assert_slice(encoding_suffix(names[i].coding), names[i].suffix);
        assert_int_equal(encoding_parse(guarded_text(names[i].name), &coding), i != 0);
        assert_int_equal(coding, i ? names[i].coding : CODING_COUNT);
    }
}

TEST(test_parse)
{
    static const char *const unknown[] = {"", "identity", "*", "gz", "gzipp", "br ", "deflate"};
    enum coding coding = CODING_COUNT;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_false(encoding_parse(guarded_text(unknown[i]), &coding));
    assert_int_equal(coding, CODING_COUNT);
    assert_true(encoding_parse(SLICE("X-GZIP"), &coding));
    assert_int_equal(coding, CODING_GZIP);
    assert_true(encoding_parse(SLICE("Br"), &coding));
    assert_int_equal(coding, CODING_BR);
}

TEST(test_of_file)
{
    assert_int_equal(encoding_of_file(SLICE("a/b.svgz")), CODING_GZIP);
    assert_int_equal(encoding_of_file(SLICE("A.SVGZ")), CODING_GZIP);
    assert_int_equal(encoding_of_file(SLICE("a.svg")), CODING_IDENTITY);
    assert_int_equal(encoding_of_file(SLICE("a.tar.gz")), CODING_IDENTITY);
    assert_int_equal(encoding_of_file(SLICE("svgz")), CODING_IDENTITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rank),    cmocka_unit_test(test_rank_offered),
        cmocka_unit_test(test_names),   cmocka_unit_test(test_parse),
        cmocka_unit_test(test_of_file),
    };
    return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
