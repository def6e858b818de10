// Included by every unit test: cmocka with its prerequisites, and a few helpers.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/slice.h"
#include "base/util.h"

#define PATIENCE 60000 // ms until a test gives up what it waits for

// A wait for what other threads, other processes or the kernel do, begun as {0}.
struct wait {
    unsigned pause; // us between two looks, or 0: hardly any
    unsigned looks;
    int64_t end; // ms of CLOCK_MONOTONIC
};

// Whether to look once more: not when PATIENCE has passed. Sleeps for a moment, but for the first
// few looks:
//     for (struct wait w = {0}; !is_done() && wait_on(&w);)
//         do_some_more();
bool wait_on(struct wait *w);

// The head of a test: TEST(test_parse) { … }. `state` is what its setup has left, if it has one.
#define TEST(name) static void name(void **state __attribute__((unused)))

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

// How often the text `what` stands in `in` (may be NULL), without overlaps.
size_t count_text(const char *in, const char *what);
