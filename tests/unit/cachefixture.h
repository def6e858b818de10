// A file cache over a directory of files, for the tests of server/filecache.c: a disk that is cold
// when the test says so (-Wl,--wrap=pagecache_read), rounds and a time that the test moves.
#pragma once

#include "tempdir.h"

#include "server/filecache.h"

#include <errno.h>

#define MEMORY (1u << 20)
#define FILES  16
#define LARGE  (FILECACHE_BODY_MAX + 1)

static struct tempdir dir;
static struct conf_site site_confs[2] = {{.root = dir.path}, {.root = dir.path}};
static struct conf conf = {.sites = site_confs, .site_count = 2};
static struct sites sites;
static struct mimetable types;
static struct filecache cache;
static uint64_t round_number;
static int64_t wall_s; // so late that what was just written is old

#define SMALL 8000 // may take memory from others

static void open_cache(uint64_t memory, uint64_t files)
{
    struct sites_failure failed;
    tempdir_make(&dir);
    assert_int_equal(sites_open(&sites, &conf, &failed), 0);
    assert_int_equal(filecache_init(&cache, &types, memory, files), 0);
    wall_s = time(NULL) + 1000;
}

// ---- a disk -------------------------------------------------------------------------------------

static bool is_cold;
static const char *changing; // a file, by the next read

ssize_t __real_pagecache_read(int file, uint64_t offset, void *data, size_t len);
ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len);

ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    if (changing)
        tempdir_fill(&dir, changing, 1500);
    changing = NULL;
    return is_cold ? -EAGAIN : __real_pagecache_read(file, offset, data, len);
}

static int close_cache(void **state)
{
    (void)state;
    is_cold = false;
    filecache_cleanup(&cache);
    sites_close(&sites);
    tempdir_remove(&dir);
    return 0;
}

static MAYBE_UNUSED int open_usual(void **state)
{
    (void)state;
    open_cache(MEMORY, FILES);
    return 0;
}

static MAYBE_UNUSED int open_nothing_kept(void **state)
{
    (void)state;
    open_cache(0, 0);
    return 0;
}

static MAYBE_UNUSED int open_small(void **state)
{
    (void)state;
    // Three entries of such a size, two descriptors.
    open_cache(3 * (sizeof(struct cached_file) + SMALL + DESCRIPTION_MAX + 64), 2);
    return 0;
}

static MAYBE_UNUSED int get_from(size_t site, const char *path, enum coding coding,
                                 struct cached_file **ret)
{
    const struct file_key key = {.site = &sites.items[site],
                                 .tree = &sites.items[site].trees[0],
                                 .path = slice_of(path),
                                 .coding = coding};
    const struct file_moment moment = {round_number, wall_s};
    return filecache_get(&cache, &key, &moment, ret);
}

static struct cached_file *get(const char *path)
{
    struct cached_file *f = NULL;
    int r = get_from(0, path, CODING_IDENTITY, &f);
    if (r != 0)
        fail_msg("%s: %s", path, strerror(-r));
    return f;
}

static MAYBE_UNUSED int get_error(const char *path)
{
    struct cached_file *f = (void *)&dir;
    int r = get_from(0, path, CODING_IDENTITY, &f);
    assert_ptr_equal(f, &dir);
    return r;
}

static MAYBE_UNUSED void assert_body(const struct cached_file *f, const char *want)
{
    assert_int_equal(f->fd, -1);
    assert_int_equal(f->about.size, strlen(want));
    assert_memory_equal(f->body, want, strlen(want));
}

// Gets it in a round of its own and lets go at once; the pointer serves to compare only.
static MAYBE_UNUSED const void *touch(const char *path)
{
    round_number++;
    struct cached_file *f = get(path);
    const void *which = f;
    filecache_release(f);
    return which;
}

// The entry that is kept for it, or NULL.
static MAYBE_UNUSED struct cached_file *kept(const char *path)
{
    for (uint32_t i = 0; i <= cache.bucket_mask; i++)
        for (struct cached_file *f = cache.buckets[i]; f; f = f->next_in_bucket)
            if (slice_equal(f->key.path, slice_of(path)))
                return f;
    return NULL;
}

static MAYBE_UNUSED bool is_kept(const char *path)
{
    return kept(path);
}

static MAYBE_UNUSED bool is_in_memory(const char *path)
{
    return kept(path) && kept(path)->body;
}
