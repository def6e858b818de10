// Which bytes may stand where: the character classes of RFC 9110 and RFC 3986 as one table.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum char_class {
    CHAR_TOKEN = 1 << 0,    // tchar (RFC 9110 section 5.6.2)
    CHAR_VALUE = 1 << 1,    // field value: VCHAR, SP, HTAB, obs-text (RFC 9110 section 5.5)
    CHAR_URI = 1 << 2,      // any byte of a request target (RFC 3986 section 2, and a
                            // few that browsers send as they are): no fragment
    CHAR_REG_NAME = 1 << 3, // unreserved, sub-delims; escapes apart (RFC 3986 section 3.2.2)
    CHAR_PATH = 1 << 4,     // stands unescaped in the paths that we write
    CHAR_ETAG = 1 << 5,     // etagc (RFC 9110 section 8.8.3)
    CHAR_LABEL = 1 << 6,    // letters, digits, '-' and '_': a label of a host name
    CHAR_TARGET = 1 << 7,   // CHAR_URI, and what clients send as it is all the same
};

// Bits of enum char_class.
extern const uint8_t chars_table[256];

static inline bool chars_has(char c, enum char_class class)
{
    return chars_table[(unsigned char)c] & class;
}

// Whether all bytes are of the class; true for the empty slice.
bool chars_all(struct slice s, enum char_class class);

// The same as chars_all(s, CHAR_VALUE), of which a request has hundreds of bytes.
bool chars_all_value(struct slice s);

// The value of a hexadecimal digit, or -1.
int chars_hex(char c);
