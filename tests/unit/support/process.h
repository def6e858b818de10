// Processes that a test starts and talks to: a server on a UNIX socket in a temporary directory,
// with what it logs in a file there.
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "daemon/generation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

// stderr goes to the file "log" of `d` until the saved descriptor is given back.
int redirect_stderr(const struct tempdir *d);

void restore_stderr(int saved);

// Setup and teardown of a test whose log is all that it needs files for: a directory, with stderr
// in it.
extern struct tempdir logged_dir;
int logged_dir_enter(void **state);
int logged_dir_leave(void **state);

// Whether that file has the text; await_log() waits until it does.
bool log_has(const struct tempdir *d, const char *text);
void await_log(const struct tempdir *d, const char *text);

// Makes a generation of a configuration, which it takes over, as the master does: with all that is
// wrong in the log. Waits for what is fetched.
struct generation *fetch_generation(struct generation_maker *maker, unsigned id, struct conf *conf,
                                    struct generation *previous, bool *ret_usable);

// Notes a server that the test has started (at most four), and one that it has seen end. A teardown
// ends those that are left, so that none outlives a test that failed. started() returns `pid`.
pid_t started(pid_t pid);
void ended(pid_t pid);
void end_started(void);

// Waits for the end of a child; returns its exit status, or 1000 and the signal that killed it.
int await_exit(pid_t pid);

// A connection to the UNIX socket "socket" of `d`, or a negative errno.
int connect_to(const struct tempdir *d);

// Asks for `path` on a connection of its own; the content must be `want`.
void assert_fetched(const struct tempdir *d, const char *path, const char *want);

// The same in the end: workers that retire may answer until they have heard of it.
void await_fetched(const struct tempdir *d, const char *path, const char *want);

// Asks for `path` again and again until the access log in the file `name` of `d` has a line with
// it: nothing else says when a worker has heard of a new log.
void await_logged(const struct tempdir *d, const char *path, const char *name);

// Whether a line of the file `name` of `d` has the text.
bool file_has(const struct tempdir *d, const char *name, const char *text);
