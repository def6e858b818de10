// The command line of tined-precompress, which `tined precompress` hands on.
#pragma once

#include "precompress/compressor.h"

#define OPTIONS_COMPRESSORS_MAX (CODING_COUNT - 1)
#define OPTIONS_MESSAGE_MAX     256
#define OPTIONS_THREADS_MAX     1024

struct options {
    bool check;
    bool quiet;
    unsigned threads;                                                  // 0: one per usable CPU
    const struct compressor *compressors[OPTIONS_COMPRESSORS_MAX + 1]; // ends with NULL
    const char *directory;
};

// Reads it. 0; or -EINVAL, with what is wrong and what would be right in `message`. `ret` points
// into argv.
int options_parse(int argc, char **argv, struct options *ret,
                  char message[static OPTIONS_MESSAGE_MAX]);
