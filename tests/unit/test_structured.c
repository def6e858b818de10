#include "guarded.h"
#include "unit.h"

#include "base/buf.h"
#include "http/structured.h"

#define NONE INT64_MIN

// RFC 8941: what the key "a" has in these lines
static const struct {
    const char *lines[2];
    int64_t want;
} cases[] = {
    {{NULL}, NONE},
    {{""}, NONE},
    {{"a=1"}, 1},
    {{"a=0"}, 0},
    {{"a=-5"}, -5},
    {{"a=007"}, 7},
    {{"b=1"}, NONE},
    {{"b=1, a=2"}, 2},
    {{"b=1,a=2"}, 2},
    {{"b=1 \t,\t a=2"}, 2},
    {{"b=1", "a=2"}, 2},
    {{"", "a=2"}, 2},
    // section 3.2: the last of equal keys counts
    {{"a=1, a=2"}, 2},
    {{"a=1", "a=2"}, 2},
    {{"a=1, a"}, NONE},
    // section 3.3.1: up to 15 digits
    {{"a=999999999999999"}, 999999999999999},
    {{"a=-999999999999999"}, -999999999999999},
    {{"a=1000000000000000"}, NONE},
    {{"a=99999999999999999999999999"}, NONE},
    // other values count, but are no integers
    {{"a"}, NONE},
    {{"a=?1"}, NONE},
    {{"a=1.5"}, NONE},
    {{"a=x"}, NONE},
    {{"a=\"1\""}, NONE},
    {{"a=:MQ==:"}, NONE},
    {{"a=(1)"}, NONE},
    {{"b, a=2"}, 2},
    {{"b=?0, a=2"}, 2},
    {{"b=-1.125, a=2"}, 2},
    {{"b=123456789012.123, a=2"}, 2},
    {{"b=*t:o/k.en~, a=2"}, 2},
    {{"b=\"x,\\\"a=3\\\\\", a=2"}, 2},
    {{"b=\"\", a=2"}, 2},
    {{"b=:aGk+/w==:, a=2"}, 2},
    {{"b=::, a=2"}, 2},
    {{"b=(), a=2"}, 2},
    {{"b=( 1  x \"y\";z=1 ), a=2"}, 2},
    {{"b=(1 2);x;y=?1, a=2"}, 2},
    // parameters
    {{"a=2;x"}, 2},
    {{"a=2; x=1;  *y=\"z\";z_-.9"}, 2},
    {{"b;x=1, a=2"}, 2},
    // what is malformed anywhere
    {{"a=2,"}, NONE},
    {{"a=2, "}, NONE},
    {{",a=2"}, NONE},
    {{"b,,a=2"}, NONE},
    {{"a=2 b"}, NONE},
    {{"a=2x"}, NONE},
    {{"a =2"}, NONE},
    {{"a= 2"}, NONE},
    {{"a="}, NONE},
    {{"a=-"}, NONE},
    {{"a=+2"}, NONE},
    {{"A=2, a=2"}, NONE},
    {{"1b, a=2"}, NONE},
    {{"=1, a=2"}, NONE},
    {{"a=2, b=!"}, NONE},
    {{"a=2, b=?2"}, NONE},
    {{"a=2, b=?"}, NONE},
    {{"a=2, b=1."}, NONE},
    {{"a=2, b=.5"}, NONE},
    {{"a=2, b=1.2345"}, NONE},
    {{"a=2, b=1234567890123.1"}, NONE},
    {{"a=2, b=\"x"}, NONE},
    {{"a=2, b=\""}, NONE},
    {{"a=2, b=\"\\x\""}, NONE},
    {{"a=2, b=\"x\\"}, NONE},
    {{"a=2, b=\"\xc3\xa4\""}, NONE},
    {{"a=2, b=\"\t\""}, NONE},
    {{"a=2, b=:x"}, NONE},
    {{"a=2, b=:-:"}, NONE},
    {{"a=2, b=("}, NONE},
    {{"a=2, b=(1"}, NONE},
    {{"a=2, b=(1,2)"}, NONE},
    {{"a=2, b=(1\"x\")"}, NONE},
    {{"a=2, b=(!)"}, NONE},
    {{"a=2, b=(1;=)"}, NONE},
    {{"a=2;"}, NONE},
    {{"a=2;x="}, NONE},
    {{"a=2 ;x"}, NONE},
    {{"a=2;X"}, NONE},
    {{"a=2;x=(1)"}, NONE},
    {{"a=2", "b="}, NONE},
    {{"b=", "a=2"}, NONE},
};

static void test_integer(void **state)
{
    static struct request r;
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t got = NONE;
        r.field_count = 0;
        for (size_t j = 0; j < 2 && cases[i].lines[j]; j++)
            r.fields[r.field_count++] = (struct field){SLICE("x"), guarded_text(cases[i].lines[j]),
                                                       FIELD_WANT_REPR_DIGEST};
        r.first[FIELD_WANT_REPR_DIGEST] = r.fields[0].value;
        bool found = structured_integer(&r, FIELD_WANT_REPR_DIGEST, SLICE("a"), &got);
        if (got != cases[i].want || found != (got != NONE))
            fail_msg("%zu: %s: %lld", i, cases[i].lines[0], (long long)got);
        assert_false(structured_integer(&r, FIELD_ORIGIN, SLICE("a"), &got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integer),
    };
    return cmocka_run_group_tests_name("structured", tests, NULL, NULL);
}
