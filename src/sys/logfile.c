#include "sys/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// As many as the kernel follows (path_resolution(7)).
#define LINKS_MAX 40

// The most groups of the process that are put back.
#define OWN_GROUPS_MAX 1024

#define DIRECTORY_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

// ---- whose directory it is ---------------------------------------------------------------------

struct way {
    const struct privs *user;
    int dir; // how far it has been gone
    bool is_roots;
    unsigned links;
    char rest[PATH_MAX];
};

static bool has_group(const struct privs *user, gid_t gid)
{
    bool has = user->gid == gid;
    for (int i = 0; i < user->group_count; i++)
        has = has || user->groups[i] == gid;
    return has;
}

// Whether the user or everybody may put something else in the place of an entry. In a directory
// like /tmp (sticky) nobody but its owner may.
static bool is_replaceable(const struct stat *dir, const struct stat *entry,
                           const struct privs *user)
{
    if (dir->st_uid != 0)
        return true;
    bool is_written = (dir->st_mode & S_IWOTH) ||
                      ((dir->st_mode & S_IWGRP) && has_group(user, dir->st_gid));
    return is_written && !((dir->st_mode & S_ISVTX) && entry->st_uid == 0);
}

static int go_to(struct way *w, int fd)
{
    if (fd < 0)
        return -errno;
    close(w->dir);
    w->dir = fd;
    return 0;
}

// Puts the link's target before the rest.
static int follow_link(struct way *w, int link)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
    if (n < 0)
        return -errno;
    target[n] = '\0';
    if (++w->links > LINKS_MAX)
        return -ELOOP;
    strcpy(rest, w->rest);
    if (snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest) >= (int)sizeof(w->rest))
        return -ENAMETOOLONG;
    return target[0] == '/' ? go_to(w, open("/", DIRECTORY_FLAGS)) : 0;
}

static int take_step(struct way *w, const char *name)
{
    struct stat dir, entry;
    int fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(w->dir, &dir) < 0 || fstat(fd, &entry) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    w->is_roots = w->is_roots && !is_replaceable(&dir, &entry, w->user);
    if (S_ISDIR(entry.st_mode))
        return go_to(w, fd);
    int r = S_ISLNK(entry.st_mode) ? follow_link(w, fd) : -ENOTDIR;
    close(fd);
    return r;
}

static int walk_way(struct way *w)
{
    int r = w->rest[0] == '/' ? go_to(w, open("/", DIRECTORY_FLAGS)) : 0;
    while (r == 0) {
        char name[NAME_MAX + 1];
        const char *begin = w->rest + strspn(w->rest, "/");
        size_t len = strcspn(begin, "/");
        if (len == 0)
            return 0;
        if (len > NAME_MAX)
            return -ENAMETOOLONG;
        memcpy(name, begin, len);
        name[len] = '\0';
        memmove(w->rest, begin + len, strlen(begin + len) + 1);
        r = take_step(w, name);
    }
    return r;
}

// The directory, for root, when it is root's alone; -EXDEV: it is not.
static int open_roots_directory(const char *directory, const struct privs *user)
{
    struct stat st;
    struct way w = {.user = user, .dir = open(".", DIRECTORY_FLAGS), .is_roots = true};
    if (w.dir < 0)
        return -errno;
    strcpy(w.rest, directory);
    int r = walk_way(&w);
    if (r == 0 && fstat(w.dir, &st) < 0)
        r = -errno;
    if (r == 0 && (!w.is_roots || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))))
        r = -EXDEV;
    if (r == 0)
        return w.dir;
    close(w.dir);
    return r;
}

// ---- the file ----------------------------------------------------------------------------------

static int judge_file(const struct stat *st, const struct privs *user)
{
    if (S_ISLNK(st->st_mode))
        return -ELOOP;
    if (S_ISDIR(st->st_mode))
        return -EISDIR;
    if (!S_ISREG(st->st_mode) && !S_ISCHR(st->st_mode))
        return -EMEDIUMTYPE;
    if (S_ISREG(st->st_mode) && st->st_nlink > 1)
        return -EMLINK;
    bool is_ours = st->st_uid == 0 || st->st_uid == geteuid() || (user && st->st_uid == user->uid);
    return is_ours ? 0 : -EOWNERDEAD;
}

// Judged before, for some kinds of files an open is not without effect, and after.
static int open_judged(int dir, const char *name, int flags, const struct privs *user)
{
    struct stat st;
    int r = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? judge_file(&st, user) : -errno;
    if (r < 0 && (r != -ENOENT || !(flags & O_CREAT)))
        return r;
    int fd = openat(dir, name,
                    flags | O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    0640);
    if (fd < 0)
        return -errno;
    r = fstat(fd, &st) == 0 ? judge_file(&st, user) : -errno;
    if (r == 0)
        return fd;
    close(fd);
    return r;
}

static int check_judged(int dir, const char *name, const struct privs *user)
{
    int fd = open_judged(dir, name, 0, user);
    if (fd >= 0)
        close(fd);
    if (fd != -ENOENT)
        return fd < 0 ? fd : 0;
    // It would be made: that takes the directory.
    return faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int act_in(int dir, const char *name, bool makes, const struct privs *user)
{
    return makes ? open_judged(dir, name, O_CREAT, user) : check_judged(dir, name, user);
}

// ---- as somebody else --------------------------------------------------------------------------

static int act_as_self(const char *directory, const char *name, bool makes,
                       const struct privs *user)
{
    int dir = open(directory, DIRECTORY_FLAGS);
    if (dir < 0)
        return -errno;
    int r = act_in(dir, name, makes, user);
    close(dir);
    return r;
}

// Of this thread alone, which setgroups(3) would not be.
static int set_thread_groups(const gid_t *groups, int count)
{
    return syscall(SYS_setgroups, (size_t)count, groups) < 0 ? -errno : 0;
}

static int act_as_user(const char *directory, const char *name, bool makes,
                       const struct privs *user)
{
    gid_t own[OWN_GROUPS_MAX];
    int count = getgroups(OWN_GROUPS_MAX, own);
    int r = count < 0 ? -errno : set_thread_groups(user->groups, user->group_count);
    if (r < 0)
        return r;
    setfsgid(user->gid);
    setfsuid(user->uid); // takes the capabilities over files away as well
    bool is_user = (uid_t)setfsuid((uid_t)-1) == user->uid &&
                   (gid_t)setfsgid((gid_t)-1) == user->gid;
    r = is_user ? act_as_self(directory, name, makes, user) : -EPERM;
    setfsuid(geteuid());
    setfsgid(getegid());
    set_thread_groups(own, count);
    return r;
}

static int act_as_either(const char *directory, const char *name, bool makes,
                         const struct privs *user)
{
    if (!user || !user->change_ids || geteuid() != 0)
        return act_as_self(directory, name, makes, user);
    int dir = open_roots_directory(directory, user);
    if (dir == -EXDEV)
        return act_as_user(directory, name, makes, user);
    if (dir < 0)
        return dir;
    int r = act_in(dir, name, makes, user);
    close(dir);
    return r;
}

static int act_on(const char *path, bool makes, const struct privs *user)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = slash ? (size_t)(name - path) : 1;
    if (len >= sizeof(directory))
        return -ENAMETOOLONG;
    if (*name == '\0')
        return -EISDIR;
    memcpy(directory, slash ? path : ".", len);
    directory[len] = '\0';
    return act_as_either(directory, name, makes, user);
}

int logfile_open(const char *path, const struct privs *user)
{
    return act_on(path, true, user);
}

int logfile_check(const char *path, const struct privs *user)
{
    return act_on(path, false, user);
}
