#include "precompress/tree.h"

#include "precompress/interrupt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct walk {
    int root;
    const struct tree_visitor *visitor;
    char path[PATH_MAX]; // of what is looked at, below the root
};

int tree_open_parent(int root, const char *path, const char **ret_name)
{
    char name[NAME_MAX + 1];
    int dir = openat(root, ".", OPEN_DIRECTORY);
    const char *slash;
    while (dir >= 0 && (slash = strchr(path, '/'))) {
        size_t len = (size_t)(slash - path);
        if (len > NAME_MAX) {
            close(dir);
            return -ENAMETOOLONG;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        int next = openat(dir, name, OPEN_DIRECTORY);
        int saved_errno = errno;
        close(dir);
        errno = saved_errno;
        dir = next;
        path = slash + 1;
    }
    if (dir < 0)
        return -errno;
    *ret_name = path;
    return dir;
}

// The file type bits of st_mode, or a negative errno. Not every file system tells d_type.
static int type_of_entry(int dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return DTTOIF(entry->d_type);
    return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
                                                                     : (int)(st.st_mode & S_IFMT);
}

static bool is_hidden(const char *name, bool at_top)
{
    return name[0] == '.' && !(at_top && strcmp(name, ".well-known") == 0);
}

// Puts `name` behind the first `len` bytes of the path; false when there is no room.
static bool append_name(struct walk *w, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    if (len + name_len + 2 > sizeof(w->path)) // a slash and the end
        return false;
    memcpy(w->path + len, name, name_len + 1);
    return true;
}

// Visits what is a file. Whether it is a directory is kept in d_type.
static void look_at(struct walk *w, int dir, size_t len, struct dirent *entry)
{
    if (is_hidden(entry->d_name, len == 0) || !append_name(w, len, entry->d_name)) {
        entry->d_type = DT_UNKNOWN;
        return;
    }
    int type = type_of_entry(dir, entry);
    entry->d_type = type == S_IFDIR ? DT_DIR : DT_UNKNOWN;
    if (type == S_IFREG)
        w->visitor->file(w->visitor->context, dir, w->path, w->path + len);
    else if (type < 0 && type != -ENOENT)
        w->visitor->failed(w->visitor->context, w->path, type);
}

static int compare_dirents(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

// Reads the directory of the path's first `len` bytes ("" or with a slash at the end) and visits
// its files. Returns the number of entries, or a negative errno.
static int read_directory(struct walk *w, size_t len, struct dirent ***ret)
{
    const char *nothing;
    w->path[len] = '\0';
    int dir = tree_open_parent(w->root, w->path, &nothing);
    if (dir < 0)
        return dir;
    int count = scandirat(dir, ".", ret, NULL, compare_dirents);
    int error = count < 0 ? -errno : 0;
    for (int i = 0; i < count && !interrupt_seen(); i++)
        look_at(w, dir, len, (*ret)[i]);
    close(dir);
    return error < 0 ? error : count;
}

// Recursion is as deep as a path of PATH_MAX bytes; no descriptor is held meanwhile.
static void visit(struct walk *w, size_t len)
{
    struct dirent **entries;
    int count = read_directory(w, len, &entries);
    if (count < 0) {
        w->path[len] = '\0';
        w->visitor->failed(w->visitor->context, len ? w->path : ".", count);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_type == DT_DIR && !interrupt_seen()) {
            append_name(w, len, entries[i]->d_name);
            size_t below = len + strlen(entries[i]->d_name);
            w->path[below] = '/';
            visit(w, below + 1);
        }
        free(entries[i]);
    }
    free(entries);
}

void tree_walk(int root, const struct tree_visitor *visitor)
{
    struct walk w = {.root = root, .visitor = visitor};
    visit(&w, 0);
}
