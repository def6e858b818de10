// Patterns for decoded paths, with captures: "/assets/**", "/*.{png,jpg}", "/**/index.html".
//
//   ?       one byte but '/'
//   *       any bytes but '/', also none
//   **      any bytes, also none; "**" "/" at the start of a segment is any number of whole
//           directories, also none: "/**/a" matches "/a" and "/x/y/a"
//   {a,b}   one of the texts, which hold no pattern themselves and may be empty
//   \c      the byte c itself
//
// Everything else stands for itself, byte by byte; upper and lower case differ. A pattern matches
// a whole path. Each *, ** and {} captures what it stood for: $1 is the first; the slash of a **/
// is not part of it. Of several ways to match, each wildcard in turn takes as little as it can.
//
// Pure. Matching takes time that grows with pattern times path at most, whatever both hold.
#pragma once

#include "base/slice.h"

// Captures of one pattern, at most; glob_check() sees to it.
#define GLOB_MAX_CAPTURES 9

// The longest pattern, and the most texts that all its {} together can stand for: {a,b}{c,d} stands
// for four.
#define GLOB_MAX_LENGTH       255
#define GLOB_MAX_ALTERNATIVES 64

struct glob_match {
    size_t count;
    struct slice captures[GLOB_MAX_CAPTURES]; // of the path
};

// NULL when `pattern` is one, else what is wrong with it (static text). The functions below take
// only patterns that passed.
const char *glob_check(struct slice pattern);

// How many captures a pattern has.
size_t glob_captures(struct slice pattern);

// Whether `general` matches whatever `special` does, as far as that can be seen: they are the same,
// or `special` begins with what stands before the ** at the end of `general`, without wildcards.
bool glob_covers(struct slice general, struct slice special);

// Whether the pattern matches `path`; then *ret holds the captures.
bool glob_match(struct slice pattern, struct slice path, struct glob_match *ret);
