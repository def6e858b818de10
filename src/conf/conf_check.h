// Checks of the texts that only the configuration has. The checks of other kinds of values belong
// to the modules that read them (address_check(), rulecheck_media_type() and others).
//
// Pure. The functions return NULL, or what is wrong and what would be right (static text).
#pragma once

#include "base/slice.h"

// Permission bits in octal: "0660".
const char *conf_check_mode(struct slice text);

// The name of a file that a directory can be answered with: no path, and not hidden.
const char *conf_check_file_name(struct slice text);

// The pattern of a name: one of http/glob.h without '/'.
const char *conf_check_name_pattern(struct slice text);

// The network of a proxy that is trusted: one of base/network.h, but for that of everybody.
const char *conf_check_proxy(struct slice text);

// The pattern of a rule: one of http/glob.h that begins with '/'.
const char *conf_check_match(struct slice text);
