// A file cache over a directory of files, for the tests of content/filecache.c: a disk that is cold
// when the test says so (-Wl,--wrap=pagecache_read), rounds and a time that the test moves.
#pragma once

#include "tempdir.h"

#include "content/filecache.h"

#include <errno.h>

#define MEMORY (1u << 20)
#define FILES  16
#define LARGE  (CACHED_FILE_BODY_MAX + 1)
#define SMALL  8000 // may take memory from others

// Two sites that have the directory.
extern struct tempdir cache_dir;
extern struct conf_site cache_site_confs[2];
extern struct mimetable cache_types;
extern struct filecache cache;
extern uint64_t cache_round;
extern int64_t cache_wall_s; // so late that what was just written is old

extern bool disk_is_cold;
extern const char *disk_changes; // a file, by the next read; or NULL

// Of each test: a cache with so much room; with MEMORY and FILES, with none, and with that of three
// SMALL files and two descriptors.
void cache_open(uint64_t memory, uint64_t files);
int cache_open_usual(void **state);
int cache_open_without(void **state);
int cache_open_small(void **state);
int cache_close(void **state);

// As filecache_get(): 0 and the file, which the test releases, or an error.
int cache_get_from(size_t site, const char *path, enum coding coding, struct cached_file **ret);

// The same from the first site without a coding: the file, and the error that there must be.
struct cached_file *cache_get(const char *path);
int cache_get_error(const char *path);

// Gets it in a round of its own and lets go at once; the pointer serves to compare only.
const void *cache_touch(const char *path);

// The entry that is kept for it, or NULL.
struct cached_file *cache_kept(const char *path);

bool is_kept(const char *path);
bool is_in_memory(const char *path);

// Fails unless this is its content, in memory.
void assert_body(const struct cached_file *f, const char *want);
