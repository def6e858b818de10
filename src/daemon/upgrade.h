// Another image of the program takes the master's place, in the same process: exec, with all
// descriptors that must live on named by a state (daemon/state.h).
//
// First the new image has to prove itself: it runs as a child, and has to read configuration and
// state. Only then is anything given up. The image that passes on is kept open, so that one that
// fails after all can go back to it, also when its file was replaced. Master only.
#pragma once

#include "daemon/child.h"
#include "daemon/state.h"

struct upgrade {
    char *const *argv;   // the command line, which the new image gets as well
    int image;           // this program, to go back to
    char path[PATH_MAX]; // where it was started from; a new image is looked for there
    struct child proof;  // pid 0: none is being made
    int proof_state;     // the state that it was given, or that this process was given to prove; -1
};

// What became of the proof.
enum upgrade_proof { UPGRADE_PROVEN, UPGRADE_REFUSED };

// Whether this process has to take a master's place, or only to prove that it could.
enum upgrade_role { UPGRADE_NONE, UPGRADE_SUCCESSOR, UPGRADE_PROVER };

// Finds out about the own image, and takes from the environment what a predecessor left there. With
// a role, *ret_state is to be cleaned up. 0 or a negative errno: -EPROTO, the state is of another
// version.
int upgrade_init(struct upgrade *u, char *const *argv, enum upgrade_role *ret_role,
                 struct state *ret_state);
void upgrade_cleanup(struct upgrade *u);

// Starts the image that the path leads to now, as a child that has to prove itself. 0 or a negative
// errno. u->proof.pidfd is readable when it has ended.
int upgrade_prove(struct upgrade *u, const struct state *s);

// In the child that has to prove itself, when it has: any program may end with status 0.
void upgrade_confirm(struct upgrade *u);

// The child has ended. Logs why when it is of no use.
enum upgrade_proof upgrade_judge(struct upgrade *u);

// Time is up for it, or nobody wants to know any more.
void upgrade_give_up(struct upgrade *u);

// Becomes the new image, or the one that the state came from. Returns only when that fails: a
// negative errno, and everything is as before.
int upgrade_exec(const struct upgrade *u, const struct state *s);
int upgrade_go_back(const struct upgrade *u, const struct state *s);
