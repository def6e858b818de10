#include "support/guarded.h"
#include "support/unit.h"

#include "http/body.h"

static struct request request;

static void begin(struct body *b, enum request_body kind, uint64_t length, uint64_t limit)
{
    request.body = kind;
    request.content_length = length;
    assert_true(body_init(b, &request, limit));
}

// Feeds `data` in pieces of `step` bytes; returns the state, the bytes used in *ret_used.
static enum body_state feed(struct body *b, struct slice data, size_t step, size_t *ret_used,
                            enum reason *ret_reason)
{
    enum body_state state = CONTENT_MORE;
    *ret_used = 0;
    while (state == CONTENT_MORE && *ret_used < data.len) {
        size_t used = 0, n = MIN(step, data.len - *ret_used);
        state = body_feed(b, guarded(slice_make(data.ptr + *ret_used, n)), &used, ret_reason);
        *ret_used += used;
    }
    return state;
}

static const struct {
    const char *text;
    int status;  // 0: complete, -1: more is to come, else refused
    size_t left; // bytes behind the end
} chunked[] = {
    // RFC 9112 section 7.1
    {"0\r\n\r\n", 0, 0},
    {"0\r\n\r\nGET", 0, 3},
    {"5\r\nhello\r\n0\r\n\r\n", 0, 0},
    {"5\r\nhel\r\n\r\n0\r\n\r\nx", 0, 1},
    {"a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n", 0, 0},
    {"0000000000000005\r\nhello\r\n0\r\n\r\n", 0, 0},
    {"00000000000000005\r\nhello\r\n0\r\n\r\n", 400, 0}, // 17 digits
    {"10000000000000000\r\n", 400, 0},
    {"\r\n", 400, 0},
    {"g\r\n", 400, 0},
    {"-1\r\n", 400, 0},
    {"+1\r\n", 400, 0},
    {"0x1\r\n", 400, 0},
    {" 1\r\n", 400, 0},
    {"1 \r\n", 400, 0},
    {"1\n", 400, 0},
    {"1\r\r\n", 400, 0},
    {"1\rx", 400, 0},
    {"1\r\nab\r\n", 400, 0},
    {"1\r\na\n", 400, 0},
    {"1\r\na\rx", 400, 0},
    {"1\r\na0\r\n", 400, 0},
    // section 7.1.1: extensions
    {"1;a=b\r\nx\r\n0;c\r\n\r\n", 0, 0},
    {"1 \t ; a = \"b;c\" \t; d ;e=f ;g\r\nx\r\n0;h=\"\"\r\n\r\n", 0, 0},
    {"1;a=\"\\\"\\\\\\ \x80\xff:;=\t\"\r\nx\r\n0\r\n\r\n", 0, 0},
    {"1;\r\n", 400, 0},
    {"1;;a\r\n", 400, 0},
    {"1;a;\r\n", 400, 0},
    {"1;a \r\n", 400, 0},
    {"1;a b\r\n", 400, 0},
    {"1;=b\r\n", 400, 0},
    {"1;a=\r\n", 400, 0},
    {"1;a=;b\r\n", 400, 0},
    {"1;a==b\r\n", 400, 0},
    {"1;a=b=c\r\n", 400, 0},
    {"1;a=b \r\n", 400, 0},
    {"1;a=[b\r\n", 400, 0},
    {"1;bad[=x\r\n", 400, 0},
    {"1;\x80\r\n", 400, 0},
    {"1;\"a\"\r\n", 400, 0},
    {"1;a=\"b\r\n", 400, 0},
    {"1;a=\"\x7f\"\r\n", 400, 0},
    {"1;a=\"\\\"\r\n", 400, 0},
    {"1;a=\"\\\x01\"\r\n", 400, 0},
    {"1;a=\"b\"c\r\n", 400, 0},
    {"1;a=\"b\" \r\n", 400, 0},
    {"1;a=b\"c\"\r\n", 400, 0},
    {"1 a\r\n", 400, 0},
    {"1;a\n", 400, 0},
    {"1;a\rb", 400, 0},
    {"1;\x01\r\n", 400, 0},
    // section 7.1.2: trailers
    {"0\r\nA: b\r\nc:d;\x80\t\r\n\r\nx", 0, 1},
    {"0\r\nA: b\n\r\n", 400, 0},
    {"0\r\nA: b\rc\r\n", 400, 0},
    {"0\r\nA: \x7f\r\n\r\n", 400, 0},
    {"0\r\n A: b\r\n\r\n", 400, 0}, // obs-fold
    {"0\r\n: b\r\n\r\n", 400, 0},
    {"0\r\nA\r\n\r\n", 400, 0},
    {"0\r\nA : b\r\n\r\n", 400, 0},
    {"0\r\nGET / HTTP/1.1\r\n\r\n", 400, 0},
    {"0\r\nA:\r\n\r\n", 0, 0},
    {"0\r\n\n", 400, 0},
    {"0\r\n\rx", 400, 0},
    {"", -1, 0},
    {"0\r\n\r", -1, 0},
    {"5\r\nhell", -1, 0},
    {"0\r\nA: b\r\n", -1, 0},
};

