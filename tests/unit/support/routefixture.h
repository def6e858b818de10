// A tree, and a site with every kind of rule, to find routes in.
#pragma once

#include "tempdir.h"

#include "content/route.h"

extern struct tempdir route_dir;

// Of all tests together: makes the tree, and opens site and cache.
int route_setup(void **state);
int route_teardown(void **state);

// The query of a client's request, in a round of its own, when all files are old. One at a time:
// all have the same room for rules.
struct route_query route_query_from(const char *client);
