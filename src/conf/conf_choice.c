#include "conf/conf_choice.h"

#include "conf/suggest.h"

#include <assert.h>

bool conf_choice_parse(const char *words, struct slice text, unsigned *ret)
{
    unsigned position = 0;
    for (struct slice rest = slice_of(words); rest.ptr; position++) {
        if (slice_equal(slice_split(&rest, '|'), text)) {
            *ret = position;
            return true;
        }
    }
    return false;
}

struct slice conf_choice_word(const char *words, unsigned value)
{
    struct slice rest = slice_of(words), word = slice_split(&rest, '|');
    for (; value; value--) {
        assert(rest.ptr);
        word = slice_split(&rest, '|');
    }
    return word;
}

void conf_choice_list(struct buf *b, const char *words)
{
    const char *before = "";
    for (struct slice rest = slice_of(words); rest.ptr;) {
        struct slice word = slice_split(&rest, '|');
        if (word.len == 0)
            continue;
        buf_printf(b, "%s\"%.*s\"", *before && !rest.ptr ? " or " : before, SLICE_ARG(word));
        before = ", ";
    }
}

struct slice conf_choice_nearest(const char *words, struct slice text)
{
    struct suggest n = suggest_for(text);
    for (struct slice rest = slice_of(words); rest.ptr;) {
        struct slice word = slice_split(&rest, '|');
        if (word.len)
            suggest_offer(&n, word, word.ptr);
    }
    struct slice best = slice_of(n.best);
    return n.best ? slice_split(&best, '|') : best;
}
