// Looks through the text of a configuration file for what libconfig would silently get wrong.
//
// libconfig wraps numbers beyond 32 bits (1.5) or changes their type (1.7), takes 010 for ten (1.5)
// or eight (1.7), refuses (1.5) or passes over (1.7) a comma without a value behind it, and acts on
// @include before anybody can check it. A string or comment that nobody closes swallows the rest of
// the file: libconfig (1.5) calls that a syntax error in the last line, or nothing at all. Strings
// and comments are skipped as libconfig's lexer skips them. Pure.
#pragma once

#include "base/slice.h"

enum conf_prescan_kind {
    CONF_PRESCAN_NUMBER,  // does not fit: over 31 bits, or over 63 with the suffix L
    CONF_PRESCAN_OCTAL,   // begins with a zero that is not all of it
    CONF_PRESCAN_COMMA,   // no value follows
    CONF_PRESCAN_INCLUDE, // "@include"
    CONF_PRESCAN_STRING,  // begins here and has no end
    CONF_PRESCAN_COMMENT  // begins here and has no end
};

struct conf_prescan {
    struct slice rest;
    unsigned line;
};

struct conf_finding {
    enum conf_prescan_kind kind;
    unsigned line;
    struct slice token; // without an end: its first byte
};

struct conf_prescan conf_prescan_make(struct slice text);

// Finds the next one; false: there is none.
bool conf_prescan_next(struct conf_prescan *s, struct conf_finding *ret);
