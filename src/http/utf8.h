// UTF-8 (RFC 3629), a code point at a time, of bytes that may be anything.
#pragma once

#include "base/buf.h"

#include <stdint.h>

// Shown in place of a byte that is not text.
#define UTF8_REPLACEMENT 0xfffdu

// The most bytes of a code point.
#define UTF8_MAX 4u

// Cuts the first code point off *s, which is not empty. A byte that begins no well-formed sequence
// (overlong forms and surrogates are none) is cut off alone and gives -1.
int32_t utf8_next(struct slice *s);

// Writes a code point, at most U+10FFFF.
void utf8_put(struct buf *b, uint32_t code);
