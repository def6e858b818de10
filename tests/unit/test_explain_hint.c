#include "support/explainfixture.h"

#include "explain/explain_hint.h"

// "é" in one character, and as a letter with a mark.
#define COMPOSED "\xc3\xa9"
#define MARKED   "e\xcc\x81"

TEST(test_compare)
{
    static const struct {
        const char *missing, *there;
        enum explain_hint want;
    } cases[] = {
        {"a.txt", "a.txt", EXPLAIN_HINT_NONE},
        {"a.txt", "b.txt", EXPLAIN_HINT_NONE},
        {"", "a", EXPLAIN_HINT_NONE},
        {"Logo.PNG", "logo.png", EXPLAIN_HINT_CASE},
        {"logo.png", "logo.pn", EXPLAIN_HINT_NONE},
        {"caf" COMPOSED ".txt", "caf" MARKED ".txt", EXPLAIN_HINT_FORM},
        {MARKED, COMPOSED, EXPLAIN_HINT_FORM},
        {MARKED COMPOSED, COMPOSED MARKED, EXPLAIN_HINT_FORM},
        {"e\xcd\xaf\xcc\x81", "\xe1\xb8\x97", EXPLAIN_HINT_FORM}, // two marks, three bytes
        {MARKED, "e", EXPLAIN_HINT_NONE},
        {MARKED, "f", EXPLAIN_HINT_NONE},
        {COMPOSED, "e", EXPLAIN_HINT_NONE},
        {MARKED "x", COMPOSED, EXPLAIN_HINT_NONE},
        {"e\xcc", "\xc3", EXPLAIN_HINT_NONE},
        {"a.js", "a.js.gz", EXPLAIN_HINT_SIBLING},
        {"a.js", "a.js.br", EXPLAIN_HINT_SIBLING},
        {"a.js", "a.js.zst", EXPLAIN_HINT_SIBLING},
        {"a.js", "a.js.map", EXPLAIN_HINT_NONE},
        {"a.js.gz", "a.js", EXPLAIN_HINT_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (explain_hint_compare(slice_of(cases[i].missing), slice_of(cases[i].there)) !=
            cases[i].want)
            fail_msg("\"%s\", \"%s\"", cases[i].missing, cases[i].there);
}

// In the explanation, of the directory that the name is missing in.
TEST(test_hints)
{
    static const struct explain_case cases[] = {
        {"/Page.html", "", "           \"page.html\" is there: the case of letters counts\n"},
        {"/only.js", "",
         "           \"only.js.gz\" is there, but is sent only beside its original\n"},
        {"/caf%C3%A9", "", " is there, written in another form of Unicode\n"},
    };
    tempdir_puts(&explain_dir, "only.js.gz", "x");
    tempdir_puts(&explain_dir, "caf" MARKED, "x");
    explain_check(cases, ARRAY_SIZE(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_hints),
    };
    return cmocka_run_group_tests_name("explain_hint", tests, explain_setup, explain_teardown);
}
