// Waiting for a file system that may not answer (content/questions.h).
//
// A request that needs an answer waits with its connection (CONN_ASKED), before a byte of its own
// answer, and is answered anew when there is one; at `timeouts.root` it gets 503. How many wait for
// one file system is limited (QUESTIONS_WAITING): further ones get 503 at once.
#pragma once

#include "server/context.h"

// A request that waits, or has waited and is not answered yet.
struct asking {
    struct question_fs *fs;   // among whose waiting it counts; NULL: none, it is free
    uint64_t since;           // the group in which it came
    struct question *awaited; // NULL: it waits for something else
};

// Begins to ask; for a loop that serves. 0 or a negative errno. context_cleanup() ends it.
int asking_init(struct context *ctx);

// The request of this connection is about to be answered.
void asking_begin(struct context *ctx, const struct conn *c);

// Whether the request that is being answered has to wait: what was found for it is of no use.
static inline bool asking_must_wait(const struct context *ctx)
{
    return ctx->questions.turn.awaited != NULL;
}

// The connection waits with that request; or, where it has to for something else, its question is
// answered.
void asking_wait(struct context *ctx, struct conn *c);

// It waits no more.
void asking_leave(struct context *ctx, struct conn *c);

// Whether the connection waits for an answer, and whether there is one.
bool asking_waits(const struct context *ctx, const struct conn *c);
bool asking_is_over(const struct context *ctx, const struct conn *c);

// The loop is ending: none waits longer than ASKING_ENDING from now on.
#define ASKING_ENDING 500 // ms
void asking_end_soon(struct context *ctx);

// The snapshots of directories in that tree.
struct snapshots *asking_snapshots(struct context *ctx, const struct tree *tree);
