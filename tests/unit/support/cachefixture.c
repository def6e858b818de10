#include "cachefixture.h"

struct tempdir cache_dir;
struct conf_site cache_site_confs[2] = {{.root = cache_dir.path}, {.root = cache_dir.path}};
static struct conf cache_conf = {.sites = cache_site_confs, .site_count = 2};
static struct sites cache_sites;
struct mimetable cache_types;
struct filecache cache;
uint64_t cache_round;
int64_t cache_wall_s;

void cache_open(uint64_t memory, uint64_t files)
{
    struct sites_failure failed;
    tempdir_make(&cache_dir);
    assert_int_equal(sites_open(&cache_sites, &cache_conf, &failed), 0);
    assert_int_equal(filecache_init(&cache, &cache_types, memory, files), 0);
    cache_wall_s = time(NULL) + 1000;
}

// ---- a disk -------------------------------------------------------------------------------------

bool disk_is_cold;
const char *disk_changes;

ssize_t __real_pagecache_read(int file, uint64_t offset, void *data, size_t len);
ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len);

ssize_t __wrap_pagecache_read(int file, uint64_t offset, void *data, size_t len)
{
    if (disk_changes)
        tempdir_fill(&cache_dir, disk_changes, 1500);
    disk_changes = NULL;
    return disk_is_cold ? -EAGAIN : __real_pagecache_read(file, offset, data, len);
}

int cache_close(void **state)
{
    (void)state;
    disk_is_cold = false;
    filecache_cleanup(&cache);
    sites_close(&cache_sites);
    tempdir_remove(&cache_dir);
    return 0;
}

int cache_open_usual(void **state)
{
    (void)state;
    cache_open(MEMORY, FILES);
    return 0;
}

int cache_open_without(void **state)
{
    (void)state;
    cache_open(0, 0);
    return 0;
}

int cache_open_small(void **state)
{
    (void)state;
    // Three entries of such a size, two descriptors.
    cache_open(3 * (sizeof(struct cached_file) + SMALL + DESCRIPTION_MAX + 64), 2);
    return 0;
}

int cache_get_from(size_t site, const char *path, enum coding coding, struct cached_file **ret)
{
    const struct file_key key = {.site = &cache_sites.items[site],
                                 .tree = &cache_sites.items[site].trees[0],
                                 .path = slice_of(path),
                                 .coding = coding};
    const struct file_moment moment = {cache_round, cache_wall_s};
    return filecache_get(&cache, &key, &moment, ret);
}

struct cached_file *cache_get(const char *path)
{
    struct cached_file *f = NULL;
    int r = cache_get_from(0, path, CODING_IDENTITY, &f);
    if (r != 0)
        fail_msg("%s: %s", path, strerror(-r));
    return f;
}

int cache_get_error(const char *path)
{
    struct cached_file *f = (void *)&cache_dir;
    int r = cache_get_from(0, path, CODING_IDENTITY, &f);
    assert_ptr_equal(f, &cache_dir);
    return r;
}

void assert_body(const struct cached_file *f, const char *want)
{
    assert_int_equal(f->fd, -1);
    assert_int_equal(f->about.size, strlen(want));
    assert_memory_equal(f->body, want, strlen(want));
}

const void *cache_touch(const char *path)
{
    cache_round++;
    struct cached_file *f = cache_get(path);
    const void *which = f;
    cached_file_release(f);
    return which;
}

struct cached_file *cache_kept(const char *path)
{
    for (uint32_t i = 0; i <= cache.bucket_mask; i++)
        for (struct cached_file *f = cache.buckets[i]; f; f = f->next_in_bucket)
            if (slice_equal(f->key.path, slice_of(path)))
                return f;
    return NULL;
}

bool is_kept(const char *path)
{
    return cache_kept(path);
}

bool is_in_memory(const char *path)
{
    return cache_kept(path) && cache_kept(path)->body;
}
