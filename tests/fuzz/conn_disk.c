#include "conn_disk.h"

#include "server/conn.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

struct disk disk;

// ---- the disk -----------------------------------------------------------------------------------

bool __wrap_pagecache_has(int file, uint64_t offset, size_t len);
bool __wrap_pagecache_has(int file, uint64_t offset, size_t len)
{
    (void)file, (void)offset;
    assert(len > 0);
    return !disk.is_cold;
}

struct reading *__real_readahead_start(struct readahead *r, struct cached_file *file,
                                       struct range range, struct conn *waiting);
struct reading *__wrap_readahead_start(struct readahead *r, struct cached_file *file,
                                       struct range range, struct conn *waiting);
struct reading *__wrap_readahead_start(struct readahead *r, struct cached_file *file,
                                       struct range range, struct conn *waiting)
{
    assert(range.length > 0);
    if (file->far)
        return disk.is_short ? NULL : __real_readahead_start(r, file, range, waiting);
    struct reading *one = malloc(sizeof(*one));
    assert(one);
    *one = (struct reading){.next = disk.readings,
                            .file = file,
                            .offset = range.offset,
                            .len = (size_t)range.length,
                            .conn = waiting};
    file->references++;
    disk.readings = one;
    return one;
}

bool __real_readahead_list(struct readahead *r, struct snapshot *snapshot, struct askers *askers);
bool __wrap_readahead_list(struct readahead *r, struct snapshot *snapshot, struct askers *askers);
bool __wrap_readahead_list(struct readahead *r, struct snapshot *snapshot, struct askers *askers)
{
    if (disk.is_short)
        return false;
    if (askers)
        return __real_readahead_list(r, snapshot, askers);
    assert(!disk.listing); // one at a time
    disk.listing = snapshot;
    return true;
}

bool __wrap_sites_is_swapped(const struct site *site);
bool __wrap_sites_is_swapped(const struct site *site)
{
    (void)site;
    return disk.is_swapped;
}

bool __wrap_sites_tree_is_swapped(const struct tree *tree);
bool __wrap_sites_tree_is_swapped(const struct tree *tree)
{
    (void)tree;
    return disk.is_swapped;
}

// Those whose connection is gone are only freed.
static void tell(struct context *ctx, struct reading *list)
{
    struct reading *next;
    for (struct reading *one = list; one; one = next) {
        next = one->next;
        if (one->snapshot)
            conn_listed(ctx, one->snapshot);
        if (one->conn)
            conn_go_on(ctx, one);
        else
            readahead_free(one);
    }
}

void disk_read(struct context *ctx)
{
    struct reading *list = disk.readings;
    struct snapshot *listed = disk.listing;
    disk.readings = NULL;
    disk.listing = NULL;
    tell(ctx, list);
    if (listed) {
        snapshot_read(listed);
        conn_listed(ctx, listed);
    }
}

// ---- the file system far away -------------------------------------------------------------------

static struct askers {
    struct askers_job *first, *last; // to be done
    struct askers_job *done;
    size_t files;
    bool is_open, has_ended;
} far;

struct askers *askers_new(const int *keep, size_t count, int told)
{
    assert(!far.is_open && keep && count > 0 && told >= 0);
    far = (struct askers){.is_open = true};
    return &far;
}

void askers_submit(struct askers *a, struct askers_job *job)
{
    assert(a->is_open && !a->has_ended);
    job->next = NULL;
    if (a->first)
        a->last->next = job;
    else
        a->first = job;
    a->last = job;
}

void disk_do_far(size_t count)
{
    for (; far.first && count > 0; count--) {
        struct askers_job *job = far.first;
        bool is_told = job->done;
        far.first = job->next;
        job->run(job);
        if (is_told) {
            job->next = far.done;
            far.done = job;
        }
    }
}

void askers_take(struct askers *a)
{
    struct askers_job *next, *job = a->done;
    a->done = NULL;
    for (; job; job = next) {
        next = job->next;
        job->done(job);
    }
}

bool askers_end(struct askers *a)
{
    disk_do_far(SIZE_MAX);
    a->has_ended = true;
    return true;
}

void askers_free(struct askers *a)
{
    assert(a->has_ended && !a->first && !a->done && a->files == 0);
    a->is_open = false;
}

static void close_file(struct askers_job *job)
{
    struct askers_file *f = (struct askers_file *)job;
    close(f->fd);
    f->askers->files--;
    free(f);
}

struct askers_file *askers_file_new(struct askers *a, int fd)
{
    struct askers_file *f = malloc(sizeof(*f));
    assert(f);
    *f = (struct askers_file){.close = {.run = close_file}, .askers = a, .fd = fd};
    a->files++;
    return f;
}

void askers_file_close(struct askers_file *f)
{
    if (f->askers->has_ended)
        close_file(&f->close);
    else
        askers_submit(f->askers, &f->close);
}

// As in a loop: what was read first, then what was asked, a group of its own.
void disk_take_far(struct context *ctx)
{
    questions_take(&ctx->questions);
    tell(ctx, readahead_take(&ctx->readahead));
    conn_answered(ctx);
    ctx->turns.group++;
}
