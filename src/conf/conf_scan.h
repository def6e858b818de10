// Looks through the text of a configuration file for what libconfig would silently get wrong.
//
// libconfig wraps numbers beyond 32 bits (1.5) or changes their type (1.7), and acts on @include
// before anybody can check it. A string or comment that nobody closes swallows the rest of the
// file: libconfig (1.5) calls that a syntax error in the last line, or nothing at all. Strings and
// comments are skipped as libconfig's lexer skips them.
// Pure.
#pragma once

#include "base/slice.h"

enum conf_scan_kind {
    CONF_SCAN_NUMBER,  // does not fit: over 31 bits, or over 63 with the suffix L
    CONF_SCAN_INCLUDE, // "@include"
    CONF_SCAN_STRING,  // begins here and has no end
    CONF_SCAN_COMMENT  // begins here and has no end
};

struct conf_scan {
    struct slice rest;
    unsigned line;
};

struct conf_finding {
    enum conf_scan_kind kind;
    unsigned line;
    struct slice token; // without an end: its first byte
};

struct conf_scan conf_scan_make(struct slice text);

// Finds the next one; false: there is none.
bool conf_scan_next(struct conf_scan *s, struct conf_finding *ret);
