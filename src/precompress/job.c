#include "precompress/job.h"

#include "precompress/interrupt.h"
#include "precompress/sibling.h"
#include "precompress/tree.h"
#include "precompress/writer.h"
#include "sys/clock.h"
#include "sys/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ATTEMPTS = 3,
    WAIT_STEP = 50, // ms
    // How long a file is waited for to grow old: it may be a little ahead of this machine's clock.
    WAIT_MAX = 5000, // ms
};

// One attempt.
struct attempt {
    const struct job *job;
    const struct job_env *env;
    int dir; // of original and sibling
    int fd;  // the original
    struct file_identity before;
    enum sibling_state state;
    struct writer writer;
    char sibling[NAME_MAX + 1];
    uint64_t read, written;
    bool not_smaller; // what was written is too much already
};

// ---- the original ------------------------------------------------------------------------------

static bool is_young(const struct file_identity *id)
{
    return rootfs_is_young(id, clock_wall_s());
}

// Waits until an edit cannot leave the times as they are. 0 or a negative errno (-ERANGE, -EBUSY).
static int await_rest(struct attempt *a)
{
    const struct timespec step = {.tv_nsec = WAIT_STEP * 1000000L};
    int waited = 0;
    int error = rootfs_fstat(a->fd, &a->before);
    while (error == 0 && is_young(&a->before) && waited < WAIT_MAX) {
        if (interrupt_seen())
            return -ECANCELED;
        nanosleep(&step, NULL);
        waited += WAIT_STEP;
        error = rootfs_fstat(a->fd, &a->before);
    }
    if (error < 0)
        return error;
    if (a->before.mtime_s > clock_wall_s())
        return -ERANGE;
    return is_young(&a->before) ? -EBUSY : 0;
}

// Whether the name still leads to the file that was read, and that is as it was.
static bool is_unchanged(const struct attempt *a, const char *name)
{
    struct file_identity after;
    struct stat st;
    return rootfs_fstat(a->fd, &after) == 0 && rootfs_same(&a->before, &after) &&
           fstatat(a->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == after.inode;
}

// ---- compressing -------------------------------------------------------------------------------

static ssize_t read_original(void *context, void *data, size_t size)
{
    struct attempt *a = context;
    ssize_t n;
    do {
        if (interrupt_seen())
            return -ECANCELED;
        n = read(a->fd, data, size);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    a->read += (uint64_t)n;
    progress_add(a->env->progress, (uint64_t)n);
    if (a->read > a->before.size || (n == 0 && a->read < a->before.size))
        return -ESTALE;
    return n;
}

static int write_sibling(void *context, const void *data, size_t len)
{
    struct attempt *a = context;
    a->written += len;
    a->not_smaller = a->written > sibling_size_max(a->before.size);
    if (a->not_smaller)
        return -ECANCELED;
    return a->env->dry ? 0 : writer_write(&a->writer, data, len);
}

static int compress(struct attempt *a)
{
    const struct compressor_io io = {read_original, write_sibling, a};
    int error = a->env->dry ? 0 : writer_open(&a->writer, a->dir);
    if (error == 0)
        error = a->job->compressor->compress(&io, a->before.size);
    return a->not_smaller ? 0 : error;
}

// ---- the sibling -------------------------------------------------------------------------------

// Sets the sibling's name and state.
static void judge_sibling(struct attempt *a, const char *name)
{
    struct stat original = {
        .st_size = (off_t)a->before.size,
        .st_mtim = {.tv_sec = a->before.mtime_s, .tv_nsec = a->before.mtime_ns},
    };
    struct stat sibling;
    a->state = SIBLING_NEEDLESS;
    if (!sibling_name(a->sibling, name, compressor_suffix(a->job->compressor)))
        return;
    bool exists = fstatat(a->dir, a->sibling, &sibling, AT_SYMLINK_NOFOLLOW) == 0;
    a->state = sibling_judge(&original, exists ? &sibling : NULL);
}

static bool is_sibling_wanted(const struct attempt *a)
{
    return a->state == SIBLING_MISSING || a->state == SIBLING_STALE;
}

// A stale sibling is removed when there is nothing to replace it with.
static int remove_stale_sibling(const struct attempt *a)
{
    if (a->state != SIBLING_STALE)
        return JOB_NOT_SMALLER;
    if (!a->env->dry && unlinkat(a->dir, a->sibling, 0) < 0)
        return -errno;
    return JOB_REMOVED;
}

static int finish_sibling(struct attempt *a, const char *name)
{
    int error = a->env->dry || a->not_smaller ? 0 : writer_dress(&a->writer, a->fd);
    if (error < 0)
        return error;
    if (!is_unchanged(a, name))
        return -ESTALE;
    // Compressing takes long enough for somebody else to have put something there.
    judge_sibling(a, name);
    if (!is_sibling_wanted(a))
        return JOB_NOTHING;
    if (a->not_smaller)
        return remove_stale_sibling(a);
    error = a->env->dry ? 0 : writer_commit(&a->writer, a->sibling);
    return error < 0 ? error : JOB_MADE;
}

// ---- the whole ---------------------------------------------------------------------------------

static int make_sibling(struct attempt *a, const char *name)
{
    int error = await_rest(a);
    if (error < 0)
        return error;
    if (!S_ISREG(a->before.mode))
        return JOB_NOTHING;
    judge_sibling(a, name);
    if (!is_sibling_wanted(a))
        return JOB_NOTHING;
    error = compress(a);
    int result = error < 0 ? error : finish_sibling(a, name);
    writer_discard(&a->writer);
    return result;
}

static int attempt(struct attempt *a)
{
    const char *name;
    a->dir = tree_open_parent(a->env->root, a->job->path, &name);
    if (a->dir < 0)
        return a->dir == -ENOENT ? JOB_NOTHING : a->dir;
    // A FIFO that has taken the file's place must not hold it up.
    a->fd = openat(a->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int result = a->fd >= 0 ? make_sibling(a, name) : errno == ENOENT ? JOB_NOTHING : -errno;
    if (a->fd >= 0)
        close(a->fd);
    close(a->dir);
    return result;
}

int job_run(const struct job *job, const struct job_env *env, uint64_t *ret_size)
{
    int result = -ESTALE;
    for (int i = 0; i < ATTEMPTS && result == -ESTALE; i++) {
        struct attempt a = {.job = job, .env = env, .writer = {.fd = -1}};
        result = interrupt_seen() ? -ECANCELED : attempt(&a);
        if (result == JOB_MADE)
            *ret_size = a.written;
        // Bytes that need not be read count as read.
        if (result != -ESTALE && a.read < job->size)
            progress_add(env->progress, job->size - a.read);
    }
    return result;
}

const char *job_explain(int error)
{
    if (error == -ESTALE || error == -EBUSY)
        return "it does not come to rest";
    if (error == -ERANGE)
        return "its modification time lies in the future";
    return strerror(-error);
}
