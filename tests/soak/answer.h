// The head of an answer, read strictly.
#pragma once

#include "base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct answer_head {
    int status;
    bool has_length, has_date, closes; // closes: "Connection: close" was said
    uint64_t length;
};

// Reads a head, with the empty line that ends it. NULL, or what is wrong with it.
const char *answer_read_head(struct slice head, struct answer_head *ret);
