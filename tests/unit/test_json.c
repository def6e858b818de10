#include "unit.h"

#include "base/json.h"

static void test_put(void **state)
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
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        json_put_string(&b, slice_of(cases[i].text));
        assert_slice(buf_slice(&b), cases[i].want);
    }
}

static void test_find(void **state)
{
    static const struct {
        const char *object, *want; // of the member "a"; NULL: none
    } cases[] = {
        {"{\"a\": \"x\"}", "x"},
        {" { \"b\" : \"y\" ,\n\"a\"\t: \"x\" }\n", "x"},
        {"{\"a\":\"x\",\"a\":\"y\"}", "x"},
        {"{\"\\u0061\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u000a\"}", "\"\\/\b\f\n\r\t\n"},
        {"{\"a\":\"\"}", ""},
        {"", NULL},
        {"{}", NULL},
        {"[\"a\"]", NULL},
        {"{\"b\":\"a\"}", NULL},
        {"{\"a\"", NULL},
        {"{\"a\":1}", NULL},
        {"{\"a\":\"x", NULL},
        {"{\"a\":\"x\\", NULL},
        {"{\"a\":\"\\x\"}", NULL},
        {"{\"a\":\"\\u00\"}", NULL},
        {"{\"a\":\"\\u0100\"}", NULL},
        {"{\"a\":\"\n\"}", NULL},
        {"{\"a\":\"longer than the room for it\"}", NULL},
    };
    char text[20];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        assert_int_equal(json_find(slice_of(cases[i].object), SLICE("a"), &b), !!cases[i].want);
        if (cases[i].want)
            assert_slice(buf_slice(&b), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
