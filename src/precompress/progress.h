// How far the work is: one line on stderr, when that is a terminal, drawn a few times a second.
//
// Safe to use from several threads. Messages go between progress_hide() and progress_show(), so
// that they get lines of their own.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    pthread_mutex_t lock;
    bool enabled;
    bool drawn;           // the line is on the screen
    int64_t next_draw;    // ms
    uint64_t total, done; // bytes to read
    size_t jobs, finished;
};

// `enabled`: whether to draw at all.
void progress_init(struct progress *p, bool enabled, uint64_t total, size_t jobs);
void progress_cleanup(struct progress *p);

// So many more bytes were read (or need not be).
void progress_add(struct progress *p, uint64_t bytes);

void progress_finish_job(struct progress *p);

void progress_hide(struct progress *p);
void progress_show(struct progress *p);

#define PROGRESS_LINE_MAX 80

// The line, without control bytes; returns `line`. Never says 100 % while a job is left.
// Public for tests.
char *progress_format(const struct progress *p, char line[static PROGRESS_LINE_MAX]);
