#include "support/unit.h"

#include "server/inflight.h"

#include <arpa/inet.h>
#include <stdio.h>

static struct sockaddr_in6 peer(uint32_t ipv4)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ipv4)};
    struct sockaddr_in6 any = {0};
    memcpy(&any, &in, sizeof(in));
    return any;
}

static const char *describe(const struct inflight *f, int64_t now)
{
    static char text[1024];
    struct inflight copy;
    struct buf b = buf_make(text, sizeof(text) - 1);
    if (!inflight_read(f, &copy))
        return NULL;
    inflight_describe(&b, &copy, now);
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

TEST(test_current)
{
    struct inflight_table f = {0};
    const struct sockaddr_in6 p = peer(0xc0000201);
    assert_null(describe(&f.entries[0], 5));
    inflight_begin(&f, &p, SLICE("GET / HTTP/1.1\r\nCookie: secret\r\n\r\n"), 1000);
    assert_string_equal(describe(&f.entries[0], 1012), "\"GET / HTTP/1.1\" of 192.0.2.1 for 12 ms");
    inflight_begin(&f, &p, SLICE("GET /half"), 1000);
    assert_string_equal(describe(&f.entries[0], 1000), "\"GET /half\" of 192.0.2.1 for 0 ms");
    inflight_end(&f);
    assert_null(describe(&f.entries[0], 5));
}

TEST(test_lines)
{
    char line[2 * INFLIGHT_LINE], want[2 * INFLIGHT_LINE];
    static const struct {
        const char *head, *want;
    } cases[] = {
        {"", "a request that is not known of 192.0.2.1 for 0 ms"},
        {"\r\nGET", "a request that is not known of 192.0.2.1 for 0 ms"},
        {"GET /\nHost: x", "\"GET /\" of 192.0.2.1 for 0 ms"},
        {"GET \x1b[2J\x7f\t/", "\"GET \\x1b[2J\\x7f\\x09/\" of 192.0.2.1 for 0 ms"},
    };
    struct inflight_table f = {0};
    const struct sockaddr_in6 p = peer(0xc0000201);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        inflight_begin(&f, &p, slice_of(cases[i].head), 0);
        assert_string_equal(describe(&f.entries[0], 0), cases[i].want);
    }
    memset(line, 'x', sizeof(line));
    inflight_begin(&f, &p, slice_make(line, sizeof(line)), 0);
    snprintf(want, sizeof(want), "\"%.*s...\" of 192.0.2.1 for 0 ms", INFLIGHT_LINE, line);
    assert_string_equal(describe(&f.entries[0], 0), want);
}

TEST(test_keep)
{
    struct inflight_table f = {0};
    uint8_t numbers[INFLIGHT_MAX];
    assert_int_equal(inflight_keep(&f, 1), 0); // nothing was begun
    for (uint32_t i = 1; i < INFLIGHT_MAX; i++) {
        const struct sockaddr_in6 p = peer(i);
        inflight_begin(&f, &p, SLICE("GET /a HTTP/1.1"), 10);
        numbers[i] = inflight_keep(&f, 20);
        assert_in_range(numbers[i], 1, INFLIGHT_MAX - 1);
        inflight_end(&f);
    }
    const struct sockaddr_in6 p = peer(0);
    inflight_begin(&f, &p, SLICE("GET /b"), 30);
    assert_int_equal(inflight_keep(&f, 30), 0); // no room
    inflight_drop(&f, 0);
    assert_string_equal(describe(&f.entries[numbers[7]], 50),
                        "\"GET /a HTTP/1.1\" of 0.0.0.7 for 30 ms");
    inflight_drop(&f, numbers[7]);
    assert_null(describe(&f.entries[numbers[7]], 50));
    assert_int_equal(inflight_keep(&f, 30), numbers[7]);
    assert_string_equal(describe(&f.entries[numbers[7]], 50), "\"GET /b\" of 0.0.0.0 for 20 ms");
}

// The slot as a process leaves it that had lost its senses.
TEST(test_nonsense)
{
    struct inflight f;
    for (int byte = 0; byte < 256; byte++) {
        memset(&f, byte, sizeof(f));
        if (byte != true)
            assert_null(describe(&f, 1000));
        f.is_used = true;
        f.len = INFLIGHT_LINE + 1;
        assert_null(describe(&f, 1000));
        f.len = INFLIGHT_LINE;
        assert_non_null(strstr(describe(&f, 1000), " of unix for "));
    }
    static const int64_t times[] = {INT64_MIN, -1, 1001, INT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        f.since = times[i];
        assert_non_null(strstr(describe(&f, 1000), " for 0 ms"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_current),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests_name("inflight", tests, NULL, NULL);
}
