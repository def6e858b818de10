// Threads that ask a file system which may never answer, for an event loop that must not wait.
//
// A thread that waits in the kernel for such a file system (FUSE, for one) cannot be ended, not
// even by SIGKILL: its process stays, with all descriptors of the table that the thread uses, and
// so with its ports. That is why these threads have a table of their own (unshare(2), CLONE_FILES)
// from before their first job on, with nothing in it but the roots and what jobs open. Such a
// descriptor means nothing to the rest of the process: no loop reads, sends or closes it.
//
// One `askers` is for one loop and one file system, so that none holds up another. Its first thread
// starts with it, and each sees that another one waits before it does a job, up to ASKERS_THREADS.
// All functions are for the loop's thread, unless they say otherwise. Not told apart: a file system
// that is slow, and one that will never answer; deadlines are the caller's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASKERS_THREADS 4u

struct askers; // opaque

// A job, embedded in whatever it is about.
struct askers_job {
    struct askers_job *next;
    void (*run)(struct askers_job *job); // in a thread
    // In the loop (askers_take()), after it was done. NULL: the job is not touched after run().
    void (*done)(struct askers_job *job);
};

// A file that a job has opened.
struct askers_file {
    struct askers_job close;
    struct askers *askers;
    int fd; // of the threads' table
};

// Starts them with these descriptors and no others; returns when they have let go of all else.
// `told`, an eventfd of the caller's, is written to whenever a job is done. NULL: no memory, or no
// thread can be had. Where unshare() is refused they share the process's table, and all else holds.
struct askers *askers_new(const int *keep, size_t count, int told);

// Has the job done, in the order of submission. From any thread.
void askers_submit(struct askers *a, struct askers_job *job);

// Calls done() of each job that was done since the last call.
void askers_take(struct askers *a);

// Has all jobs that wait done, and ends the threads; then askers_take() tells of the last ones, and
// files are only freed, for the table is gone. False: one still waits for the file system,
// ASKERS_END_TIME later: then the threads, and all that jobs use, must be left as they are.
#define ASKERS_END_TIME 100 // ms
bool askers_end(struct askers *a);

// After that. No file of theirs may be left.
void askers_free(struct askers *a);

// In a thread of theirs: takes the descriptor over. NULL: no memory; it is the caller's then.
struct askers_file *askers_file_new(struct askers *a, int fd);

// Has it closed by them, for that may wait as well, and freed.
void askers_file_close(struct askers_file *f);
