#include "support/unit.h"

#include "http/forwarded.h"

#include <stdio.h>

// Short names, for the table.
#define XFF        FORWARDED_X_FORWARDED_FOR
#define FWD        FORWARDED_FORWARDED
#define NO_SCHEME  SCHEME_UNSET
#define HTTP       SCHEME_HTTP
#define HTTPS      SCHEME_HTTPS
#define STRANGER   FORWARDED_BY_STRANGER
#define NOBODY     FORWARDED_BY_NOBODY
#define CLIENT     FORWARDED_CLIENT
#define NO_ADDRESS FORWARDED_NO_ADDRESS
#define ALL        FORWARDED_ALL_TRUSTED

static const char *const trusted[] = {"10.0.0.0/8", "fd00::/8", "unix"};

static bool is_trusted(void *context, const struct network *address)
{
    ++*(size_t *)context;
    for (size_t i = 0; i < ARRAY_SIZE(trusted); i++) {
        struct network n;
        assert_null(network_parse(slice_of(trusted[i]), &n));
        if (network_has(&n, address))
            return true;
    }
    return false;
}

struct row {
    enum forwarded_field field;
    const char *peer;
    const char *lines; // with CRLF between them
    const char *client;
    enum forwarded_end end;
    enum scheme scheme;
};

#define X(value) "X-Forwarded-For: " value
#define F(value) "Forwarded: " value
#define P(value) "X-Forwarded-Proto: " value
#define AND      "\r\n"

