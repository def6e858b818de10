#include "http/chars.h"

#include "base/octets.h"

enum {
    T = CHAR_TOKEN,
    V = CHAR_VALUE,
    U = CHAR_URI | CHAR_TARGET,
    R = CHAR_REG_NAME,
    P = CHAR_PATH,
    E = CHAR_ETAG,
    L = CHAR_LABEL,
    D = CHAR_TARGET,
};

// Browsers send some bytes unescaped that RFC 3986 wants escaped (url.spec.whatwg.org, path and
// query percent-encode sets): ^ ` { | } and the backslash. They mean nothing to us, so links with
// them work. Other clients (a boot loader, scripts) send the bytes of a name as they are, also
// beyond ASCII: a target may have them, but none that we write.
//
// The apostrophe is a sub-delim, but ends an attribute in HTML: no path that we write holds it
// bare.
const uint8_t chars_table[256] = {
    ['\t'] = V,
    [' '] = V,
    ['"'] = V | D,
    ['0' ... '9'] = T | V | U | R | P | E | L,
    ['A' ... 'Z'] = T | V | U | R | P | E | L,
    ['a' ... 'z'] = T | V | U | R | P | E | L,
    ['-'] = T | V | U | R | P | E | L,
    ['_'] = T | V | U | R | P | E | L,
    ['.'] = T | V | U | R | P | E,
    ['~'] = T | V | U | R | P | E,
    ['!'] = T | V | U | R | P | E,
    ['$'] = T | V | U | R | P | E,
    ['&'] = T | V | U | R | P | E,
    ['*'] = T | V | U | R | P | E,
    ['+'] = T | V | U | R | P | E,
    ['\''] = T | V | U | R | E,
    ['('] = V | U | R | P | E,
    [')'] = V | U | R | P | E,
    [','] = V | U | R | P | E,
    [';'] = V | U | R | P | E,
    ['='] = V | U | R | P | E,
    [':'] = V | U | P | E,
    ['@'] = V | U | P | E,
    ['/'] = V | U | P | E,
    ['?'] = V | U | E,
    ['['] = V | U | E,
    [']'] = V | U | E,
    ['%'] = T | V | U | E,
    ['#'] = T | V | E,
    ['^'] = T | V | U | E,
    ['`'] = T | V | U | E,
    ['|'] = T | V | U | E,
    ['<'] = V | E | D,
    ['>'] = V | E | D,
    ['\\'] = V | U | E,
    ['{'] = V | U | E,
    ['}'] = V | U | E,
    [0x80 ... 0xff] = V | E | D,
};

bool chars_all(struct slice s, enum char_class class)
{
    for (size_t i = 0; i < s.len; i++)
        if (!chars_has(s.ptr[i], class))
            return false;
    return true;
}

// Control bytes; the tab is one of them, and stands in values all the same.
static octets_meant are_controls(octets word)
{
    return (word < ' ') | (word == 0x7f);
}

bool chars_all_value(struct slice s)
{
    return (s.len >= sizeof(octets) && octets_none(s, are_controls)) || chars_all(s, CHAR_VALUE);
}

int chars_hex(char c)
{
    if (slice_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
