#include "support/unit.h"

#include "base/json.h"

TEST(test_strings)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "\"\""},
        {"a/b \xc3\xa9", "\"a/b \xc3\xa9\""},
        {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
    };
    char text[64];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        struct json j = json_make(&b);
        json_put_string(&j, NULL, slice_of(cases[i].text));
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

TEST(test_values)
{
    char text[256];
    struct buf b = buf_make(text, sizeof(text));
    struct json j = json_make(&b);
    json_begin_object(&j, NULL);
    json_put_number(&j, "zero", 0);
    json_begin_array(&j, "none");
    json_end_array(&j);
    json_begin_array(&j, "items");
    json_put_number(&j, NULL, UINT64_MAX);
    json_put_string(&j, NULL, SLICE("s"));
    json_begin_object(&j, NULL);
    json_end_object(&j);
    json_begin_object(&j, NULL);
    json_put_string(&j, "a\"b", SLICE("c"));
    json_end_object(&j);
    json_end_array(&j);
    json_begin_object(&j, "empty");
    json_end_object(&j);
    json_put_number(&j, "last", 1);
    json_end_object(&j);
    assert_slice(buf_slice(&b), "{\"zero\":0,\"none\":[],"
                                "\"items\":[18446744073709551615,\"s\",{},{\"a\\\"b\":\"c\"}],"
                                "\"empty\":{},\"last\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
