// Reads content of files into the system's memory in threads of its own, so that an event loop does
// not wait for a disk, and with it every other connection.
//
// One reader per loop. Its threads start when they are needed first, and end with the loop. All
// functions are for the loop's thread; the reader's own see no more than a descriptor and a range.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cached_file;
struct conn;

// So many disks, or files of a slow one, are waited for at a time.
#define READER_THREADS 4u

// Content that is being read.
struct reading {
    struct reading *next;
    struct cached_file *file; // a reference
    uint64_t offset;
    size_t len;
    struct conn *conn; // that waits for it; NULL: nobody does any more
};

struct reader {
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
    pthread_t threads[READER_THREADS];
};

// 0 or a negative errno.
int reader_init(struct reader *r);

// Waits for what is being read. Whoever waits for it must be gone.
void reader_cleanup(struct reader *r);

// Has the next `len` bytes of the connection's file be read. NULL: it cannot be done, for want of
// memory or threads.
struct reading *reader_start(struct reader *r, struct conn *c, size_t len);

// To be called when `fd` is readable: all that was read, as a list by `next`. The caller gives each
// back with reader_free().
struct reading *reader_take(struct reader *r);
void reader_free(struct reading *one);
