#include "support/guarded.h"
#include "support/unit.h"

#include "base/buf.h"
#include "http/qvalue.h"

// The list as it is read: "value weight", with a '+' where there are parameters.
static const char *summary(struct slice list)
{
    static char text[256];
    struct buf b = buf_make(text, sizeof(text) - 1);
    struct qvalue_member member;
    while (qvalue_next(&list, &member)) {
        buf_put(&b, member.value);
        buf_printf(&b, "%s %u;", member.has_parameters ? "+" : "", member.weight);
    }
    assert_false(b.overflow);
    text[b.len] = '\0';
    return text;
}

static const struct {
    const char *list, *want;
} lists[] = {
    {"", ""},
    {",", ""},
    {" , \t,", ""},
    {"a", "a 1000;"},
    {"a,b", "a 1000;b 1000;"},
    {" a ,\tb ", "a 1000;b 1000;"},
    {",,a,,b,,", "a 1000;b 1000;"},
    // RFC 9110 section 12.4.2: weight = OWS ";" OWS "q=" qvalue
    {"a;q=1", "a 1000;"},
    {"a;q=1.", "a 1000;"},
    {"a;q=1.000", "a 1000;"},
    {"a;q=0", "a 0;"},
    {"a;q=0.", "a 0;"},
    {"a;q=0.000", "a 0;"},
    {"a;q=0.5", "a 500;"},
    {"a;q=0.05", "a 50;"},
    {"a;q=0.001", "a 1;"},
    {"a;q=0.999", "a 999;"},
    {"a ; q=0.5 , b", "a 500;b 1000;"},
    {"a;Q=0.5", "a 500;"},
    // malformed weights take their member with them
    {"a;q=,b", "b 1000;"},
    {"a;q,b", "b 1000;"},
    {"a;q=1.001,b", "b 1000;"},
    {"a;q=2,b", "b 1000;"},
    {"a;q=10,b", "b 1000;"},
    {"a;q=00,b", "b 1000;"},
    {"a;q=0.0000,b", "b 1000;"},
    {"a;q=.5,b", "b 1000;"},
    {"a;q=-1,b", "b 1000;"},
    {"a;q=0.5x,b", "b 1000;"},
    {"a;q=0,5,b", "a 0;5 1000;b 1000;"},
    {"a;q= 1,b", "b 1000;"},
    {"a;q =1,b", "b 1000;"},
    {"a;q=\"1\",b", "b 1000;"},
    {"a;q=1;q=1,b", "b 1000;"},
    {";q=1,b", "b 1000;"},
    // section 5.6.6: parameters, empty ones too
    {"a;x=1", "a+ 1000;"},
    {"a;x=1;q=0.5", "a+ 500;"},
    {"a;q=0.5;x=1", "a+ 500;"},
    {"a;;q=0.5;", "a 500;"},
    {"a;x=,b", "b 1000;"},
    {"a;=x,b", "b 1000;"},
    {"a;x y=1,b", "b 1000;"},
    {"a;x=y z,b", "b 1000;"},
    {"a;x,b", "b 1000;"},
    // section 5.6.4: quoted strings
    {"a;x=\"1,2;q=0\";q=0.5,b", "a+ 500;b 1000;"},
    {"a;x=\"\";q=0.5", "a+ 500;"},
    {"a;x=\"\\\",\";q=0.5,b", "a+ 500;b 1000;"},
    {"a;x=\"1\"2,b", "b 1000;"},
    {"a;x=\"1\\\\\"2,b", "b 1000;"},
    {"a;x=\"1,b", ""},
    {"a;x=\",b", ""},
    {"a;x=\"\\", ""},
    {"a;x=\"1\\\",b", ""},
};

TEST(test_next)
{
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const char *got = summary(guarded_text(lists[i].list));
        if (strcmp(got, lists[i].want) != 0)
            fail_msg("%s: %s, want %s", lists[i].list, got, lists[i].want);
    }
}

TEST(test_end)
{
    struct slice list = SLICE("a,;,b;q=2");
    struct qvalue_member member;
    assert_true(qvalue_next(&list, &member));
    assert_false(qvalue_next(&list, &member));
    assert_slice(member.value, "a");
    assert_false(qvalue_next(&list, &member));
    list = (struct slice){NULL, 0};
    assert_false(qvalue_next(&list, &member));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_end),
    };
    return cmocka_run_group_tests_name("qvalue", tests, NULL, NULL);
}
