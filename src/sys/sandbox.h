// The sandbox of a process: what the kernel lets it do, whatever becomes of its code.
//
// Two layers, each of which can be left out or be missing in the kernel or the build:
// - Landlock: of all files only those beneath the roots can be opened, and only to read them or to
//   list directories; no TCP socket is bound or connected (ABI 4); no signal and no abstract UNIX
//   socket reaches a process outside (ABI 6). Files that are open already stay usable.
// - seccomp: only the system calls that a worker makes. Another one ends the process by SIGSYS,
//   after it was noted which one.
//
// Made by the master, once for all workers of a generation; entered in each child after
// privs_confine_worker() (no_new_privs is needed) and before its first thread. There is no way out
// again. A build for a sanitizer or for coverage has neither layer: their runtimes need more.
#pragma once

#include "base/buf.h"
#include "base/modes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sandbox_plan {
    enum sandbox_mode landlock, seccomp;
    const int *roots; // directories, O_PATH will do
    size_t root_count;
    bool reads_all; // Landlock: whatever the process's user may read, wherever it is
};

struct sandbox {
    enum sandbox_mode landlock, seccomp; // as planned
    bool reads_all;                      // as planned
    int landlock_abi;  // of the kernel; 0: SANDBOX_OFF; a negative errno: why there is no Landlock
    int ruleset;       // Landlock's, owned; -1: not enforced
    int seccomp_error; // a negative errno: why there is no seccomp
    void *filter;      // libseccomp's, owned; NULL: none
};

// One that holds nothing, and forbids nothing.
#define SANDBOX_NONE \
    ((struct sandbox){.landlock = SANDBOX_OFF, .seccomp = SANDBOX_OFF, .ruleset = -1})

// The version of Landlock, or a negative errno: -ENOSYS: kernel without it (or a filter around us
// says so); -EOPNOTSUPP: not enabled at boot; -EPERM: a filter around us forbids it; -ENOPKG: this
// build leaves it out. Public for tests.
int sandbox_landlock_abi(void);

// Makes it; `roots` are not needed any more then. That a layer is not to be had is no error: it is
// left out, with the reason in landlock_abi or seccomp_error. 0 or a negative errno.
int sandbox_init(struct sandbox *s, const struct sandbox_plan *plan);
void sandbox_cleanup(struct sandbox *s);

// Enters it, for good, and closes the ruleset in this process: whoever had it could add to what the
// next ones enter by it. A call that ends the process is noted in *refused before, which may be
// memory that others share; NULL will do without seccomp. 0, or a negative errno with what failed
// in *ret_what (static): the caller must end.
int sandbox_enter(struct sandbox *s, _Atomic uint64_t *refused, const char **ret_what);

// "connect (42)": the call of a note that is not 0. Whatever stands in it can be described.
void sandbox_describe_refused(struct buf *b, uint64_t refused);
