// The access log's lines about requests and what was answered.
#pragma once

#include "server/context.h"

// Adds the line of an answer that is sent, or will surely be: `bytes` of content.
void requestlog_add(struct context *ctx, const struct conn *c, const struct request *r, int status,
                    uint64_t bytes);

// The content that the connection has will take a while: keeps the facts about `r` for its line.
void requestlog_hold(struct context *ctx, struct conn *c, const struct request *r);

// The content was sent or cut: adds its line, from the facts that requestlog_hold() kept, or from
// `r` where the request is still at hand.
void requestlog_finish(struct context *ctx, struct conn *c, const struct request *r);
