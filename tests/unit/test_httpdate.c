#include "support/guarded.h"
#include "support/unit.h"

#include "http/httpdate.h"

#define NOW   INT64_C(1767225600) // Thu, 01 Jan 2026 00:00:00 GMT
#define EPOCH INT64_C(784111777)  // the example of RFC 9110 section 5.6.7
#define BAD   INT64_MIN

static const struct {
    const char *text;
    int64_t want;
} cases[] = {
    // RFC 9110 section 5.6.7: the three forms
    {"Sun, 06 Nov 1994 08:49:37 GMT", EPOCH},
    {"Sunday, 06-Nov-94 08:49:37 GMT", EPOCH},
    {"Sun Nov  6 08:49:37 1994", EPOCH},
    {"Sun Nov 06 08:49:37 1994", EPOCH},
    {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
    {"Wed, 31 Dec 1969 23:59:59 GMT", -1},
    {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
    {"Mon, 01 Jan 0001 00:00:00 GMT", -62135596800},
    {"Sat, 01 Jan 0000 00:00:00 GMT", BAD},
    {"Tue, 29 Feb 2000 00:00:00 GMT", 951782400},
    {"Tue, 29 Feb 1900 00:00:00 GMT", BAD},
    {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
    {"Wed, 29 Feb 2023 00:00:00 GMT", BAD},
    {"Fri, 30 Jun 2023 23:59:60 GMT", 1688169600}, // a leap second
    {"Fri, 30 Jun 2023 23:59:61 GMT", BAD},
    {"Fri, 30 Jun 2023 23:60:00 GMT", BAD},
    {"Fri, 30 Jun 2023 24:00:00 GMT", BAD},
    {"Sat, 31 Jun 2023 00:00:00 GMT", BAD},
    {"Sat, 00 Jun 2023 00:00:00 GMT", BAD},
    {"Sat, 32 Jan 2023 00:00:00 GMT", BAD},
    // the year of two digits: 2026 is now
    {"Wednesday, 01-Jan-76 00:00:00 GMT", INT64_C(3345062400)}, // exactly 50 years
    {"Wednesday, 01-Jan-76 00:00:01 GMT", INT64_C(189302401)},
    {"Saturday, 01-Jan-77 00:00:00 GMT", INT64_C(220924800)},
    {"Saturday, 01-Jan-00 00:00:00 GMT", INT64_C(946684800)},
    {"Saturday, 29-Feb-00 00:00:00 GMT", INT64_C(951782400)},
    {"Saturday, 30-Feb-00 00:00:00 GMT", BAD},
    // not dates
    {"", BAD},
    {"S", BAD},
    {"Sun", BAD},
    {"Sun,", BAD},
    {"Sun, 06 Nov 1994 08:49:37", BAD},
    {"Sun, 06 Nov 1994 08:49:37 ", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GM", BAD},
    {"Sun, 06 Nov 1994 08:49:37 UTC", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", BAD},
    {" Sun, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49:37 GMTx", BAD},
    {"Sun, 6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun,  6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 94 08:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 8:49:37 GMT", BAD},
    {"Sun, 06 Nov 1994 08:49 GMT", BAD},
    {"Sun, 06 Nov 1994 08.49.37 GMT", BAD},
    {"Sun, +6 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 nov 1994 08:49:37 GMT", BAD},
    {"sun, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Son, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06 Now 1994 08:49:37 GMT", BAD},
    {"Sunday, 06 Nov 1994 08:49:37 GMT", BAD},
    {"Sun, 06-Nov-94 08:49:37 GMT", BAD},
    {"Sunday, 06-Nov-1994 08:49:37 GMT", BAD},
    {"Sun Nov  6 08:49:37 1994 GMT", BAD},
    {"Sun Nov 6 08:49:37 1994", BAD},
    {"Sun Nov    08:49:37 1994", BAD},
    {"Sun Nov 6  08:49:37 1994", BAD},
    {"784111777", BAD},
    {"0", BAD},
};

TEST(test_parse)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int64_t got = BAD;
        bool ok = httpdate_parse(guarded_text(cases[i].text), NOW, &got);
        if (ok != (cases[i].want != BAD) || got != cases[i].want)
            fail_msg("\"%s\": %lld, want %lld", cases[i].text, (long long)got,
                     (long long)cases[i].want);
    }
}

TEST(test_format)
{
    static const struct {
        int64_t seconds;
        const char *want, *iso;
    } formats[] = {
        {EPOCH, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
        {INT64_MIN, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z"},
        {951868799, "Tue, 29 Feb 2000 23:59:59 GMT", "2000-02-29T23:59:59Z"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT", "2000-03-01T00:00:00Z"},
        {978307199, "Sun, 31 Dec 2000 23:59:59 GMT", "2000-12-31T23:59:59Z"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
        {253402300800, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        char out[HTTPDATE_LEN];
        httpdate_format(formats[i].seconds, out);
        assert_slice(slice_make(out, sizeof(out)), formats[i].want);
        httpdate_format_iso(formats[i].seconds, out);
        assert_slice(slice_make(out, HTTPDATE_ISO_LEN), formats[i].iso);
    }
}

// Every day from 1970 to 2400, each at another second of the day.
TEST(test_round_trip)
{
    for (int64_t t = 0; t < INT64_C(13569465600); t += 86399) {
        char out[HTTPDATE_LEN];
        int64_t got = -1;
        httpdate_format(t, out);
        assert_true(httpdate_parse(slice_make(out, sizeof(out)), 0, &got));
        assert_true(got == t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests_name("httpdate", tests, NULL, NULL);
}
