// The sum of a run, and the sentence that says it. Pure.
#pragma once

#include "base/buf.h"

struct tally {
    size_t fresh;                   // siblings that needed nothing
    size_t made;                    // siblings made or made anew
    size_t removed;                 // stale ones whose replacement would not have been smaller
    size_t not_smaller;             // that were not made for that reason
    size_t failed;                  // files and directories
    size_t stale, missing, orphans; // of --check
    uint64_t bytes_in, bytes_out;   // of what was made: originals and siblings
};

// "12 made (1.5 MB to 0.4 MB), 30 fresh, 2 not smaller, 0 failed"; what was removed stands there
// only if there is any.
void tally_format_run(const struct tally *t, struct buf *b);

// "1 stale, 0 missing, 30 fresh, 2 not smaller, 0 failed"; orphans likewise.
void tally_format_check(const struct tally *t, struct buf *b);
