#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/range.h"

#include <inttypes.h>

static const struct range_case {
    const char *value;
    uint64_t size;
    enum range_result result;
    uint64_t offset, length;
} cases[] = {
    // RFC 9110 section 14.1.2, its examples
    {"bytes=0-499", 10000, RANGE_SATISFIABLE, 0, 500},
    {"bytes=500-999", 10000, RANGE_SATISFIABLE, 500, 500},
    {"bytes=-500", 10000, RANGE_SATISFIABLE, 9500, 500},
    {"bytes=9500-", 10000, RANGE_SATISFIABLE, 9500, 500},
    {"bytes=0-0", 10000, RANGE_SATISFIABLE, 0, 1},
    // the edges of the file
    {"bytes=0-", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=9-9", 10, RANGE_SATISFIABLE, 9, 1},
    {"bytes=9-10", 10, RANGE_SATISFIABLE, 9, 1},
    {"bytes=9-99999", 10, RANGE_SATISFIABLE, 9, 1},
    {"bytes=10-10", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=-10", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=-11", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0},
    // an empty file has no byte to send
    {"bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-0", 0, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=-0", 0, RANGE_UNSATISFIABLE, 0, 0},
    // but a suffix of it is satisfiable, by definition
    {"bytes=-1", 0, RANGE_IGNORED, 0, 0},
    // numbers beyond 64 bits are very large
    {"bytes=0-18446744073709551615", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=0-18446744073709551616", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=0-99999999999999999999999", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=-99999999999999999999999", 10, RANGE_SATISFIABLE, 0, 10},
    {"bytes=99999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=99999999999999999999999-", UINT64_MAX, RANGE_UNSATISFIABLE, 0, 0},
    {"bytes=0-18446744073709551615", UINT64_MAX, RANGE_SATISFIABLE, 0, UINT64_MAX},
    {"bytes=18446744073709551614-", UINT64_MAX, RANGE_SATISFIABLE, UINT64_MAX - 1, 1},
    // section 14.1: units have no case; others are ignored
    {"BYTES=0-0", 10, RANGE_SATISFIABLE, 0, 1},
    {"byte=0-0", 10, RANGE_IGNORED, 0, 0},
    {"lines=0-0", 10, RANGE_IGNORED, 0, 0},
    {"bytes", 10, RANGE_IGNORED, 0, 0},
    {"", 10, RANGE_IGNORED, 0, 0},
    {"=0-0", 10, RANGE_IGNORED, 0, 0},
    // section 14.1.1: syntax
    {"bytes=", 10, RANGE_IGNORED, 0, 0},
    {"bytes=,", 10, RANGE_IGNORED, 0, 0},
    {"bytes=-", 10, RANGE_IGNORED, 0, 0},
    {"bytes=5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=5-4", 10, RANGE_IGNORED, 0, 0},
    {"bytes=50-40", 10, RANGE_IGNORED, 0, 0},
    {"bytes=a-5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0-a", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0-5x", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0--5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=--5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=+0-5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0 -5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0- 5", 10, RANGE_IGNORED, 0, 0},
    {"bytes= 0-5", 10, RANGE_IGNORED, 0, 0},
    {"bytes =0-5", 10, RANGE_IGNORED, 0, 0},
    {"bytes=0-5=", 10, RANGE_IGNORED, 0, 0},
    // section 5.6.1.2: empty members
    {"bytes=,0-5 ,\t,", 10, RANGE_SATISFIABLE, 0, 6},
    // more than there is room for
    {"bytes=0-0,2-2", 10, RANGE_TOO_MANY, 0, 0},
    {"bytes=0-0,20-", 10, RANGE_TOO_MANY, 0, 0},
    {"bytes=20-,0-0", 10, RANGE_TOO_MANY, 0, 0},
};

TEST(test_single)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct range_case *c = &cases[i];
        struct range range = {0, 0};
        size_t count = 1;
        enum range_result result = range_parse(guarded_text(c->value), c->size, &range, &count);
        if (result != c->result)
            fail_msg("%s: %d, want %d", c->value, result, c->result);
        assert_int_equal(count, 1);
        if (result == RANGE_SATISFIABLE) {
            assert_true(range.offset == c->offset);
            assert_true(range.length == c->length);
        }
    }
}

TEST(test_several)
{
    struct range ranges[3];
    size_t count = 3;
    assert_int_equal(range_parse(guarded_text("bytes=8-, 20-30 ,-1"), 10, ranges, &count),
                     RANGE_SATISFIABLE);
    assert_int_equal(count, 2);
    assert_int_equal(ranges[0].offset, 8);
    assert_int_equal(ranges[0].length, 2);
    assert_int_equal(ranges[1].offset, 9);
    assert_int_equal(ranges[1].length, 1);
    count = 3;
    assert_int_equal(range_parse(guarded_text("bytes=0-,x"), 10, ranges, &count), RANGE_IGNORED);
    assert_int_equal(range_parse(guarded_text("bytes=20-,30-"), 10, ranges, &count),
                     RANGE_UNSATISFIABLE);
    assert_int_equal(range_parse(guarded_text("bytes=0-,0-,0-,0-"), 10, ranges, &count),
                     RANGE_TOO_MANY);
    assert_int_equal(count, 3);
}

// Ranges as "offset+length", in order.
static const char *summary(const struct range *ranges, size_t count)
{
    static char text[256];
    struct buf b = buf_make(text, sizeof(text) - 1);
    for (size_t i = 0; i < count; i++)
        buf_printf(&b, "%s%" PRIu64 "+%" PRIu64, i ? " " : "", ranges[i].offset, ranges[i].length);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

// RFC 9110 section 15.3.7.2
TEST(test_coalesce)
{
    static const struct {
        const char *value, *want;
    } coalesced[] = {
        {"0-9", "0+10"},
        // overlapping, touching, near, apart
        {"0-9,5-14", "0+15"},
        {"0-9,0-9", "0+10"},
        {"0-99,10-19", "0+100"},
        {"10-19,0-99", "0+100"},
        {"0-9,10-19", "0+20"},
        {"0-9,137-139", "0+140"},
        {"0-9,138-139", "0+10 138+2"},
        {"138-139,0-9", "138+2 0+10"},
        {"137-139,0-9", "0+140"},
        {"0-,-1", "0+100000"},
        // the order of those that came first
        {"900-909,0-9,905-914", "900+15 0+10"},
        {"0-9,900-909,5-14", "0+15 900+10"},
        {"900-909,500-509,0-9", "900+10 500+10 0+10"},
        // one that joins others
        {"0-9,200-209,100-109", "0+210"},
        {"200-209,0-9,100-109", "0+210"},
        {"0-9,400-409,200-209,9000-,100-109,300-309", "0+410 9000+91000"},
        {"0-0,200-200,400-400,600-600,0-700", "0+701"},
        // to the end
        {"-1,0-0", "99999+1 0+1"},
        {"99990-,-500,0-0", "99500+500 0+1"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(coalesced); i++) {
        char value[64] = "bytes=";
        struct range ranges[8];
        size_t count = ARRAY_SIZE(ranges);
        strcat(value, coalesced[i].value);
        assert_int_equal(range_parse(guarded_text(value), 100000, ranges, &count),
                         RANGE_SATISFIABLE);
        const char *got = summary(ranges, range_coalesce(ranges, count));
        if (strcmp(got, coalesced[i].want) != 0)
            fail_msg("%s: %s, want %s", value, got, coalesced[i].want);
    }
}

TEST(test_coalesce_edges)
{
    struct range ranges[] = {{UINT64_MAX - 1, 1}, {0, 1}, {UINT64_MAX - 200, 100}};
    assert_int_equal(range_coalesce(ranges, 0), 0);
    assert_int_equal(range_coalesce(ranges, 3), 2);
    assert_string_equal(summary(ranges, 2), "18446744073709551415+200 0+1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_coalesce),
        cmocka_unit_test(test_coalesce_edges),
    };
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
