// A URL from the command line, as a request names it.
//
// Pure. People write less than a URI: the scheme may be missing, and bytes that must be escaped
// need not be.
#pragma once

#include "base/buf.h"
#include "http/chars.h"

struct url {
    struct slice authority; // host and port as written, for Host; into the text
    struct slice host;      // alone
    uint16_t port;          // 80 or 443 where none is written
    bool is_secure;         // https
};

// Reads `text`: "http://example.org:8080/a b?c#d", "https://...", "example.org/x". The target of
// the request, which begins with '/', is appended to `target`; the fragment is left out, and bytes
// that are not of the class `bare` are escaped: CHAR_URI for any server, CHAR_TARGET to keep those
// that tined takes though no URI has them. Returns NULL, or what is wrong (static text).
const char *url_parse(const char *text, enum char_class bare, struct url *ret, struct buf *target);
