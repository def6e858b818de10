// Loading the configuration: defaults, then the file with its includes (libconfig), then the
// command line. Every name is looked up in the option table; an unknown name, a wrong type and a
// value out of range are errors with file, line and remedy (the nearest valid name).
//
// All errors of one load are reported, except that libconfig stops at the first syntax error or
// duplicate name of a file. Reads files; opens no socket and no root. Runs in the master and in
// commands.
#pragma once

#include "conf/conf.h"
#include "conf/conf_source.h"

// Returns the configuration, owned by the caller, or NULL after at least one report.
struct conf *conf_load(const struct conf_source *source, conf_report_cb *report, void *context);
