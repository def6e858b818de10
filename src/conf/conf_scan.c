#include "conf/conf_scan.h"

#include "base/num.h"

#include <stdint.h>

struct conf_scan conf_scan_make(struct slice text)
{
    return (struct conf_scan){text, 1};
}

static struct slice take(struct conf_scan *s, size_t n)
{
    struct slice taken = slice_make(s->rest.ptr, n);
    for (size_t i = 0; i < n; i++)
        s->line += taken.ptr[i] == '\n';
    s->rest = slice_skip(s->rest, n);
    return taken;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-' || c == '+' || c == '.' || c == '*';
}

static size_t length_of_word(struct slice s)
{
    size_t n = 0;
    while (n < s.len && is_word(s.ptr[n]))
        n++;
    return n;
}

// Up to and with the closing quote; 0: there is none.
static size_t length_of_string(struct slice s)
{
    size_t n = 1;
    while (n < s.len && s.ptr[n] != '"')
        n += s.ptr[n] == '\\' ? 2 : 1;
    return n < s.len ? n + 1 : 0;
}

// Up to and with the closing mark; 0: there is none.
static size_t length_of_comment(struct slice s)
{
    for (size_t n = 2; n + 1 < s.len; n++)
        if (s.ptr[n] == '*' && s.ptr[n + 1] == '/')
            return n + 2;
    return 0;
}

static size_t length_of_line(struct slice s)
{
    ptrdiff_t end = slice_find(s, '\n');
    return end < 0 ? s.len : (size_t)end;
}

static bool all_of(struct slice s, const char *set)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(set, s.ptr[i]))
            return false;
    return s.len > 0;
}

// Words that are no integers at all are left to libconfig.
static bool is_number_that_wraps(struct slice word)
{
    uint64_t value, max = INT32_MAX;
    if (word.len && (word.ptr[0] == '-' || word.ptr[0] == '+'))
        word = slice_skip(word, 1);
    for (; word.len && word.ptr[word.len - 1] == 'L'; word.len--)
        max = INT64_MAX;
    if (slice_starts_with(word, SLICE("0x")) || slice_starts_with(word, SLICE("0X"))) {
        word = slice_skip(word, 2);
        return all_of(word, "0123456789abcdefABCDEF") && !num_parse_hex(word, max, &value);
    }
    return all_of(word, "0123456789") && !num_parse_dec(word, max, &value);
}

// Whether what `rest` begins with is worth reporting, its kind, and its length; 0: it has no end.
static bool classify(struct slice rest, enum conf_scan_kind *ret_kind, size_t *ret_len)
{
    size_t word = length_of_word(rest);
    if (rest.ptr[0] == '"') {
        *ret_kind = CONF_SCAN_STRING;
        *ret_len = length_of_string(rest);
        return *ret_len == 0;
    }
    if (slice_starts_with(rest, SLICE("/*"))) {
        *ret_kind = CONF_SCAN_COMMENT;
        *ret_len = length_of_comment(rest);
        return *ret_len == 0;
    }
    if (rest.ptr[0] == '#' || slice_starts_with(rest, SLICE("//"))) {
        *ret_len = length_of_line(rest);
        return false;
    }
    if (slice_starts_with(rest, SLICE("@include"))) {
        *ret_kind = CONF_SCAN_INCLUDE;
        *ret_len = strlen("@include");
        return true;
    }
    *ret_kind = CONF_SCAN_NUMBER;
    *ret_len = word ? word : 1;
    return is_number_that_wraps(slice_make(rest.ptr, word));
}

bool conf_scan_next(struct conf_scan *s, struct conf_finding *ret)
{
    while (s->rest.len) {
        enum conf_scan_kind kind = CONF_SCAN_NUMBER;
        unsigned line = s->line;
        size_t len = 0;
        bool found = classify(s->rest, &kind, &len);
        struct slice token = take(s, len ? len : s->rest.len);
        if (found) {
            *ret = (struct conf_finding){kind, line, slice_make(token.ptr, len ? len : 1)};
            return true;
        }
    }
    return false;
}
