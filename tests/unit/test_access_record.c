#include "support/unit.h"

#include "server/access_record.h"

#include <stdlib.h>

static const struct access_record example = {
    .method = {"GET", 3},
    .target = {"/a b", 4}, // a compromised worker may send anything
    .protocol = {"HTTP/1.1", 8},
    .agent = {"me", 2},
    .named = {"\2\0", 2},
    .wall_s = 1700000000,
    .started = 123456,
};

static struct slice pack(const struct access_record *r, char data[static ACCESS_RECORD_MAX])
{
    struct buf b = buf_make(data, ACCESS_RECORD_MAX);
    access_record_pack(r, &b);
    assert_false(b.overflow);
    return buf_slice(&b);
}

static void assert_example(const struct access_record *r)
{
    assert_slice(r->method, "GET");
    assert_slice(r->target, "/a b");
    assert_slice(r->protocol, "HTTP/1.1");
    assert_int_equal(r->referer.len, 0);
    assert_slice(r->agent, "me");
    assert_int_equal(r->named.len, 2);
    assert_int_equal(r->wall_s, 1700000000);
    assert_int_equal(r->started, 123456);
}

TEST(test_round_trip)
{
    char data[ACCESS_RECORD_MAX];
    struct access_record got = {.status = 206, .sent = 12, .referer = SLICE("old")};
    assert_true(access_record_unpack(pack(&example, data), &got));
    assert_example(&got);
    assert_int_equal(got.status, 206); // of the answer: not kept
    assert_int_equal(got.sent, 12);
}

TEST(test_nothing)
{
    char data[ACCESS_RECORD_MAX];
    const struct access_record empty = {0};
    struct access_record got = example;
    assert_int_equal(pack(&empty, data).len, 0);
    assert_true(access_record_unpack((struct slice){NULL, 0}, &got));
    assert_int_equal(got.method.len + got.target.len + got.protocol.len + got.agent.len, 0);
    assert_int_equal(got.wall_s + got.started, 0);
}

// Texts of any length fit, and of what is too long the beginning is kept.
TEST(test_long_texts)
{
    static char junk[8192];
    char data[ACCESS_RECORD_MAX];
    struct access_record got, r = {.wall_s = INT64_MAX, .started = INT64_MAX};
    memset(junk, 'x', sizeof(junk));
    r.method = r.target = r.protocol = r.referer = r.agent = r.named = slice_make(junk,
                                                                                  sizeof(junk));
    assert_true(access_record_unpack(pack(&r, data), &got));
#define X(member, key, most) assert_int_equal(got.member.len, most);
    ACCESS_RECORD_TEXTS(X)
#undef X
    assert_true(got.wall_s == INT64_MAX && got.started == INT64_MAX);
}

// Another version of the program knows other facts.
TEST(test_other_version)
{
    char data[ACCESS_RECORD_MAX];
    struct buf b = buf_make(data, sizeof(data));
    struct access_record got;
    tlv_put(&b, 999, SLICE("unknown"));
    access_record_pack(&example, &b);
    tlv_put_number(&b, 1000, 7);
    assert_true(access_record_unpack(buf_slice(&b), &got));
    assert_example(&got);
    b.len = 0;
    tlv_put(&b, 2, SLICE("/only")); // the others are missing
    assert_true(access_record_unpack(buf_slice(&b), &got));
    assert_slice(got.target, "/only");
    assert_int_equal(got.method.len + got.protocol.len + got.agent.len, 0);
    assert_int_equal(got.wall_s + got.started, 0);
}

static void assert_refused(const struct buf *b)
{
    struct access_record got = example;
    assert_false(access_record_unpack(buf_slice(b), &got));
    assert_example(&got);
}

TEST(test_wrong_values)
{
    static char junk[2000];
    char data[ACCESS_RECORD_MAX];
#define X(member, key, most)                            \
    {                                                   \
        struct buf b = buf_make(data, sizeof(data));    \
        tlv_put(&b, key, slice_make(junk, (most) + 1)); \
        assert_refused(&b);                             \
    }
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, key, most)                           \
    {                                                  \
        struct buf b = buf_make(data, sizeof(data));   \
        tlv_put_number(&b, key, (uint64_t)(most) + 1); \
        assert_refused(&b);                            \
        b.len = 0;                                     \
        tlv_put(&b, key, SLICE("1234567"));            \
        assert_refused(&b);                            \
    }
    ACCESS_RECORD_NUMBERS(X)
#undef X
}

TEST(test_cut_short)
{
    char data[ACCESS_RECORD_MAX];
    struct slice whole = pack(&example, data);
    for (size_t len = 1; len <= whole.len; len++) {
        char *copy = malloc(len); // whose end a sanitizer guards
        struct access_record got = {0};
        assert_non_null(copy);
        memcpy(copy, whole.ptr, len);
        if (access_record_unpack(slice_make(copy, len), &got) && len == whole.len)
            assert_example(&got);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_long_texts),   cmocka_unit_test(test_other_version),
        cmocka_unit_test(test_wrong_values), cmocka_unit_test(test_cut_short),
    };
    return cmocka_run_group_tests_name("access_record", tests, NULL, NULL);
}
