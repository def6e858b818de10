// One answer: from a request that was read to bytes in the loop's buffer and, for larger content,
// a file on the connection.
#pragma once

#include "server/loop.h"

// Answers `r`. Sets c->ending when the connection does not persist.
void answer_request(struct loop *l, struct conn *c, const struct request *r);

// Answers with a status of its own and closes: what cannot be read as a request, or is not wanted.
// `r`: as far as it was read.
void answer_refuse(struct loop *l, struct conn *c, const struct request *r, int status);

// "100 Continue".
void answer_continue(struct loop *l);

// Whether the method is one that is served: content that follows another one is not waited for.
bool answer_is_served(enum method method);

// The content on the connection was sent or given up: logs its answer and lets go of it.
// `r` is the request where it is still at hand, else NULL.
void answer_finish(struct loop *l, struct conn *c, const struct request *r);

// The same without a word in the log: others have it.
void answer_give_up(struct loop *l, struct conn *c);
