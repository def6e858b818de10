#include "conf/conf_prescan.h"

#include "base/num.h"

#include <stdint.h>

struct conf_prescan conf_prescan_make(struct slice text)
{
    return (struct conf_prescan){text, 1};
}

static struct slice take_token(struct conf_prescan *s, size_t n)
{
    struct slice taken = slice_make(s->rest.ptr, n);
    for (size_t i = 0; i < n; i++)
        s->line += taken.ptr[i] == '\n';
    s->rest = slice_skip(s->rest, n);
    return taken;
}

static bool is_word(char c)
{
    return slice_is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
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

static struct slice skip_sign(struct slice word)
{
    return word.len && (word.ptr[0] == '-' || word.ptr[0] == '+') ? slice_skip(word, 1) : word;
}

// Words that are no integers at all are left to libconfig.
static bool is_number_that_wraps(struct slice digits, uint64_t max)
{
    uint64_t value;
    if (slice_starts_with(digits, SLICE("0x")) || slice_starts_with(digits, SLICE("0X"))) {
        digits = slice_skip(digits, 2);
        return all_of(digits, "0123456789abcdefABCDEF") && !num_parse_hex(digits, max, &value);
    }
    return all_of(digits, "0123456789") && !num_parse_dec(digits, max, &value);
}

static bool is_octal(struct slice digits)
{
    return digits.len > 1 && digits.ptr[0] == '0' && all_of(digits, "0123456789");
}

// Blanks and comments; one that has no end reaches to the end.
static struct slice skip_blanks(struct slice s)
{
    while (s.len) {
        size_t len = 0;
        if (strchr(" \t\r\n\f", s.ptr[0]))
            len = 1;
        else if (s.ptr[0] == '#' || slice_starts_with(s, SLICE("//")))
            len = length_of_line(s);
        else if (slice_starts_with(s, SLICE("/*")))
            len = length_of_comment(s) ? length_of_comment(s) : s.len;
        if (len == 0)
            break;
        s = slice_skip(s, len);
    }
    return s;
}

// Behind the last setting of a group a comma is as good as a semicolon.
static bool is_idle_comma(struct slice rest)
{
    if (rest.ptr[0] != ',')
        return false;
    rest = skip_blanks(slice_skip(rest, 1));
    return rest.len && strchr(",])", rest.ptr[0]);
}

// A number is digits behind a sign, and before marks of its width.
static bool classify_word(struct slice word, enum conf_prescan_kind *ret_kind)
{
    uint64_t max = INT32_MAX;
    word = skip_sign(word);
    for (; word.len && word.ptr[word.len - 1] == 'L'; word.len--)
        max = INT64_MAX;
    *ret_kind = is_octal(word) ? CONF_PRESCAN_OCTAL : CONF_PRESCAN_NUMBER;
    return *ret_kind == CONF_PRESCAN_OCTAL || is_number_that_wraps(word, max);
}

// Whether what `rest` begins with is worth reporting, its kind, and its length; 0: it has no end.
static bool classify_token(struct slice rest, enum conf_prescan_kind *ret_kind, size_t *ret_len)
{
    size_t word = length_of_word(rest);
    if (rest.ptr[0] == '"') {
        *ret_kind = CONF_PRESCAN_STRING;
        *ret_len = length_of_string(rest);
        return *ret_len == 0;
    }
    if (slice_starts_with(rest, SLICE("/*"))) {
        *ret_kind = CONF_PRESCAN_COMMENT;
        *ret_len = length_of_comment(rest);
        return *ret_len == 0;
    }
    if (rest.ptr[0] == '#' || slice_starts_with(rest, SLICE("//"))) {
        *ret_len = length_of_line(rest);
        return false;
    }
    if (slice_starts_with(rest, SLICE("@include"))) {
        *ret_kind = CONF_PRESCAN_INCLUDE;
        *ret_len = strlen("@include");
        return true;
    }
    *ret_len = word ? word : 1;
    if (is_idle_comma(rest)) {
        *ret_kind = CONF_PRESCAN_COMMA;
        return true;
    }
    return classify_word(slice_make(rest.ptr, word), ret_kind);
}

bool conf_prescan_next(struct conf_prescan *s, struct conf_finding *ret)
{
    while (s->rest.len) {
        enum conf_prescan_kind kind = CONF_PRESCAN_NUMBER;
        unsigned line = s->line;
        size_t len = 0;
        bool found = classify_token(s->rest, &kind, &len);
        struct slice token = take_token(s, len ? len : s->rest.len);
        if (found) {
            *ret = (struct conf_finding){kind, line, slice_make(token.ptr, len ? len : 1)};
            return true;
        }
    }
    return false;
}
