// The command line of tined-precompress, which `tined precompress` hands on.
#pragma once

#include "precompress/coding.h"

#define OPTIONS_CODINGS_MAX 3
#define OPTIONS_MESSAGE_MAX 256
#define OPTIONS_THREADS_MAX 1024

struct options {
    bool check;
    bool quiet;
    unsigned threads;                                      // 0: one per usable CPU
    const struct coding *codings[OPTIONS_CODINGS_MAX + 1]; // ends with NULL
    const char *directory;
};

// Reads it. 0; or -EINVAL, with what is wrong and what would be right in `message`. `ret` points
// into argv.
int options_parse(int argc, char **argv, struct options *ret,
                  char message[static OPTIONS_MESSAGE_MAX]);
