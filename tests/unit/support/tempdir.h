// A directory that lives as long as one test, with files in it.
#pragma once

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct tempdir {
    char path[64];
};

// Makes it; tempdir_remove() ends it, with all that is in it.
void tempdir_make(struct tempdir *d);
void tempdir_remove(struct tempdir *d);

// The same, and goes there; back to "/", and away with it.
void tempdir_enter(struct tempdir *d);
void tempdir_leave(struct tempdir *d);

// The path of the file `name`, which need not exist; returns `path`.
char *tempdir_path(const struct tempdir *d, const char *name, char path[static PATH_MAX]);

// Writes a file anew, with a text in it.
void tempdir_puts(const struct tempdir *d, const char *name, const char *text);

// Writes a file of `len` bytes, each of which tells its place: pattern_at() is the byte at `i`.
void tempdir_fill(const struct tempdir *d, const char *name, size_t len);
char pattern_at(size_t i);

// Makes the directory `name`.
void tempdir_mkdir(const struct tempdir *d, const char *name);

// Sets the times of a file, but not that of its change, to a second since 1970.
void tempdir_date(const struct tempdir *d, const char *name, time_t when);

// Reads a whole file, and puts a zero behind it; returns its length (less than `size`).
size_t tempdir_read(const struct tempdir *d, const char *name, char *data, size_t size);

// How many descriptors this process has open.
size_t count_fds(void);
