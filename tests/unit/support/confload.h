// Configurations that a test loads, with all that is reported about them.
#pragma once

#include "conf/conf_load.h"

// All reports of one load, a line each.
struct reports {
    char text[16384];
};

// A conf_report that adds to a struct reports.
void reports_collect(void *context, const char *where, const char *message);

// A conf_report for what must be without errors: fails the test.
void fail_on_report(void *context, const char *where, const char *message);

// Loads a file, or a text as if it stood in that file, with one option beside it (or NULL); what is
// reported is in `r`. As conf_load().
struct conf *load_reported(const char *file, const char *text, const char *option,
                           const char *value, struct reports *r);

// The configuration of a text, which must be without errors.
struct conf *load_good(const char *text);

// The same of a file's text, or of one that stands in none (NULL), in which `root` takes the place
// of each "ROOT".
struct conf *load_rooted(const char *file, const char *text, const char *root);

// A list of texts for load_listening().
#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

// The configuration, /t.conf, of one site that listens on each of `addresses` (ends with NULL), a
// line each from the third on.
struct conf *load_listening(const char *const *addresses);

// Fails unless exactly this is reported.
void assert_reports(const char *got, const char *want);
