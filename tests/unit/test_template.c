#include "guarded.h"
#include "unit.h"

#include "http/template.h"

#include <stdio.h>

// The parts of `text`, a word each: the text itself, "<1>", "<path>", "<bad>".
static const char *parts_of(const char *text, char *out, size_t size)
{
    struct slice rest = guarded_text(text);
    struct template_part part;
    size_t len = 0;
    out[0] = '\0';
    while (template_next(&rest, &part)) {
        switch (part.kind) {
        case TEMPLATE_TEXT:
            assert_true(part.text.len > 0);
            len += (size_t)snprintf(out + len, size - len, "%.*s ", SLICE_ARG(part.text));
            break;
        case TEMPLATE_CAPTURE:
            len += (size_t)snprintf(out + len, size - len, "<%u> ", part.capture);
            break;
        case TEMPLATE_PATH:
            len += (size_t)snprintf(out + len, size - len, "<path> ");
            break;
        case TEMPLATE_BAD:
            len += (size_t)snprintf(out + len, size - len, "<bad> ");
            break;
        }
    }
    return out;
}

static void test_parts(void **state)
{
    static const struct {
        const char *text, *want;
        unsigned last;
    } cases[] = {
        {"", "", 0},
        {"/new", "/new ", 0},
        {"/new/$1", "/new/ <1> ", 1},
        {"$2$1x", "<2> <1> x ", 2},
        {"/$9.$3", "/ <9> . <3> ", 9},
        {"$path.html", "<path> .html ", 0},
        {"$pathpath", "<path> path ", 0},
        {"$pat", "<bad> pat ", 0},
        {"$$1", "$ 1 ", 0},
        {"$$$1", "$ <1> ", 1},
        {"$0", "<bad> 0 ", 0},
        {"$", "<bad> ", 0},
        {"a$", "a <bad> ", 0},
        {"$10", "<1> 0 ", 1},
    };
    char text[128];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(parts_of(cases[i].text, text, sizeof(text)), cases[i].want);
        assert_int_equal(template_last_capture(guarded_text(cases[i].text)), cases[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts)};
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
