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

// Up to and with the closing quote.
static size_t length_of_string(struct slice s)
{
    size_t n = 1;
    while (n < s.len && s.ptr[n] != '"')
        n += s.ptr[n] == '\\' ? 2 : 1;
    return n < s.len ? n + 1 : s.len;
}

static size_t length_of_line(struct slice s)
{
    ptrdiff_t end = slice_find(s, '\n');
    return end < 0 ? s.len : (size_t)end;
}

static size_t length_of_comment(struct slice s)
{
    for (size_t n = 2; n + 1 < s.len; n++)
        if (s.ptr[n] == '*' && s.ptr[n + 1] == '/')
            return n + 2;
    return s.len;
}

// Length of the string or comment that `s` begins with, 0 for anything else.
static size_t length_of_quoted(struct slice s)
{
    if (s.ptr[0] == '"')
        return length_of_string(s);
    if (s.ptr[0] == '#' || slice_starts_with(s, SLICE("//")))
        return length_of_line(s);
    return slice_starts_with(s, SLICE("/*")) ? length_of_comment(s) : 0;
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

bool conf_scan_next(struct conf_scan *s, struct conf_finding *ret)
{
    while (s->rest.len) {
        unsigned line = s->line;
        size_t quoted = length_of_quoted(s->rest);
        size_t word = quoted ? 0 : length_of_word(s->rest);
        if (quoted) {
            take(s, quoted);
        } else if (slice_starts_with(s->rest, SLICE("@include"))) {
            *ret = (struct conf_finding){CONF_SCAN_INCLUDE, line, take(s, strlen("@include"))};
            return true;
        } else if (word) {
            struct slice token = take(s, word);
            if (is_number_that_wraps(token)) {
                *ret = (struct conf_finding){CONF_SCAN_NUMBER, line, token};
                return true;
            }
        } else {
            take(s, 1);
        }
    }
    return false;
}
