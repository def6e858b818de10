// Giving up privileges, in one ordered place.
//
// privs_resolve() runs in the master before the first fork (it reads the user database);
// privs_confine_worker() runs in a new worker before its first thread. Started without root there
// is nothing to change to, and `user`/`group` are ignored, but no_new_privs and the rest hold.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define PRIVS_MAX_GROUPS 64

struct privs {
    bool change_ids; // false: keep the ids as they are
    uid_t uid;
    gid_t gid;
    gid_t groups[PRIVS_MAX_GROUPS]; // supplementary groups of the user
    int group_count;
};

// Looks up the user and groups of the workers. `group` NULL or "": the user's own. Without root
// (euid 0), with `user` NULL or "", or where the ids are those already, gives change_ids = false.
// Returns 0 or a negative errno with *ret_what "user" or "group": -ENOENT: no such; -E2BIG: in more
// than PRIVS_MAX_GROUPS groups.
int privs_resolve(const char *user, const char *group, struct privs *ret, const char **ret_what);

// The ordered drop of a worker. Order matters and is the one of the code: the bounding set (while
// that is still allowed; skipped where it is not), supplementary groups, gid, uid, capabilities
// (all sets), PR_SET_PDEATHSIG (SIGTERM; after setresuid, which clears it) with a check that
// `master` is still the parent, not dumpable (only root sees its memory and descriptors, or traces
// it; a crash leaves no core), no_new_privs. Then verifies that nothing can be had back. Returns
// 0, or a negative errno with what failed in *ret_what (static): the caller must end; -ESRCH: the
// master is gone.
int privs_confine_worker(const struct privs *p, pid_t master, const char **ret_what);

// The way out of an error of privs_confine_worker(), as the end of a message; "" when none is
// known.
const char *privs_remedy(const char *what, int error);

// Drops from a root master every capability that it does not need: all but CAP_NET_BIND_SERVICE,
// CAP_CHOWN, CAP_FOWNER, CAP_DAC_OVERRIDE (UNIX sockets, log files, roots) and, when workers change
// ids, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL; from the bounding set too. Without root it
// keeps what it has, for what a service manager gave was meant, but is not dumpable: a worker is
// the same user, and could have its memory. Not no_new_privs: what an upgrade executes may have its
// capabilities from its file. 0 or a negative errno.
int privs_reduce_master(const struct privs *p);

// Raises the soft RLIMIT_NOFILE to the hard one, at most `want`; never lowers it.
// Returns the limit that holds now.
rlim_t privs_raise_nofile(rlim_t want);
