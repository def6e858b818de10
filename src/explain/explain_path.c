#include "explain/explain_path.h"

#include "base/util.h"
#include "explain/explain_hint.h"
#include "explain/explain_text.h"
#include "sys/unit_hides.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const char *error_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } names[] = {
        {ENOENT, "ENOENT"}, {ENOTDIR, "ENOTDIR"}, {EACCES, "EACCES"},
        {ELOOP, "ELOOP"},   {EXDEV, "EXDEV"},     {ENAMETOOLONG, "ENAMETOOLONG"},
        {EPERM, "EPERM"},   {EINVAL, "EINVAL"},   {EIO, "EIO"},
        {ENXIO, "ENXIO"},   {ENODEV, "ENODEV"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].error == -error)
            return names[i].name;
    return "errno";
}

static struct rootfs root_of_path(const struct explain_path *p)
{
    struct rootfs root = p->tree->root;
    root.links = p->links;
    return root;
}

static const char *or_here(const char *path)
{
    return *path ? path : ".";
}

// "in /srv/www/docs (drwxr-xr-x root:root)": facts of a directory that was passed.
static void put_parent(struct buf *b, const struct explain_path *p, const char *parent,
                       const char *what)
{
    char owner[EXPLAIN_TEXT_OWNER_MAX];
    struct stat st;
    if (fstatat(p->tree->root.fd, or_here(parent), &st, 0) == 0)
        explain_text_line(b, "", "%s %s%s%s (%s)", what, p->tree->directory, *parent ? "/" : "",
                          parent, explain_text_owner(&st, owner));
}

// Why a link that is there does not lead on.
static const char *link_fault(const struct explain_path *p, int error)
{
    if (p->links == SYMLINKS_NONE && error == -ELOOP)
        return "and links are not followed: symlinks = \"none\"";
    if (error == -EXDEV)
        return "which leads out of the root: symlinks = \"beneath\"";
    return error == -ENOENT ? "which does not exist" : NULL;
}

