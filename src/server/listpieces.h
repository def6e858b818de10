// The listing of a directory as pieces (server/dirlist.h), in chunks where the client knows them.
#pragma once

#include "http/listing.h"
#include "server/pieces.h"
#include "server/route.h"

struct listpieces_options {
    const struct route *route; // a ROUTE_DIRECTORY; what is needed of it is copied
    struct listing_view view;
    struct network client; // entries that the rules would refuse it are not shown
    uint32_t limit;        // the most entries
    uint32_t *under_way;   // how many listings there are, this one too until it is freed
    uint32_t most;         // of them
    bool chunked;          // RFC 9112 section 7.1; else the content ends with the connection
};

// 0 and the pieces, or a negative errno: of opening the directory, -EAGAIN when there are too many
// listings already.
int listpieces_new(const struct listpieces_options *options, struct pieces **ret);
