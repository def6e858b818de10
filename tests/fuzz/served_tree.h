// A tree of files, and what serves it, for fuzzers that need more than bytes: index.html, small
// (3000 bytes), large, and the directory list, which has a listing.
#pragma once

#include "server/served.h"

#define SERVED_TREE_LARGE 300000 // bytes; sent from its descriptor

// Makes the tree beneath $TMPDIR (or /tmp), for as long as the process lives, and opens it as a
// site with small limits, without listeners. Called once. Aborts on any error.
void served_tree_make(struct served *s);