// 192.0.2.0/24 is where clients are, 203.0.113.0/24 the addresses that they claim.
static const struct row rows[] = {
    // As proxies say it.
    {XFF, "10.0.0.1", X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "unix", X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "::ffff:10.0.0.1", X("::ffff:192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "fd00::1", X("2001:db8::7"), "2001:db8::7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:4711"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:0"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("[2001:db8::7]"), "2001:db8::7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("[2001:db8::7]:65535"), "2001:db8::7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("\"[2001:db8::7]:80\""), "2001:db8::7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7,10.0.0.2 ,\t10.0.0.3"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("10.0.0.2, 10.0.0.3"), "10.0.0.2", ALL, NO_SCHEME},
    {XFF, "10.0.0.1", "Accept: */*", "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "192.0.2.7", "Accept: */*", "192.0.2.7", STRANGER, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("For=\"192.0.2.7:47011\";Proto=HTTPS"), "192.0.2.7", CLIENT, HTTPS},
    {FWD, "10.0.0.1", F("FOR=\"[2001:db8::7]:4711\""), "2001:db8::7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=\"[2001:db8::7]:_port\""), "2001:db8::7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=2001:db8::7"), "2001:db8::7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=[2001:db8::7]:80"), "2001:db8::7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=\"::ffff:192.0.2.7\""), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=\"192.\\0.2.7\""), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("by=10.0.0.1 ; for=192.0.2.7 ;; host=a;proto=http;"), "192.0.2.7", CLIENT,
     HTTP},
    {FWD, "10.0.0.1", F("for=192.0.2.7;host=\"a;for=203.0.113.1\""), "192.0.2.7", CLIENT,
     NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;proto=https, for=10.0.0.2;proto=http"), "192.0.2.7", CLIENT,
     HTTPS},
    {FWD, "10.0.0.1", F("for=10.0.0.3;proto=https" AND F("for=10.0.0.2")), "10.0.0.3", ALL, HTTPS},

    // Lies: whoever is not trusted says what it likes.
    {XFF, "192.0.2.7", X("203.0.113.1"), "192.0.2.7", STRANGER, NO_SCHEME},
    {XFF, "192.0.2.7", X("10.0.0.1"), "192.0.2.7", STRANGER, NO_SCHEME},
    {XFF, "192.0.2.7", P("https"), "192.0.2.7", STRANGER, NO_SCHEME},
    {FWD, "192.0.2.7", F("for=203.0.113.1;proto=https"), "192.0.2.7", STRANGER, NO_SCHEME},
    {XFF, "fd00::1", X("fe80::1"), "fe80::1", CLIENT, NO_SCHEME},
    {XFF, "11.0.0.1", X("203.0.113.1"), "11.0.0.1", STRANGER, NO_SCHEME},
    // The client's own words stand in front of the proxy's.
    {XFF, "10.0.0.1", X("203.0.113.1, 192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1") AND X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("10.0.0.9, 192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("10.0.0.9") AND X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1") AND X("192.0.2.7, 10.0.0.2"), "192.0.2.7", CLIENT,
     NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1, 10.0.0.9, 192.0.2.7, 10.0.0.2"), "192.0.2.7", CLIENT,
     NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1,,192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("\"203.0.113.1, 192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("") AND X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1,") AND X("192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    // The field that is not the named one, by names that are like it, too.
    {XFF, "10.0.0.1", F("for=203.0.113.1;proto=https"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7") AND F("for=203.0.113.1"), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", X("203.0.113.1") AND P("https"), "10.0.0.1", NOBODY, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7") AND X("203.0.113.1"), "192.0.2.7", CLIENT, NO_SCHEME},
    {XFF, "10.0.0.1", "X_Forwarded_For: 203.0.113.1", "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", "X-Forwarded-For2: 203.0.113.1", "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", "X-Real-IP: 203.0.113.1", "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", "Client-IP: 203.0.113.1", "10.0.0.1", NOBODY, NO_SCHEME},
    // No address: the walk ends at the last good one, never behind it.
    {XFF, "10.0.0.1", X("203.0.113.1, unix:"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1, unknown"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1, _hidden"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1,"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X(""), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1") AND X(""), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1, ::"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("0.0.0.0"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("203.0.113.1, unix:, 10.0.0.2"), "10.0.0.2", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:65536"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:000080"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:80:80"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:-1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7:_"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1",
     X("192.0.2.7 "
       "203.0.113.1"),
     "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.07"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("0x7f000001"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("3221225991"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.0/24"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("localhost"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("unix"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("all"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("[192.0.2.7]"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("[2001:db8::7"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("[]"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("[2001:db8::7]80"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("[[2001:db8::7]]"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("2001:db8::7]"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("fe80::1%eth0"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("\"192.0.2.7"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("\"\"192.0.2.7\"\""), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("for=192.0.2.7"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {XFF, "10.0.0.1", X("192.0.2.7;203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    // Quotes of the client do not swallow a proxy's comma.
    {FWD, "10.0.0.1", F("for=\"203.0.113.1, for=192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=203.0.113.1;x=\"") AND F("for=192.0.2.7"), "192.0.2.7", CLIENT,
     NO_SCHEME},
    {FWD, "10.0.0.1", F("for=203.0.113.1;x=\", for=192.0.2.7;host=\"a"), "192.0.2.7", CLIENT,
     NO_SCHEME},
    {FWD, "10.0.0.1", F("for=203.0.113.1;x=\"\\, for=192.0.2.7"), "192.0.2.7", CLIENT, NO_SCHEME},
    // Malformed elements.
    {FWD, "10.0.0.1", F("for=203.0.113.1, for=unix:"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=203.0.113.1, for=unknown;proto=https"), "10.0.0.1", NO_ADDRESS, HTTPS},
    {FWD, "10.0.0.1", F("for=_hidden"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("by=203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("=203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for =203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for= 203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;for=203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;FOR=192.0.2.7"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=\"192.0.2.7\"x"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=\"192.0.2.7\\\""), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7 for=203.0.113.1"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;proto=https;proto=http"), "10.0.0.1", NO_ADDRESS, NO_SCHEME},
    // Schemes: one word of two, once.
    {XFF, "10.0.0.1", P("https"), "10.0.0.1", NOBODY, HTTPS},
    {XFF, "10.0.0.1", P("HTTP"), "10.0.0.1", NOBODY, HTTP},
    {XFF, "10.0.0.1", P("https, http"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", P("https, https"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", P("https") AND P("https"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", P("wss"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", P("httpsx"), "10.0.0.1", NOBODY, NO_SCHEME},
    {XFF, "10.0.0.1", P(""), "10.0.0.1", NOBODY, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;proto=ftp"), "192.0.2.7", CLIENT, NO_SCHEME},
    {FWD, "10.0.0.1", F("for=192.0.2.7;proto=\"https\""), "192.0.2.7", CLIENT, HTTPS},
    {FWD, "10.0.0.1", F("for=203.0.113.1;proto=https, for=192.0.2.7"), "192.0.2.7", CLIENT,
     NO_SCHEME},
};

static struct network network_of(const char *text)
{
    struct network n;
    const char *problem = network_parse(slice_of(text), &n);
    assert_null(problem);
    return n;
}

static struct forwarded walk(const struct row *row, const char *lines, size_t *ret_asked)
{
    static struct request r;
    static char head[4096];
    struct network peer = network_of(row->peer);
    struct forwarded got;
    struct forwarded_trust trust = {is_trusted, ret_asked};
    int len = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", lines);
    *ret_asked = 0;
    assert_int_equal(request_parse(slice_make(head, (size_t)len), &r), REASON_NONE);
    forwarded_walk(&r, row->field, &peer, &trust, &got);
    return got;
}

static void expect_row(const struct row *row, const struct forwarded *got)
{
    struct network want = network_of(row->client);
    if (!network_has(&want, &got->client) || got->end != row->end || got->scheme != row->scheme)
        fail_msg("%s, %s: end %d, scheme %d", row->peer, row->lines, got->end, got->scheme);
    if (got->client.kind == NETWORK_IP)
        assert_int_equal(got->client.bits, 128);
}

TEST(test_walks)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        size_t asked;
        struct forwarded got = walk(&rows[i], rows[i].lines, &asked);
        expect_row(&rows[i], &got);
    }
}

// Once a word has settled the client, nothing that the client put in front of it counts.
TEST(test_nothing_in_front_counts)
{
    static const char *const fronts[][2] = {
        {"X-Forwarded-For: 203.0.113.9\r\n", "Forwarded: for=203.0.113.9;proto=https\r\n"},
        {"X-Forwarded-For: \"\r\n", "Forwarded: for=\"\r\n"},
        {"X-Forwarded-For: 10.0.0.7,\r\n", "Forwarded: for=10.0.0.7,\r\n"},
        {"X-Forwarded-For: unknown\r\n", "Forwarded: for=203.0.113.9;x=\"\\\r\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(fronts); i++) {
        const struct row *row = &rows[i / ARRAY_SIZE(fronts)];
        char lines[2048];
        size_t asked, asked_before;
        if (row->end == NOBODY || row->end == ALL)
            continue;
        walk(row, row->lines, &asked_before);
        snprintf(lines, sizeof(lines), "%s%s", fronts[i % ARRAY_SIZE(fronts)][row->field == FWD],
                 row->lines);
        struct forwarded got = walk(row, lines, &asked);
        expect_row(row, &got);
        assert_int_equal(asked, asked_before);
    }
}

TEST(test_element)
{
    static const struct row two = {XFF,         "10.0.0.1", X("203.0.113.1, 192.0.2.7 , 10.0.0.2"),
                                   "192.0.2.7", CLIENT,     NO_SCHEME};
    size_t asked;
    struct forwarded got = walk(&two, two.lines, &asked);
    assert_slice(got.element, "192.0.2.7");
    assert_int_equal(asked, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_nothing_in_front_counts),
        cmocka_unit_test(test_element),
    };
    return cmocka_run_group_tests_name("forwarded", tests, NULL, NULL);
}
