// The access log's lines about requests and what was answered.
#pragma once

#include "server/loop.h"

// Adds the line of an answer that is sent, or will surely be: `bytes` of content.
void requestlog_add(struct loop *l, const struct conn *c, const struct request *r, int status,
                    uint64_t bytes);

// The content that the connection has will take a while: keeps what its line needs of `r`.
void requestlog_hold(struct loop *l, struct conn *c, const struct request *r);

// The content was sent or cut: adds its line. `r` is the request where it is still at hand,
// else what requestlog_hold() kept is used.
void requestlog_finish(struct loop *l, struct conn *c, const struct request *r);
