#include "support/unit.h"

#include "base/num.h"
#include "http/chars.h"
#include "http/multipart.h"

static const struct range ranges[] = {{990, 10}, {0, 1}, {100, 200}};
static char file[1000];

static struct multipart make(const char *etag, const char *type)
{
    struct multipart m;
    const struct multipart_file of = {slice_of(etag), slice_of(type), sizeof(file)};
    multipart_init(&m, &of, ranges, ARRAY_SIZE(ranges));
    return m;
}

// Puts the whole content together.
static void build(struct buf *b, const struct multipart *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        multipart_part(b, m, &ranges[i]);
        buf_put(b, slice_make(file + ranges[i].offset, (size_t)ranges[i].length));
    }
    multipart_end(b, m);
    assert_false(b->overflow);
}

static struct slice boundary_of(const struct multipart *m, char text[static 256])
{
    struct buf b = buf_make(text, 256);
    multipart_type(&b, m);
    struct slice type = buf_slice(&b), prefix = SLICE("multipart/byteranges; boundary=");
    assert_true(slice_starts_with(type, prefix));
    return slice_skip(type, prefix.len);
}

// ---- a reader of multipart content (RFC 2046 section 5.1) --------------------------------------

static void expect(struct slice *s, struct slice text)
{
    if (!slice_starts_with(*s, text))
        fail_msg("got \"%.*s\", want \"%.*s\"", SLICE_ARG(*s), SLICE_ARG(text));
    *s = slice_skip(*s, text.len);
}

static uint64_t expect_number(struct slice *s, char end)
{
    uint64_t value = 0;
    assert_true(num_parse_dec(slice_split(s, end), UINT64_MAX, &value));
    return value;
}

static void expect_delimiter(struct slice *s, struct slice boundary)
{
    expect(s, SLICE("\r\n--"));
    expect(s, boundary);
}

static void expect_part(struct slice *s, struct slice boundary, const char *type,
                        const struct range *range)
{
    expect_delimiter(s, boundary);
    expect(s, SLICE("\r\n"));
    if (type) {
        expect(s, SLICE("Content-Type: "));
        expect(s, slice_of(type));
        expect(s, SLICE("\r\n"));
    }
    expect(s, SLICE("Content-Range: bytes "));
    assert_int_equal(expect_number(s, '-'), range->offset);
    assert_int_equal(expect_number(s, '/'), range->offset + range->length - 1);
    assert_int_equal(expect_number(s, '\r'), sizeof(file));
    expect(s, SLICE("\n\r\n"));
    expect(s, slice_make(file + range->offset, (size_t)range->length));
}

static void check(const char *type)
{
    char content[2048], text[256];
    struct multipart m = make("\"a\"", type);
    struct buf b = buf_make(content, sizeof(content));
    struct slice boundary = boundary_of(&m, text);
    build(&b, &m);
    assert_int_equal(multipart_length(&m, ranges, ARRAY_SIZE(ranges)), b.len);
    struct slice rest = buf_slice(&b);
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        expect_part(&rest, boundary, type, &ranges[i]);
    expect_delimiter(&rest, boundary);
    assert_slice(rest, "--\r\n");
}

TEST(test_content)
{
    for (size_t i = 0; i < sizeof(file); i++)
        file[i] = (char)i;
    check("text/html; charset=utf-8");
    check(NULL);
}

// The same state and ranges give the same boundary, others another. It needs no quotes.
TEST(test_boundary)
{
    char one_text[256], other_text[256];
    struct multipart one = make("\"a\"", NULL), other = make("\"a\"", "text/plain");
    struct slice boundary = boundary_of(&one, one_text);
    assert_int_equal(boundary.len, MULTIPART_BOUNDARY_LEN);
    assert_true(chars_all(boundary, CHAR_TOKEN));
    assert_true(slice_equal(boundary, boundary_of(&other, other_text)));
    other = make("\"b\"", NULL);
    assert_false(slice_equal(boundary, boundary_of(&other, other_text)));
    const struct multipart_file of = {SLICE("\"a\""), SLICE(""), sizeof(file)};
    multipart_init(&other, &of, ranges, 2);
    assert_false(slice_equal(boundary, boundary_of(&other, other_text)));
    other = make(NULL, NULL);
    assert_int_equal(boundary_of(&other, other_text).len, MULTIPART_BOUNDARY_LEN);
}

// The largest numbers and the longest type fit.
TEST(test_room)
{
    static const struct range last = {UINT64_MAX - 1, 1};
    char type[256], text[MULTIPART_TEXT_MAX];
    struct buf b = buf_make(text, sizeof(text));
    struct multipart m;
    memset(type, 'a', sizeof(type));
    const struct multipart_file of = {SLICE(""), slice_make(type, sizeof(type)), UINT64_MAX};
    multipart_init(&m, &of, &last, 1);
    multipart_part(&b, &m, &last);
    assert_false(b.overflow);
    assert_true(b.len < multipart_length(&m, &last, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_boundary),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
