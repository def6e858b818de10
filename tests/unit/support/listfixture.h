// A site with directories to be listed, and rules that hide some of their entries from some.
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "content/snapshot.h"

extern struct tempdir listfixture_dir;

// Directories: d/ (a, a~, out, out1/, gone, inner/, moved, .hidden), dots/ (.shown). Of d/ are
// shown a, inner/ (to 192.0.2.0/24 only), moved and out; of dots/ .shown. Group setup and teardown
// of cmocka.
int listfixture_open(void **state);
int listfixture_close(void **state);

// The query of a client for a directory, which is good until the next one.
struct snapshot_query listfixture_query(const char *path, const char *client);
