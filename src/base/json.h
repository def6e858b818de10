// JSON as the control socket speaks it: an object whose members are strings (RFC 8259).
//
// Pure.
#pragma once

#include "base/buf.h"

// Appends `text` as a string, in its quotes. Bytes beyond ASCII are copied: they are to be UTF-8.
void json_put_string(struct buf *b, struct slice text);

// The member `name` of an object: appends its text, with escapes undone, to `ret`, which may be
// left with a part of it when this fails. False: there is none, or this is no such object. Of
// several of that name the first counts.
bool json_find(struct slice object, struct slice name, struct buf *ret);
