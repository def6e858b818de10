// Responds: puts the head that goes with a decision together with its content.
//
// Heads are written into the loop's gather buffer; content that is small and in memory is copied
// behind them, other content is left with the connection (server/output.h sends it).
// server/handler.c decides on the answer.
#pragma once

#include "content/body_source.h"
#include "http/decision.h"
#include "http/response.h"
#include "server/context.h"

// A request and all that its answer is made with.
struct exchange {
    struct context *ctx;
    struct conn *c;
    const struct request *r;
    struct route *route;      // whose rules add field lines
    struct route_query query; // for files in it: of the client, at this moment
};

// Begins the one answer of a request: what every head has. Decides also whether the connection
// persists.
struct response respond_start(const struct exchange *x, int status);

// A head and content that is in memory.
void respond_with(const struct exchange *x, const struct response *response, struct slice content);

// A head, and as content the small page of its status, if that may have any.
void respond_with_page(const struct exchange *x, struct response *response);

// A head and a range of the file, none for HEAD. Takes over the reference.
void respond_with_file(const struct exchange *x, const struct response *response,
                       struct cached_file *file, struct range range);

// A head and content in pieces; they may use ranges of the file (or NULL). Takes over both.
void respond_with_source(const struct exchange *x, const struct response *response,
                         struct cached_file *file, struct body_source *source);
