// Another image of the program takes the master's place, in the same process: exec, with all
// descriptors that must live on named by a state (daemon/upgrade_state.h).
//
// First the new image has to prove itself: it runs as a child, and has to read configuration and
// state. Only then is anything given up. The image that passes on is kept open, so that one that
// fails after all can go back to it, also when its file was replaced. Master only.
#pragma once

#include "daemon/child.h"
#include "daemon/upgrade_state.h"

struct upgrade_exec {
    char *const *argv;   // the command line, which the new image gets as well
    int image;           // this program, to go back to
    char path[PATH_MAX]; // where it was started from; a new image is looked for there
    struct child proof;  // pid 0: none is being made
    int proof_state;     // the state that it was given, or that this process was given to prove; -1
};

// The result of the proof.
enum upgrade_exec_proof { UPGRADE_EXEC_PROVEN, UPGRADE_EXEC_REFUSED };

// Whether this process has to take a master's place, or only to prove that it could.
enum upgrade_exec_role { UPGRADE_EXEC_NONE, UPGRADE_EXEC_SUCCESSOR, UPGRADE_EXEC_PROVER };

// Finds out about the own image, and takes from the environment what a predecessor left there. With
// a role, *ret_state is to be cleaned up. 0 or a negative errno: -EPROTO, the state is of another
// version.
int upgrade_exec_init(struct upgrade_exec *u, char *const *argv, enum upgrade_exec_role *ret_role,
                      struct upgrade_state *ret_state);
void upgrade_exec_cleanup(struct upgrade_exec *u);

// Starts the image that the path leads to now, as a child that has to prove itself. 0 or a negative
// errno. Of the child's end the caller hears by child_watch().
int upgrade_exec_prove(struct upgrade_exec *u, const struct upgrade_state *s);

// In the child that has to prove itself, when it has: any program may end with status 0.
void upgrade_exec_confirm(struct upgrade_exec *u);

// The child has ended with that status. Logs why when it is of no use.
enum upgrade_exec_proof upgrade_exec_judge(struct upgrade_exec *u, int status);

// Time is up for it, or nobody wants to know any more.
void upgrade_exec_give_up(struct upgrade_exec *u);

// Becomes the new image, or the one that the state came from. Returns only when that fails: a
// negative errno, and everything is as before.
int upgrade_exec_become(const struct upgrade_exec *u, const struct upgrade_state *s);
int upgrade_exec_go_back(const struct upgrade_exec *u, const struct upgrade_state *s);
