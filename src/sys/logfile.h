// Opens a log file to append to, also where others may write in its directory: nobody else gets the
// process to write in a file of their choice.
//
// The directory is root's alone when it belongs to root, nobody else may write in it, and nothing
// on the way to it, links included, can be replaced by the `user` or by everybody. Anywhere else
// root looks and opens with the file system ids of `user` (setfsuid(2)), which are the thread's
// own: the process must have CAP_SETUID and CAP_SETGID, and gets its ids back. A process that
// is not root opens as itself.
//
// The file must be a regular one with a single name, or a character device; it must belong to root,
// to `user`, or to this process. These errors name what is wrong with it:
//   -ELOOP       a symbolic link stands in its place
//   -EMLINK      it has hard links
//   -EMEDIUMTYPE it is neither of those kinds: a FIFO, for instance
//   -EOWNERDEAD  it belongs to somebody else
#pragma once

#include "sys/privs.h"

// A new descriptor, non-blocking and close-on-exec; the file is made with mode 0640 where there is
// none. `user` NULL: nobody but this process. Or a negative errno.
int logfile_open(const char *path, const struct privs *user);

// Whether that would succeed, without making the file. 0 or a negative errno.
int logfile_check(const char *path, const struct privs *user);
