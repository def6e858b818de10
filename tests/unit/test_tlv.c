#include "support/unit.h"

#include "base/tlv.h"

#include <stdlib.h>

// Three items: bytes, a number, and bytes that are put behind their head.
static struct slice make_items(char data[static 100])
{
    struct buf b = buf_make(data, 100);
    tlv_put(&b, 7, SLICE("seven"));
    tlv_put_number(&b, 300, UINT64_C(1) << 40);
    tlv_put_head(&b, 7, 3);
    buf_puts(&b, "abc");
    assert_false(b.overflow);
    assert_int_equal(b.len, TLV_HEAD + 5 + TLV_NUMBER + TLV_HEAD + 3);
    return buf_slice(&b);
}

TEST(test_round_trip)
{
    static const uint64_t number = UINT64_C(1) << 40;
    char data[100];
    struct slice rest = make_items(data);
    struct tlv_item item;
    assert_true(tlv_next(&rest, &item));
    assert_int_equal(item.key, 7);
    assert_slice(item.value, "seven");
    assert_true(tlv_next(&rest, &item));
    assert_int_equal(item.key, 300);
    assert_int_equal(item.value.len, sizeof(number));
    assert_memory_equal(item.value.ptr, &number, sizeof(number));
    assert_true(tlv_next(&rest, &item));
    assert_slice(item.value, "abc");
    assert_int_equal(rest.len, 0);
}

TEST(test_absent)
{
    char data[100];
    struct buf b = buf_make(data, sizeof(data));
    tlv_put(&b, 1, (struct slice){NULL, 0});
    tlv_put_number(&b, 2, 0);
    assert_int_equal(b.len, 0);
}

struct sample {
    uint64_t number;
    struct slice bytes;
};

static const struct tlv_member members[] = {
    {1, true, 1000, offsetof(struct sample, number)},
    {2, true, UINT64_MAX, offsetof(struct sample, number)},
    {3, false, 5, offsetof(struct sample, bytes)},
};

TEST(test_members)
{
    static const struct {
        struct tlv_item item;
        enum tlv_taken want;
        uint64_t number;
        const char *bytes;
    } cases[] = {
        {{1, {"\350\3\0\0\0\0\0\0", 8}}, TLV_TAKEN, 1000, "before"},
        {{1, {"\351\3\0\0\0\0\0\0", 8}}, TLV_BAD, 77, "before"},
        {{2, {"\351\3\0\0\0\0\0\0", 8}}, TLV_TAKEN, 1001, "before"},
        {{2, {"\377\377\377\377\377\377\377\377", 8}}, TLV_TAKEN, UINT64_MAX, "before"},
        {{2, {"\1\0\0\0\0\0\0", 7}}, TLV_BAD, 77, "before"},
        {{2, {"\1\0\0\0\0\0\0\0\0", 9}}, TLV_BAD, 77, "before"},
        {{2, {"", 0}}, TLV_BAD, 77, "before"},
        {{3, {"12345", 5}}, TLV_TAKEN, 77, "12345"},
        {{3, {"", 0}}, TLV_TAKEN, 77, ""},
        {{3, {"123456", 6}}, TLV_BAD, 77, "before"},
        {{4, {"12345", 5}}, TLV_UNKNOWN, 77, "before"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sample s = {77, SLICE("before")};
        assert_int_equal(tlv_take(&cases[i].item, members, ARRAY_SIZE(members), &s), cases[i].want);
        assert_true(s.number == cases[i].number);
        assert_slice(s.bytes, cases[i].bytes);
    }
}

// Wherever the sequence ends, an item is whole or refused.
TEST(test_cut_short)
{
    char data[100];
    const struct slice whole = make_items(data);
    for (size_t len = 1; len < whole.len; len++) {
        char *copy = malloc(len); // whose end a sanitizer guards
        assert_non_null(copy);
        memcpy(copy, whole.ptr, len);
        struct slice rest = slice_make(copy, len);
        struct tlv_item item;
        bool good = true;
        while (rest.len && good)
            good = tlv_next(&rest, &item);
        bool ends_with_item = len == TLV_HEAD + 5 || len == TLV_HEAD + 5 + TLV_NUMBER;
        assert_int_equal(good, ends_with_item);
        free(copy);
    }
}

TEST(test_no_room)
{
    char data[TLV_NUMBER - 1];
    struct buf b = buf_make(data, sizeof(data));
    tlv_put_number(&b, 1, 1);
    assert_true(b.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_absent),
        cmocka_unit_test(test_members),    cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests_name("tlv", tests, NULL, NULL);
}
