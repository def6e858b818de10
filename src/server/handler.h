// Handles one request, from the head that was read to bytes in the loop's buffer and, for larger
// content, a file on the connection.
#pragma once

#include "server/context.h"

// Answers `r`. Sets c->ending when the connection does not persist. False: nothing was answered:
// c->listing is still to be read, a file system is asked (asking_must_wait()), or the site's root
// was swapped, and another generation is to do it.
bool handler_answer(struct context *ctx, struct conn *c, const struct request *r);

// Refuses what cannot be read as a request, or is not wanted, and closes. `r`: as far as it was
// read.
void handler_refuse(struct context *ctx, struct conn *c, const struct request *r,
                    enum reason reason);

// "100 Continue".
void handler_continue(struct context *ctx);

// Whether the method is one that is served: content that follows another one is not waited for.
bool handler_is_served(enum method method);
