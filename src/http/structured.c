#include "http/structured.h"

#include "http/chars.h"

// Each of the cut_ functions cuts what its name says off the start of *s, and returns false when
// something else stands there.

struct item {
    bool is_integer;
    int64_t integer;
};

static bool cut_char(struct slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    *s = slice_skip(*s, 1);
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_alpha(char c)
{
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static void skip_spaces(struct slice *s)
{
    while (cut_char(s, ' '))
        ;
}

// Section 4.2.3.3.
static bool cut_key(struct slice *s, struct slice *ret)
{
    size_t n = 0;
    while (n < s->len && (is_lower(s->ptr[n]) || s->ptr[n] == '*' ||
                          (n && (is_digit(s->ptr[n]) || s->ptr[n] == '_' || s->ptr[n] == '-' ||
                                 s->ptr[n] == '.'))))
        n++;
    *ret = slice_make(s->ptr, n);
    *s = slice_skip(*s, n);
    return n > 0;
}

static size_t cut_digits(struct slice *s, int64_t *value)
{
    size_t n = 0;
    for (; s->len && is_digit(s->ptr[0]) && n <= 15; n++) {
        *value = *value * 10 + (s->ptr[0] - '0');
        *s = slice_skip(*s, 1);
    }
    return n;
}

// Section 4.2.4: up to 15 digits, or 12 and three decimals.
static bool cut_number(struct slice *s, struct item *ret)
{
    int64_t value = 0, decimals = 0;
    bool negative = cut_char(s, '-');
    size_t digits = cut_digits(s, &value);
    if (cut_char(s, '.')) {
        size_t n = cut_digits(s, &decimals);
        return digits >= 1 && digits <= 12 && n >= 1 && n <= 3;
    }
    *ret = (struct item){true, negative ? -value : value};
    return digits >= 1 && digits <= 15;
}

// Section 4.2.5.
static bool cut_string(struct slice *s)
{
    for (cut_char(s, '"'); s->len; *s = slice_skip(*s, 1)) {
        if (cut_char(s, '"'))
            return true;
        bool escaped = cut_char(s, '\\');
        char c = s->len ? s->ptr[0] : '\0';
        if (c < ' ' || c > '~' || (escaped && c != '"' && c != '\\'))
            return false;
    }
    return false;
}

// Section 4.2.6. It begins with a letter or '*', which has been seen.
static bool cut_token(struct slice *s)
{
    while (s->len && (chars_has(s->ptr[0], CHAR_TOKEN) || s->ptr[0] == ':' || s->ptr[0] == '/'))
        *s = slice_skip(*s, 1);
    return true;
}

// Section 4.2.7.
static bool cut_bytes(struct slice *s)
{
    cut_char(s, ':');
    while (s->len && (is_alpha(s->ptr[0]) || is_digit(s->ptr[0]) || s->ptr[0] == '+' ||
                      s->ptr[0] == '/' || s->ptr[0] == '='))
        *s = slice_skip(*s, 1);
    return cut_char(s, ':');
}

// Section 4.2.8.
static bool cut_boolean(struct slice *s)
{
    return cut_char(s, '?') && (cut_char(s, '0') || cut_char(s, '1'));
}

static bool cut_bare_item(struct slice *s, struct item *ret)
{
    char c = s->len ? s->ptr[0] : '\0';
    *ret = (struct item){.is_integer = false};
    if (c == '-' || is_digit(c))
        return cut_number(s, ret);
    if (c == '"')
        return cut_string(s);
    if (c == '*' || is_alpha(c))
        return cut_token(s);
    return c == ':' ? cut_bytes(s) : cut_boolean(s);
}

// Section 4.2.3.2.
static bool cut_parameters(struct slice *s)
{
    while (cut_char(s, ';')) {
        struct slice key;
        struct item value;
        skip_spaces(s);
        if (!cut_key(s, &key) || (cut_char(s, '=') && !cut_bare_item(s, &value)))
            return false;
    }
    return true;
}

// Section 4.2.1.2, behind the parenthesis.
static bool cut_inner_list(struct slice *s)
{
    struct item item;
    skip_spaces(s);
    while (!cut_char(s, ')')) {
        if (!cut_bare_item(s, &item) || !cut_parameters(s) || s->len == 0 ||
            (s->ptr[0] != ' ' && s->ptr[0] != ')'))
            return false;
        skip_spaces(s);
    }
    return true;
}

// Section 4.2.2, one member. A key alone stands for the boolean true.
static bool cut_member(struct slice *s, struct slice *ret_key, struct item *ret)
{
    *ret = (struct item){.is_integer = false};
    if (!cut_key(s, ret_key))
        return false;
    if (cut_char(s, '=')) {
        bool is_list = cut_char(s, '(');
        if (!(is_list ? cut_inner_list(s) : cut_bare_item(s, ret)))
            return false;
    }
    return cut_parameters(s);
}

// Reads one line; what it says about the key goes to *ret.
static bool read_line(struct slice s, struct slice key, struct item *ret)
{
    bool more = s.len > 0;
    while (more) {
        struct slice name;
        struct item value;
        if (!cut_member(&s, &name, &value))
            return false;
        if (slice_equal(name, key))
            *ret = value;
        s = slice_trim(s);
        more = cut_char(&s, ',');
        s = slice_trim(s);
    }
    return s.len == 0;
}

bool structured_integer(const struct request *r, enum field_id id, struct slice key, int64_t *ret)
{
    struct item item = {.is_integer = false};
    struct slice line;
    for (uint32_t at = 0; request_next_field(r, id, &at, &line);)
        if (!read_line(line, key, &item))
            return false;
    if (item.is_integer)
        *ret = item.integer;
    return item.is_integer;
}
