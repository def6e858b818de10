#include "precompress/plan.h"

#include "base/util.h"
#include "precompress/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FIRST_CAPACITY = 64 };

struct planning {
    struct plan *plan;
    const struct compressor *const *compressors; // ends with NULL
    const struct plan_listener *listener;
};

// A file of the tree.
struct place {
    int dir;
    const char *path; // below the root
    const char *name; // within `path`
};

// Adds a copy, with a path of its own.
static int add_job(struct plan *p, const struct job *job, const char *path)
{
    if (p->count == p->capacity) {
        size_t capacity = MAX(FIRST_CAPACITY, p->capacity * 2);
        struct job *larger = reallocarray(p->jobs, capacity, sizeof(*larger));
        if (!larger)
            return -ENOMEM;
        p->jobs = larger;
        p->capacity = capacity;
    }
    char *own_path = strdup(path);
    if (!own_path)
        return -ENOMEM;
    p->jobs[p->count] = *job;
    p->jobs[p->count++].path = own_path;
    p->bytes += job->size;
    return 0;
}

static void tell_foreign(const struct planning *g, const char *path, const char *suffix)
{
    char sibling[PATH_MAX + 8];
    snprintf(sibling, sizeof(sibling), "%s%s", path, suffix);
    g->listener->foreign(g->listener->context, sibling);
}

static void consider_sibling(struct planning *g, const struct place *at,
                             const struct stat *original, const struct compressor *compressor)
{
    char name[NAME_MAX + 1];
    struct stat sibling;
    if (!sibling_name(name, at->name, compressor_suffix(compressor)))
        return;
    bool exists = fstatat(at->dir, name, &sibling, AT_SYMLINK_NOFOLLOW) == 0;
    enum sibling_state state = sibling_judge(original, exists ? &sibling : NULL);
    const struct job job = {compressor, NULL, (uint64_t)original->st_size, state};
    if (state == SIBLING_FRESH)
        g->plan->fresh++;
    else if (state == SIBLING_FOREIGN)
        tell_foreign(g, at->path, compressor_suffix(compressor));
    else if (state != SIBLING_NEEDLESS && add_job(g->plan, &job, at->path) < 0)
        g->listener->failed(g->listener->context, at->path, -ENOMEM);
}

// A name in .gz that is no sibling of anything is not our business: only a name that would get
// siblings leaves orphans.
static void look_for_orphan(const struct planning *g, const struct place *at, size_t suffix_len)
{
    char original[NAME_MAX + 1];
    struct stat st;
    size_t len = strlen(at->name) - suffix_len;
    memcpy(original, at->name, len);
    original[len] = '\0';
    if (sibling_suits(slice_make(original, len)) &&
        fstatat(at->dir, original, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
        g->listener->orphan(g->listener->context, at->path);
}

static void look_at_file(void *context, int dir, const char *path, const char *name)
{
    struct planning *g = context;
    const struct place at = {dir, path, name};
    const struct compressor *made_by = compressor_of_sibling(slice_of(name));
    struct stat original;
    if (made_by)
        look_for_orphan(g, &at, strlen(compressor_suffix(made_by)));
    if (!sibling_suits(slice_of(name)))
        return;
    if (fstatat(dir, name, &original, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            g->listener->failed(g->listener->context, path, -errno);
        return;
    }
    for (size_t i = 0; g->compressors[i] && S_ISREG(original.st_mode); i++)
        consider_sibling(g, &at, &original, g->compressors[i]);
}

static void pass_failure(void *context, const char *path, int error)
{
    const struct planning *g = context;
    g->listener->failed(g->listener->context, path, error);
}

void plan_make(struct plan *p, int root, const struct compressor *const *compressors,
               const struct plan_listener *listener)
{
    struct planning g = {p, compressors, listener};
    const struct tree_visitor visitor = {look_at_file, pass_failure, &g};
    *p = (struct plan){0};
    tree_walk(root, &visitor);
}

void plan_cleanup(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->jobs[i].path);
    free(p->jobs);
    *p = (struct plan){0};
}

static int compare_sizes(const void *a, const void *b)
{
    uint64_t x = ((const struct job *)a)->size, y = ((const struct job *)b)->size;
    return (x < y) - (x > y);
}

void plan_sort_by_size(struct plan *p)
{
    if (p->count)
        qsort(p->jobs, p->count, sizeof(*p->jobs), compare_sizes);
}
