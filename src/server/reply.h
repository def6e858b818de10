// A reply: the head that goes with a decision, put together with its content.
//
// Heads are written into the loop's gather buffer; content that is small and in memory is copied
// behind them, other content is left with the connection (server/output.h sends it). What is to be
// answered is server/answer.c's to say.
#pragma once

#include "http/decision.h"
#include "http/response.h"
#include "server/loop.h"

// What each part of an answer needs to know.
struct reply {
    struct loop *l;
    struct conn *c;
    const struct request *r;
    struct route *route; // whose rules add field lines
};

// Begins the one answer of a request: what every head has. Decides also whether the connection
// persists.
struct response reply_start(const struct reply *reply, int status);

// A head and content that is in memory.
void reply_put(const struct reply *reply, const struct response *response, struct slice content);

// A head, and as content the small page of its status, if that may have any.
void reply_put_page(const struct reply *reply, struct response *response);

// A head and a range of the file, none for HEAD. Takes over the reference.
void reply_put_file(const struct reply *reply, const struct response *response,
                    struct cached_file *file, struct range range);

// A head and content in pieces; they may use ranges of the file (or NULL). Takes over both.
void reply_put_pieces(const struct reply *reply, const struct response *response,
                      struct cached_file *file, struct pieces *pieces);
