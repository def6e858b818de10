// The walk over the files below a directory that the server could serve.
//
// Symbolic links are neither followed nor reported, nor is what is hidden: a name that begins with
// a dot, but ".well-known" at the top. Paths beyond PATH_MAX are left out, for nothing opens them
// by name. Directories are opened name by name without following links, so that nobody who may
// write in the tree leads the walk, or what is written later, out of it.
#pragma once

struct tree_visitor {
    // A regular file: the directory it stands in, open until the call returns; its path below the
    // root; where its name begins in that.
    void (*file)(void *context, int dir, const char *path, const char *name);
    // A path that cannot be read; `error` is a negative errno.
    void (*failed)(void *context, const char *path, int error);
    void *context;
};

// Visits all, in the order of their names, the files of a directory before those below it. Ends
// early when interrupt_seen(). The root stays open and the caller's.
void tree_walk(int root, const struct tree_visitor *visitor);

// Opens the directory in which the file at `path` stands ("a/b.css": "a"; "b.css": the root once
// more) and sets *ret_name to the file's name within `path`. A descriptor, or a negative errno
// (-ELOOP or -ENOTDIR: a link stands in the way).
int tree_open_parent(int root, const char *path, const char **ret_name);
