// Reads content of files into the system's memory, and directories into snapshots, in threads of
// its own, so that an event loop does not wait for a disk, and with it every other connection.
//
// Content of a file that lies far away (struct cached_file, far), and a directory there, are read
// by the threads of its file system (sys/askers.h) instead, the content into a buffer.
//
// One readahead per loop. Its threads start when they are needed first, and end with the loop. All
// functions are for the loop's thread; the others see no more than a descriptor and a range.
#pragma once

#include "http/range.h"
#include "sys/askers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cached_file;
struct conn;
struct snapshot;

// So many disks, or files of a slow one, are waited for at a time.
#define READAHEAD_THREADS 4u

// Content that is being read, or a directory.
struct reading {
    struct reading *next;
    struct cached_file *file; // a reference; NULL: it is a directory
    uint64_t offset;
    size_t len;
    struct conn *conn;         // that waits for it; NULL: nobody does any more
    struct snapshot *snapshot; // of the directory, borrowed
    // Far away:
    struct askers_job job;
    struct readahead *owner;
    size_t got;  // bytes; fewer than `len`: the file ends there, or cannot be read
    char data[]; // they
};

// The most of a file far away that is read at a time, for each client.
#define READAHEAD_FAR (64u << 10)

struct readahead {
    int fd; // readable when something was read; -1: none
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    // guarded by the mutex
    struct reading *first, *last; // to be read
    struct reading *done;
    size_t queued; // to be read
    size_t idle;   // threads that wait for work
    bool ending;
    // the loop's
    size_t thread_count;
    pthread_t threads[READAHEAD_THREADS];
};

// 0 or a negative errno.
int readahead_init(struct readahead *r);

// Waits for what is being read. Whoever waits for it must be gone.
void readahead_cleanup(struct readahead *r);

// Has a range of a file read. `waiting` is told when it was (readahead_take()). NULL: it cannot be
// done, for want of memory or threads. Of a file far away it is READAHEAD_FAR bytes at most.
struct reading *readahead_start(struct readahead *r, struct cached_file *file, struct range range,
                                struct conn *waiting);

// Has a snapshot read, by snapshot_read(), in threads of `askers` if there are any. False: as
// above. It must live until it was taken.
bool readahead_list(struct readahead *r, struct snapshot *snapshot, struct askers *askers);

// To be called when `fd` is readable: all that was read, as a list by `next`. The caller gives each
// back with readahead_free().
struct reading *readahead_take(struct readahead *r);
void readahead_free(struct reading *one);
