// A tree of files, and what serves it, for fuzzers that need more than bytes: index.html, small
// (3000 bytes), large, and the directory list, which has a listing. Beneath far the same, without
// the first, in a file system that may not answer.
#pragma once

#include "server/served.h"

#define SERVED_TREE_LARGE 300000 // bytes; sent from its descriptor

// Without PROXY headers, with those of proxies (peers of UNIX sockets), and with one of each
// client.
#define SERVED_TREE_LISTENERS 3

// Makes the tree beneath $TMPDIR (or /tmp), for as long as the process lives, and opens it as a
// site with small limits, without sockets. Called once. Aborts on any error.
void served_tree_make(struct served *s);
