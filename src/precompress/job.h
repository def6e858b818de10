// One sibling: whether it is to be made, and making it.
//
// Never a sibling of a mixture: the original is as it was before when all has been read, or the
// work begins anew. A file younger than two seconds is waited for, because two edits in one tick of
// the clock leave the same times (sys/rootfs.h). Nothing is logged.
#pragma once

#include "precompress/compressor.h"
#include "precompress/progress.h"
#include "precompress/sibling.h"

struct job {
    const struct compressor *compressor;
    char *path;               // of the original, below the root
    uint64_t size;            // of the original, when it was found
    enum sibling_state state; // of the sibling, then
};

struct job_env {
    int root;                  // directory
    bool dry;                  // only find out what would be made
    struct progress *progress; // is told of what is read
};

enum job_result {
    JOB_MADE,        // there is a new sibling (dry: there would be)
    JOB_NOT_SMALLER, // a sibling would not be worth its place, and there is none
    JOB_REMOVED,     // the same, but there was one, older than the original (dry: there is)
    JOB_NOTHING,     // nothing is left to do: somebody else did it, or the original is gone
};

// Does it and sets *ret_size to the sibling's size when JOB_MADE. Returns enum job_result, or a
// negative errno; -ECANCELED: interrupted; -ESTALE, -EBUSY: the original changes all the time;
// -ERANGE: its modification time lies in the future, and an edit would make it older.
int job_run(const struct job *job, const struct job_env *env, uint64_t *ret_size);

// The meaning of such an error, for a message.
const char *job_explain(int error);
