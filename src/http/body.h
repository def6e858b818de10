// The content of a request, only to find its end: it is thrown away (RFC 9112 sections 6 and 7).
//
// Pure; the caller reads the bytes. body_wanted() says how many bytes surely belong to the content,
// so that a caller who reads no more than that never holds bytes of the next request.
#pragma once

#include "http/request.h"

#include <stdint.h>

// The state of one content; embed it, begin with body_init().
struct body {
    uint64_t left;  // bytes left of the content or of the chunk, or digits' value
    uint64_t total; // bytes seen, with the chunks' framing
    uint64_t limit; // the most that total may be
    uint32_t line;  // bytes of the current framing or trailer line
    uint8_t state;  // private
};

enum body_state { CONTENT_MORE, CONTENT_END, CONTENT_BAD };

// Begins the content of `r`. `limit` bounds it with its framing (extensions, trailers). Returns
// false when the limit is passed already: a Content-Length that is too large (REASON_CONTENT_LONG).
bool body_init(struct body *b, const struct request *r, uint64_t limit);

// Takes what it can of `data`, *ret_used bytes (all of them unless CONTENT_END is returned). A
// request without content is at CONTENT_END at once.
//   CONTENT_MORE  more is to come
//   CONTENT_END   the content is complete; what follows *ret_used is the next request
//   CONTENT_BAD   refuse for *ret_reason, with 400 (framing) or 413 (the limit), and close;
//   *ret_used
//                 is left alone
enum body_state body_feed(struct body *b, struct slice data, size_t *ret_used,
                          enum reason *ret_reason);

// A number of bytes, at least 1, that surely still belong to the content. Only after CONTENT_MORE,
// or after body_init() of a request with content.
uint64_t body_wanted(const struct body *b);