// True: the component is a link, and that was told of.
static bool put_link(struct buf *b, const struct explain_path *p, const char *path, int error)
{
    char target[PATH_MAX], owner[EXPLAIN_TEXT_OWNER_MAX];
    struct stat st;
    if (fstatat(p->tree->root.fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
        return false;
    ssize_t n = readlinkat(p->tree->root.fd, path, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    const char *fault = link_fault(p, error);
    explain_text_line(b, "", "it is a link (%s) to %s%s", explain_text_owner(&st, owner), target,
                      fault ? "," : "");
    if (fault)
        explain_text_line(b, "", "%s", fault);
    return true;
}

// Says whether the service manager hides a path from the service. True: it does.
static bool put_hidden(struct buf *b, const struct explain_path *p, const char *path)
{
    char full[PATH_MAX];
    int n = snprintf(full, sizeof(full), "%s/%s", p->tree->directory, path);
    if (n >= PATH_MAX || !unit_hides_path(full))
        return false;
    explain_text_line(b, "", UNIT_HIDES_TEXT);
    return true;
}

// The modes allow what is refused, so a security module refuses it.
static void put_module(struct buf *b, const struct explain_path *p, const char *path, int error)
{
    if (error == -EACCES && faccessat(p->tree->root.fd, or_here(path), R_OK, AT_EACCESS) == 0)
        explain_text_line(b, "",
                          "its mode allows it, so a security module does not: Landlock, "
                          "AppArmor, SELinux");
}

static void put_hints(struct buf *b, const struct explain_path *p, const char *parent,
                      const char *name)
{
    const struct rootfs root = root_of_path(p);
    explain_hint_put(b, &root, or_here(parent), slice_of(name));
}

// `path` failed, its parent did not.
static void put_failure(struct buf *b, const struct explain_path *p, const char *path, int error)
{
    char parent[PATH_MAX] = "", user[EXPLAIN_TEXT_OWNER_MAX];
    const char *slash = strrchr(path, '/');
    if (slash)
        memcpy(parent, path, (size_t)(slash - path));
    explain_text_line(b, "cause", "%s/%s: %s (%s)", p->tree->directory, path, strerror(-error),
                      error_name(error));
    bool is_told = put_link(b, p, path, error);
    if ((error == -EACCES && put_hidden(b, p, path)) || is_told)
        return;
    if (error == -EACCES) {
        put_parent(b, p, parent, "there is no permission to search");
        explain_text_line(b, "", "for the worker's user, %s", explain_text_user(geteuid(), user));
    } else {
        put_parent(b, p, parent, error == -ENOTDIR ? "not a directory:" : "no such name in");
        if (error == -ENOENT)
            put_hints(b, p, parent, slash ? slash + 1 : path);
    }
}

// Whether all the way is there; else the first component that is not was told of.
static bool walk_components(struct buf *b, const struct explain_path *p, char path[static PATH_MAX],
                            struct file_identity *ret)
{
    const struct rootfs root = root_of_path(p);
    char *end = path;
    int error = rootfs_look(&root, "", ret);
    while (error == 0 && *end) {
        end += strcspn(end, "/");
        char kept = *end;
        *end = '\0';
        error = rootfs_look(&root, path, ret);
        if (error == 0)
            *end = kept;
        end += error == 0 && kept == '/';
    }
    if (error < 0)
        put_failure(b, p, path, error);
    return error == 0;
}

// Says that a file may not be opened, or is of a kind that is not served.
static void put_refused(struct buf *b, const struct explain_path *p, const char *path,
                        uint32_t mode)
{
    const struct rootfs root = root_of_path(p);
    char owner[EXPLAIN_TEXT_OWNER_MAX], user[EXPLAIN_TEXT_OWNER_MAX];
    struct stat st;
    if (fstatat(root.fd, or_here(path), &st, 0) < 0)
        return;
    if (!S_ISREG(mode) && !S_ISDIR(mode)) {
        explain_text_line(b, "cause", "%s/%s (%s) is not a regular file", p->tree->directory, path,
                          explain_text_owner(&st, owner));
        return;
    }
    int fd = rootfs_open(&root, path);
    if (fd >= 0)
        close(fd);
    else
        explain_text_line(b, "cause", "%s/%s (%s) cannot be read by the worker's user, %s: %s (%s)",
                          p->tree->directory, path, explain_text_owner(&st, owner),
                          explain_text_user(geteuid(), user), strerror(-fd), error_name(fd));
    if (fd < 0 && !put_hidden(b, p, path))
        put_module(b, p, path, fd);
}

// True: one of the index files is there and answers, for better or worse.
static bool put_index(struct buf *b, const struct explain_path *p, const char *directory)
{
    const struct conf_strings *index = p->index;
    const struct rootfs root = root_of_path(p);
    for (size_t i = 0; i < index->count; i++) {
        char path[PATH_MAX];
        struct file_identity found;
        int n = snprintf(path, sizeof(path), "%s%s", directory, index->items[i]);
        int error = n < PATH_MAX ? rootfs_look(&root, path, &found) : -ENAMETOOLONG;
        if (error == -ENOENT || (error == 0 && S_ISDIR(found.mode)))
            continue;
        if (error < 0)
            put_failure(b, p, path, error);
        else
            put_refused(b, p, path, found.mode);
        return true;
    }
    return false;
}

static void put_directory(struct buf *b, const struct explain_path *p, const char *directory)
{
    char names[EXPLAIN_TEXT_LIST_MAX], owner[EXPLAIN_TEXT_OWNER_MAX];
    struct stat st;
    if (put_index(b, p, directory) || fstatat(p->tree->root.fd, or_here(directory), &st, 0) < 0)
        return;
    explain_text_line(b, "cause", "%s/%s (%s) has no index file (%s)", p->tree->directory,
                      directory, explain_text_owner(&st, owner),
                      explain_text_list(p->index, names));
    if (!p->listing)
        explain_text_line(b, "", "and is not listed: listing = false");
}

void explain_path_put(struct buf *b, const struct explain_path *p)
{
    char path[PATH_MAX];
    struct file_identity found;
    if (p->path.len >= sizeof(path)) {
        explain_text_line(b, "cause", "the path is longer than the system allows (%d bytes)",
                          PATH_MAX);
        return;
    }
    memcpy(path, p->path.ptr, p->path.len);
    path[p->path.len] = '\0';
    if (!walk_components(b, p, path, &found))
        return;
    bool slash = p->path.len == 0 || path[p->path.len - 1] == '/';
    if (slash && S_ISDIR(found.mode))
        put_directory(b, p, path);
    else if (slash)
        explain_text_line(b, "cause", "%s/%s is not a directory (ENOTDIR)", p->tree->directory,
                          path);
    else
        put_refused(b, p, path, found.mode);
}
