#include "http/qvalue.h"

#include "http/chars.h"

// As slice_split(), but not at a separator within a quoted string (RFC 9110 section 5.6.4).
static struct slice split_unquoted(struct slice *rest, char sep)
{
    struct slice all = *rest;
    bool quoted = false;
    for (size_t i = 0; i < all.len; i++) {
        char c = all.ptr[i];
        if (c == '"') {
            quoted = !quoted;
        } else if (quoted && c == '\\') {
            i++;
        } else if (!quoted && c == sep) {
            *rest = slice_skip(all, i + 1);
            return slice_make(all.ptr, i);
        }
    }
    *rest = (struct slice){NULL, 0};
    return all;
}

// A quoted string that ends where `s` ends.
static bool is_quoted(struct slice s)
{
    size_t i = 1;
    if (s.len < 2 || s.ptr[0] != '"')
        return false;
    while (i < s.len && s.ptr[i] != '"')
        i += s.ptr[i] == '\\' ? 2 : 1;
    return i + 1 == s.len;
}

// qvalue: 0 or 1, with up to three decimals.
static bool parse_qvalue(struct slice s, unsigned *ret)
{
    unsigned value = 0, unit = QVALUE_MAX;
    if (s.len == 0 || s.len > 5 || (s.len > 1 && s.ptr[1] != '.'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (i == 1)
            continue;
        if (!slice_is_digit(s.ptr[i]))
            return false;
        value += (unsigned)(s.ptr[i] - '0') * unit;
        unit /= 10;
    }
    if (value > QVALUE_MAX)
        return false;
    *ret = value;
    return true;
}

// Reads one parameter (section 5.6.6), of which the name has been cut off.
static bool parse_parameter(struct slice name, struct slice value, bool *has_q,
                            struct qvalue_member *ret)
{
    if (name.len == 0 || !chars_all(name, CHAR_TOKEN) || value.len == 0)
        return false;
    if (!slice_equal_nocase(name, SLICE("q"))) {
        ret->has_parameters = true;
        return is_quoted(value) || chars_all(value, CHAR_TOKEN);
    }
    bool repeated = *has_q;
    *has_q = true;
    return !repeated && parse_qvalue(value, &ret->weight);
}

static bool parse_member(struct slice s, struct qvalue_member *ret)
{
    bool has_q = false;
    *ret = (struct qvalue_member){.value = slice_trim(split_unquoted(&s, ';')),
                                  .weight = QVALUE_MAX};
    if (ret->value.len == 0)
        return false;
    while (s.ptr) {
        struct slice value = slice_trim(split_unquoted(&s, ';'));
        if (value.len == 0)
            continue; // the grammar has empty parameters
        struct slice name = slice_split(&value, '=');
        if (!parse_parameter(name, value, &has_q, ret))
            return false;
    }
    return true;
}

bool qvalue_next(struct slice *list, struct qvalue_member *ret)
{
    struct qvalue_member member;
    while (list->ptr) {
        if (parse_member(split_unquoted(list, ','), &member)) {
            *ret = member;
            return true;
        }
    }
    return false;
}
