#include "support/unit.h"

#include "content/ranges_body.h"

#include <stdio.h>

#define TOTAL 1000

// Takes all pieces; the content is what they would send, a '#' for each byte of the file.
static size_t take_all(struct body_source *p, char *text, size_t size)
{
    enum body_source_state state;
    struct buf b = buf_make(text, size);
    do {
        struct range range = {0};
        state = p->next(p, &range, &b);
        assert_int_not_equal(state, BODY_SOURCE_FAILED);
        for (; range.length > 0; range.length--)
            buf_putc(&b, '#');
    } while (state != BODY_SOURCE_END);
    assert_false(b.overflow);
    return b.len;
}

TEST(test_pieces_are_what_was_promised)
{
    static const struct {
        size_t count;
        struct range ranges[3];
    } cases[] = {
        {2, {{0, 1}, {999, 1}}},
        {2, {{500, 100}, {0, 10}}},
        {3, {{0, 1}, {200, 300}, {900, 100}}},
    };
    char text[4096];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct multipart m;
        struct decision d = {.status = 206, .range_count = cases[i].count};
        memcpy(d.ranges, cases[i].ranges, sizeof(cases[i].ranges));
        const struct multipart_file of = {SLICE("\"tag\""), SLICE("text/plain"), TOTAL};
        multipart_init(&m, &of, d.ranges, d.range_count);
        const uint64_t length = multipart_length(&m, d.ranges, d.range_count);
        struct body_source *p = ranges_body_new(&m, &d);
        assert_non_null(p);
        memset(&d, 0xff, sizeof(d)); // was copied
        size_t len = take_all(p, text, sizeof(text) - 1);
        text[len] = '\0';
        assert_int_equal(len, length);
        for (size_t j = 0; j < cases[i].count; j++) {
            char line[64];
            const struct range *r = &cases[i].ranges[j];
            snprintf(line, sizeof(line), "\r\nContent-Range: bytes %llu-%llu/%d\r\n\r\n#",
                     (unsigned long long)r->offset, (unsigned long long)(r->offset + r->length - 1),
                     TOTAL);
            assert_contains(text, line);
        }
        assert_string_equal(text + len - 4, "--\r\n");
        p->free(p);
    }
}

TEST(test_given_up)
{
    struct multipart m;
    struct range range = {0};
    char text[MULTIPART_TEXT_MAX];
    struct buf b = buf_make(text, sizeof(text));
    const struct decision d = {.range_count = 2, .ranges = {{1, 2}, {300, 4}}};
    const struct multipart_file of = {SLICE(""), SLICE(""), TOTAL};
    multipart_init(&m, &of, d.ranges, d.range_count);
    struct body_source *p = ranges_body_new(&m, &d);
    assert_int_equal(p->next(p, &range, &b), BODY_SOURCE_MORE);
    assert_int_equal(range.offset, 1);
    assert_int_equal(range.length, 2);
    p->free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_what_was_promised),
        cmocka_unit_test(test_given_up),
    };
    return cmocka_run_group_tests_name("ranges_body", tests, NULL, NULL);
}
