// Questions to file systems that may not answer (struct tree, is_local), asked by threads: an event
// loop itself never looks, opens or reads there.
//
// A loop that looks for something in such a tree gets the answer to a question that was asked after
// the request had come, or -EINPROGRESS: the request then waits with its connection and is answered
// anew, from the beginning, when there is an answer (server/asking.h). By then what it asks has
// been answered, up to the first thing that is new. So the code that finds resources is the same
// for all trees, and an answer is never older than its request. Requests share a question that no
// thread has begun with.
//
// At most QUESTIONS_WAITING requests wait for a file system, and as many questions; more are
// refused at once, -EBUSY. So are all when time is up: -ETIMEDOUT. One `questions` per event loop;
// file systems are told apart by their device. Without such trees it has no threads, and costs
// nothing.
#pragma once

#include "content/cached_file.h"
#include "sys/askers.h"

#include <stdatomic.h>

#define QUESTIONS_WAITING 64u

// A file system that may not answer.
struct question_fs {
    uint64_t dev;
    const char *directory; // of a tree in it
    struct askers *askers; // NULL: there are none, and it cannot be asked
    bool is_left;          // one of them did not end
    size_t open;           // questions without an answer
    size_t waiting;        // requests; the caller's
    struct list answered;  // questions with one, the oldest first
    size_t answered_count;
};

struct question {
    struct askers_job job;
    struct list link; // of those that are answered
    struct question *next_in_bucket;
    struct question_fs *fs;
    bool is_directory;         // whether there is a directory; else a file is wanted
    bool is_answered;          // the loop's
    _Atomic bool has_begun;    // a thread has begun with it
    uint64_t asked;            // in which group
    uint32_t awaited;          // by so many requests; the caller's
    int64_t wall_s;            // when it was
    struct cached_file *own;   // has the key; the file that was opened
    struct cached_file *known; // a reference: a file that was there before; or NULL
    const struct mimetable *types;
    // the answer
    int error;       // 0 or a negative errno
    bool is_known;   // the file is `known`, as it was
    bool is_lasting; // a file that may be kept
    bool is_swapped; // the tree is no longer where its path leads
};

// The request that is being answered.
struct question_turn {
    uint64_t since;           // the group in which it came
    bool waits;               // it has waited before
    bool is_late;             // it waits no more
    bool is_swapped;          // it has to do with a tree that is no longer where its path leads
    struct question *awaited; // its answer is needed first; NULL: none is
};

#define QUESTIONS_BUCKETS 256u

struct questions {
    int fd; // readable when there are answers; -1: there are no such file systems
    struct question_fs *fs;
    size_t fs_count;
    const struct mimetable *types;
    struct question_turn turn;
    struct question *buckets[QUESTIONS_BUCKETS];
};

// For all trees of the sites. 0 or a negative errno. Of one that is all zero but for fd -1, nothing
// is to be cleaned up.
int questions_init(struct questions *q, const struct sites *sites, const struct mimetable *types);

// Ends the threads, and takes what they have done. NULL, or the directory of a file system that one
// of them still waits for: then the process must end without exit handlers, for it may come back.
const char *questions_end(struct questions *q);

// After that, when no file of theirs is left.
void questions_cleanup(struct questions *q);

// The file system of a tree that is not local.
struct question_fs *questions_fs(struct questions *q, const struct tree *tree);

// The answer for a file. `known` is one that was found before, or NULL. 0 and a question that is
// answered, to be used before anything else is done with `q`; or -EINPROGRESS, -EBUSY, -ETIMEDOUT,
// -ENOMEM.
int questions_file(struct questions *q, const struct file_key *key, struct cached_file *known,
                   const struct file_moment *moment, const struct question **ret);

// The same: 0 when the key names a directory, -ENOTDIR, or as rootfs_look().
int questions_directory(struct questions *q, const struct file_key *key,
                        const struct file_moment *moment);

// To be called when `fd` is readable: takes all answers, and tells of the threads' other jobs.
void questions_take(struct questions *q);

// To be called when a request waits no more: when it was the last one, forgets all answers.
void questions_forget(struct questions *q);
