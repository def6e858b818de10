// The text of a listing in pieces (http/listing.h), from a snapshot of the directory, in chunks
// where the client knows them.
#pragma once

#include "content/body_source.h"
#include "content/snapshots.h"
#include "http/listing.h"

struct listing_body_options {
    struct snapshot *snapshot;        // that was read; its reference is given back with the pieces
    struct listing_view view;         // path is copied; counts and `cut` are the snapshot's
    const struct cached_file *readme; // view.readme; must live as long as the pieces are asked for
    bool chunked; // RFC 9112 section 7.1; else the content ends with the connection
};

// NULL: no memory; the reference is the caller's then.
struct body_source *listing_body_new(const struct listing_body_options *options);
