// Checks the answers of a server byte by byte, as they come in: status, length, content.
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_HEAD_MAX 4096

// The rule for every answer. All content is cut from one text that repeats for ever: that of
// request i begins at byte start + i * stride.
struct expectation {
    unsigned status;
    uint64_t length;  // of the content; of a 304 and a HEAD there is none
    bool bodiless;    // only a head comes
    const char *text; // twice in a row
    size_t period;    // length of the text
    uint64_t start, stride;
    uint64_t sample; // bytes that are compared of each piece; the rest is only counted
};

// An answer that is coming in. Zero before the first.
struct answer {
    char head[VERIFY_HEAD_MAX]; // as much as has come, while it is incomplete
    size_t head_len;
    bool in_content;
    uint64_t at; // place in the content
};

enum verdict { VERDICT_MORE, VERDICT_DONE, VERDICT_CLOSES, VERDICT_WRONG };

// Takes in bytes of the answer to request `which`, and says in *ret_used how many: fewer than there
// are when the answer is over. CLOSES is DONE, and the server said that it closes the connection.
// WRONG comes with a reason in verify_reason().
enum verdict verify_take(struct answer *a, const struct expectation *e, uint32_t which,
                         struct slice data, size_t *ret_used);

// How many bytes of content, at most, may be counted unseen now: they can be thrown away instead of
// being received.
uint64_t verify_may_skip(const struct answer *a, const struct expectation *e);

// Counts content that was thrown away, no more than may be.
void verify_skip(struct answer *a, uint64_t len);

const char *verify_reason(void);
