#include "http/policy.h"

// Cuts the next directive off *rest; *ret_name is how it begins. False: there is none.
static bool next_directive(struct slice *rest, struct slice *ret, struct slice *ret_name)
{
    while (rest->ptr) {
        struct slice words = slice_trim(slice_split(rest, ';'));
        *ret = words;
        *ret_name = slice_cut_word(&words);
        if (ret->len)
            return true;
    }
    return false;
}

struct slice policy_directive(struct slice policy, struct slice name)
{
    struct slice directive, found;
    while (next_directive(&policy, &directive, &found))
        if (slice_equal_nocase(found, name))
            return directive;
    return slice_make(NULL, 0);
}

void policy_put_lost(struct buf *b, struct slice before, struct slice after)
{
    struct slice directive, name;
    const char *separator = "";
    while (next_directive(&before, &directive, &name)) {
        if (policy_directive(after, name).ptr)
            continue;
        buf_puts(b, separator);
        buf_put(b, name);
        separator = ", ";
    }
}
