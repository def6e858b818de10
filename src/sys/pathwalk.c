#include "sys/pathwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };   // MAXSYMLINKS of the kernel
enum { MAX_LOOKS = 1000 }; // at names that others change all the time

// statfs(2): symbolic links on this mount are not followed (Linux 5.10).
#define MOUNT_NOSYMFOLLOW 0x2000

enum {
    OPEN_STEP = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    OPEN_LAST = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
    FIND_LAST = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

struct walk {
    int root;          // not ours
    int *dirs;         // those below the root, each opened from the one before; ours
    size_t depth, cap; // of dirs
    char *rest;        // what is still to be walked, from the heap
    char *next;        // the first byte in it that was not looked at
    int links_left;    // that may be followed
    int anew_left;     // absolute ones
    const struct pathwalk_names *names;
    int looks_left; // at names that were a link a moment ago and are none any more
    int flags;      // of the last component
    bool want_dir;  // a slash stands behind the last component
};

static int here(const struct walk *w)
{
    return w->depth ? w->dirs[w->depth - 1] : w->root;
}

static int push(struct walk *w, int fd)
{
    if (w->depth == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 16;
        int *dirs = realloc(w->dirs, cap * sizeof(*dirs));
        if (!dirs) {
            close(fd);
            return -ENOMEM;
        }
        w->dirs = dirs;
        w->cap = cap;
    }
    w->dirs[w->depth++] = fd;
    return 0;
}

static void go_to_root(struct walk *w)
{
    while (w->depth)
        close(w->dirs[--w->depth]);
}

static void cleanup_walk(struct walk *w)
{
    go_to_root(w);
    free(w->dirs);
    free(w->rest);
}

// Cuts the next component off what is to be walked; *ret_last: nothing follows it but slashes.
static char *take_component(struct walk *w, bool *ret_last)
{
    char *name = w->next + strspn(w->next, "/");
    char *end = name + strcspn(name, "/");
    char *next = end + strspn(end, "/");
    *ret_last = *next == '\0';
    if (*ret_last && *end == '/')
        w->want_dir = true;
    *end = '\0';
    w->next = next;
    return name;
}

// Puts the target of a link before what is still to be walked.
static int insert(struct walk *w, const char *target)
{
    size_t target_len = strlen(target), rest_len = strlen(w->next);
    char *rest = malloc(target_len + 1 + rest_len + 1);
    if (!rest)
        return -ENOMEM;
    char *to = mempcpy(rest, target, target_len);
    if (rest_len)
        *to++ = '/';
    memcpy(to, w->next, rest_len + 1);
    free(w->rest);
    w->rest = w->next = rest;
    return 0;
}

// Links in a sticky directory that all may write belong to whom they lead astray, unless follower,
// or owner of the directory, made them: as the kernel with fs.protected_symlinks=1 (proc(5)).
static int may_follow_last(int dir, const struct stat *link)
{
    const mode_t shared = S_ISVTX | S_IWOTH;
    struct stat st;
    if (link->st_uid == geteuid())
        return 0;
    if (fstat(dir, &st) < 0)
        return -errno;
    return (st.st_mode & shared) == shared && st.st_uid != link->st_uid ? -EACCES : 0;
}

static int count_link(struct walk *w)
{
    return w->links_left-- == 0 ? -ELOOP : 0;
}

// Reads the target of the link that is open as `fd`. 0 or a negative errno.
static int read_link(const struct walk *w, int fd, const struct stat *st, bool last,
                     char target[static PATH_MAX])
{
    struct statfs mount;
    int r = last ? may_follow_last(here(w), st) : 0;
    if (r < 0)
        return r;
    if (fstatfs(fd, &mount) < 0)
        return -errno;
    if ((unsigned long)mount.f_flags & MOUNT_NOSYMFOLLOW)
        return -ELOOP;
    ssize_t n = readlinkat(fd, "", target, PATH_MAX);
    if (n < 0)
        return -errno;
    if (n == PATH_MAX)
        return -ENAMETOOLONG;
    target[n] = '\0';
    return 0;
}

// The rest of an absolute target that begins with this name of the root; NULL: it does not.
static const char *skip_name(const char *target, const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (!name || strncmp(target, name, len) != 0)
        return NULL;
    return target[len] == '/' || target[len] == '\0' ? target + len : NULL;
}

static const char *find_rest(const struct walk *w, const char *target)
{
    const char *rest = w->names ? skip_name(target, w->names->as_configured) : NULL;
    return rest || !w->names ? rest : skip_name(target, w->names->real);
}

// An absolute target that names the root leads on from there, and any other one out.
static int take_target(struct walk *w, const char *target)
{
    if (target[0] != '/')
        return insert(w, target);
    const char *rest = find_rest(w, target);
    if (!rest)
        return -EXDEV;
    if (w->anew_left-- == 0)
        return -ELOOP;
    go_to_root(w);
    return insert(w, rest[strspn(rest, "/")] ? rest : ".");
}

static int follow_open(struct walk *w, int fd, const char *name, bool last, int error)
{
    char target[PATH_MAX];
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (error == -ENOTDIR && !S_ISLNK(st.st_mode) && !S_ISDIR(st.st_mode))
        return error;
    if (!S_ISLNK(st.st_mode)) // it was one a moment ago: look again
        return w->looks_left-- == 0 ? -ELOOP : insert(w, name);
    int r = count_link(w);
    if (r < 0)
        return r;
    r = read_link(w, fd, &st, last, target);
    return r < 0 ? r : take_target(w, target);
}

// `name` could not be opened as what it should be (`error`): when it is a link, its target comes
// next. 0 or a negative errno.
static int follow(struct walk *w, const char *name, bool last, int error)
{
    int fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = follow_open(w, fd, name, last, error);
    close(fd);
    return r;
}

// Any name in a directory, "." and ".." too, needs permission to search it.
static int may_search(const struct walk *w)
{
    int fd = openat(here(w), ".", OPEN_STEP);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

// ".." goes back to the directory that this one was opened from, wherever it was moved since.
static int go_up(struct walk *w)
{
    int r = may_search(w);
    if (r < 0)
        return r;
    if (w->depth == 0)
        return -EXDEV;
    close(w->dirs[--w->depth]);
    return 0;
}

static int go_down(struct walk *w, const char *name)
{
    int fd = openat(here(w), name, OPEN_STEP);
    // With O_DIRECTORY a link gives ENOTDIR.
    if (fd < 0)
        return errno == ENOTDIR ? follow(w, name, false, -ENOTDIR) : -errno;
    return push(w, fd);
}

static bool is_link(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

// Opens the last component: returns the fd, -EINPROGRESS when it was a link, or a negative errno.
static int open_last(struct walk *w, const char *name)
{
    int fd = openat(here(w), name, w->flags | (w->want_dir ? O_DIRECTORY : 0));
    if (fd >= 0 && !is_link(fd))
        return fd;
    // With O_NOFOLLOW a link gives ELOOP, with O_DIRECTORY ENOTDIR, with O_PATH itself.
    int r = fd >= 0 ? -ELOOP : -errno;
    if (fd >= 0)
        close(fd);
    if (r == -ELOOP || r == -ENOTDIR)
        r = follow(w, name, true, r);
    return r < 0 ? r : -EINPROGRESS;
}

// Goes one component on. Returns the fd when it was the last one, -EINPROGRESS when there is more
// to walk, or a negative errno.
static int advance(struct walk *w)
{
    bool last;
    const char *name = take_component(w, &last);
    bool up = strcmp(name, "..") == 0, stay = strcmp(name, ".") == 0;
    int r = 0;

    if (up)
        r = go_up(w);
    else if (stay && !last)
        r = may_search(w);
    else if (!last)
        r = go_down(w, name);
    if (r < 0)
        return r;
    // The buffers are the walk's, and pathwalk_open() frees them.
    return last ? open_last(w, up ? "." : name) // NOLINT(clang-analyzer-unix.Malloc)
                : -EINPROGRESS;
}

static int walk_path(int root, const char *path, int flags, bool links,
                     const struct pathwalk_names *names)
{
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (path[0] == '/')
        return -EXDEV;
    struct walk w = {.root = root,
                     .flags = flags,
                     .links_left = links ? MAX_LINKS : 0,
                     .anew_left = PATHWALK_ANEW_MAX,
                     .names = names,
                     .looks_left = links ? MAX_LOOKS : 0,
                     .rest = strdup(path[0] ? path : ".")};
    int r = -EINPROGRESS;
    if (!w.rest)
        return -ENOMEM;
    w.next = w.rest;
    while (r == -EINPROGRESS)
        r = advance(&w);
    cleanup_walk(&w);
    return r;
}

int pathwalk_open(int root, const char *path, bool links, const struct pathwalk_names *names)
{
    return walk_path(root, path, OPEN_LAST, links, names);
}

int pathwalk_find(int root, const char *path, bool links, const struct pathwalk_names *names)
{
    return walk_path(root, path, FIND_LAST, links, names);
}
