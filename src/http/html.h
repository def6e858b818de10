// Text in HTML: bytes that may be anything, shown as text and as nothing else.
//
// Pure. Characters that mean something in HTML are escaped. Control bytes are shown as their
// pictures (U+2400...), what is no UTF-8, no character of HTML's or would turn around other text as
// U+FFFD.
#pragma once

#include "base/buf.h"

// The most bytes that are written for one.
#define HTML_GROWTH 5u

// A name or another text of one line.
void html_put(struct buf *b, struct slice text);

// A text of several lines, whose ends and tabs are kept; CR LF and CR alone are such ends, too.
// How many bytes of it were written: all, but for up to 3 at its end that need what follows it,
// when it goes on.
size_t html_put_lines(struct buf *b, struct slice text, bool goes_on);
