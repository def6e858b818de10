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

// Fails unless the slice holds exactly this text.
#define assert_slice(slice_value, text)                                    \
    do {                                                                   \
        struct slice got_ = (slice_value);                                 \
        const char *want_ = (text);                                        \
        if (!slice_equal(got_, slice_of(want_)))                           \
            fail_msg("got \"%.*s\", want \"%s\"", SLICE_ARG(got_), want_); \
    } while (0)
