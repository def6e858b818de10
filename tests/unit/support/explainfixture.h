// A tree and a configuration to explain requests with; each test looks for lines of its module.
#pragma once

#include "process.h"

#include "conf/conf_load.h"
#include "explain/explain.h"

extern struct tempdir explain_dir;
extern struct served explain_served;
extern char explained[EXPLAIN_MAX + 1]; // the last explanation

// Of all tests together: makes the tree and loads the configuration.
int explain_setup(void **state);
int explain_teardown(void **state);

// The explanation of a head that a client sends to a listener: `explained`.
const char *explain_head(const char *head, const char *client, size_t listener);

// Of GET for a path of a.test, with more fields.
const char *explain_get(const char *path, const char *fields);

// Fails unless the text holds `want`, in which "ROOT" is the directory.
void assert_says(const char *text, const char *want);

struct explain_case {
    const char *path, *fields, *want;
};

// Asks for each as explain_get() does, and looks for what it wants.
void explain_check(const struct explain_case *cases, size_t count);
