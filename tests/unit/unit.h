// What every unit test includes: cmocka with its prerequisites, and a few helpers.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "base/util.h"

// A helper in a header, which not every test needs.
#define MAYBE_UNUSED __attribute__((unused))

// Fails unless the slice holds exactly this text.
#define assert_slice(slice_value, text)                                    \
    do {                                                                   \
        struct slice got_ = (slice_value);                                 \
        const char *want_ = (text);                                        \
        if (!slice_equal(got_, slice_of(want_)))                           \
            fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got_), want_); \
    } while (0)

#define assert_starts(text_value, want)                                       \
    do {                                                                      \
        const char *text_ = (text_value);                                     \
        if (!text_ || strncmp(text_, (want), strlen(want)) != 0)              \
            fail_msg("got \"%s\", want \"%s…\"", text_ ? text_ : "", (want)); \
    } while (0)

#define assert_contains(text_value, want)                                      \
    do {                                                                       \
        const char *text_ = (text_value);                                      \
        if (!text_ || !strstr(text_, (want)))                                  \
            fail_msg("got \"%s\", want \"…%s…\"", text_ ? text_ : "", (want)); \
    } while (0)

static inline size_t count_text(const char *in, const char *what)
{
    size_t count = 0;
    for (const char *at = in; at && (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}