TEST(test_chunked_in_every_split)
{
    for (size_t i = 0; i < ARRAY_SIZE(chunked); i++) {
        struct slice text = slice_of(chunked[i].text);
        for (size_t step = 1; step <= text.len + 1; step++) {
            struct body b;
            size_t used;
            enum reason reason = REASON_NONE;
            begin(&b, BODY_CHUNKED, 0, 1000);
            enum body_state got = feed(&b, text, step, &used, &reason);
            enum body_state want = chunked[i].status == 0    ? CONTENT_END
                                   : chunked[i].status == -1 ? CONTENT_MORE
                                                             : CONTENT_BAD;
            if (got != want || reason_status(reason) != MAX(chunked[i].status, 0))
                fail_msg("\"%s\" by %zu: state %d, status %d", chunked[i].text, step, got,
                         reason_status(reason));
            if (got != CONTENT_BAD)
                assert_int_equal(text.len - used, chunked[i].left);
        }
    }
}

TEST(test_nul_is_refused)
{
    static const struct slice texts[] = {
        {"1;\0\r\n", 5}, {"\0\r\n", 3}, {"0\r\nA: \0\r\n", 9}, {"0\0\r\n", 4}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct body b;
        size_t used;
        enum reason reason = REASON_NONE;
        begin(&b, BODY_CHUNKED, 0, 1000);
        assert_int_equal(feed(&b, texts[i], 99, &used, &reason), CONTENT_BAD);
        assert_int_equal(reason, REASON_CONTENT_CHUNKS);
    }
}

TEST(test_length)
{
    struct body b;
    size_t used;
    enum reason reason = REASON_NONE;
    for (size_t step = 1; step < 7; step++) {
        begin(&b, BODY_LENGTH, 5, 5);
        assert_int_equal(body_wanted(&b), 5);
        assert_int_equal(feed(&b, SLICE("a\r\n\0bGET"), step, &used, &reason), CONTENT_END);
        assert_int_equal(used, 5);
    }
    begin(&b, BODY_LENGTH, 5, 5);
    assert_int_equal(feed(&b, SLICE("abc"), 3, &used, &reason), CONTENT_MORE);
    assert_int_equal(body_wanted(&b), 2);

    begin(&b, BODY_NONE, 0, 0);
    assert_int_equal(body_feed(&b, SLICE("GET"), &used, &reason), CONTENT_END);
    assert_int_equal(used, 0);
}

TEST(test_limit)
{
    static const struct slice whole = {"5\r\nhello\r\n0\r\n\r\n", 15};
    struct body b;
    size_t used;
    request.body = BODY_LENGTH;
    request.content_length = 6;
    assert_false(body_init(&b, &request, 5));
    request.content_length = UINT64_MAX;
    assert_true(body_init(&b, &request, UINT64_MAX));
    for (uint64_t limit = 0; limit <= whole.len; limit++) {
        enum reason reason = REASON_NONE;
        begin(&b, BODY_CHUNKED, 0, limit);
        enum body_state got = feed(&b, whole, 4, &used, &reason);
        assert_int_equal(got, limit < whole.len ? CONTENT_BAD : CONTENT_END);
        assert_int_equal(reason, limit < whole.len ? REASON_CONTENT_LONG : REASON_NONE);
    }
    // A chunk that cannot fit is refused before its bytes come.
    enum reason reason = REASON_NONE;
    begin(&b, BODY_CHUNKED, 0, 100);
    assert_int_equal(feed(&b, SLICE("ffffffffffffffff\r\n"), 99, &used, &reason), CONTENT_BAD);
    assert_int_equal(reason, REASON_CONTENT_LONG);
}

// One framing line holds 4096 bytes with its CRLF.
TEST(test_line_limit)
{
    static char text[5000];
    for (int is_trailer = 0; is_trailer <= 1; is_trailer++) {
        for (size_t len = 4095; len <= 4097; len++) {
            size_t at = is_trailer ? 3 : 0, used;
            struct body b;
            enum reason reason = REASON_NONE;
            memcpy(text, "0\r\n", 3);
            memset(text + at, 'a', len);
            memcpy(text + at, is_trailer ? "a:" : "0;", 2);
            memcpy(text + at + len - 2, "\r\n\r\n", 4);
            begin(&b, BODY_CHUNKED, 0, 100000);
            enum body_state got = feed(&b, slice_make(text, at + len + 2), 1000, &used, &reason);
            assert_int_equal(got, len <= 4096 ? CONTENT_END : CONTENT_BAD);
            assert_int_equal(reason, len <= 4096 ? REASON_NONE : REASON_CONTENT_CHUNKS);
        }
    }
}

// Reading what is wanted never reads past the end, and always reads on.
TEST(test_wanted)
{
    static const char *const texts[] = {
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "1 ;a\r\nx\r\n2\r\nab\r\n00;b\r\nA: b\r\nC: d\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct slice rest = slice_of(texts[i]);
        struct body b;
        size_t used;
        enum reason reason;
        enum body_state got = CONTENT_MORE;
        begin(&b, BODY_CHUNKED, 0, UINT64_MAX);
        while (got == CONTENT_MORE) {
            uint64_t wanted = body_wanted(&b);
            assert_in_range(wanted, 1, rest.len);
            got = body_feed(&b, guarded(slice_make(rest.ptr, wanted)), &used, &reason);
            assert_int_equal(used, wanted);
            rest = slice_skip(rest, used);
        }
        assert_int_equal(got, CONTENT_END);
        assert_int_equal(rest.len, 0);
    }
    struct body huge;
    size_t used;
    enum reason reason;
    begin(&huge, BODY_CHUNKED, 0, UINT64_MAX);
    assert_int_equal(body_feed(&huge, SLICE("ffffffffffffff00\r\n"), &used, &reason), CONTENT_MORE);
    assert_true(body_wanted(&huge) >= UINT64_C(0xffffffffffffff00));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunked_in_every_split),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_wanted),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
