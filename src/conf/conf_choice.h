// Options whose value is one word of several, written with '|' between them: "file|shared|off".
//
// The value is the word's position. Pure.
#pragma once

#include "base/buf.h"

// The position of `text` among the words; false: it is none of them.
bool conf_choice_parse(const char *words, struct slice text, unsigned *ret);

// The word at this position, which must exist.
struct slice conf_choice_word(const char *words, unsigned value);

// Writes all words in quotes, but an empty one: "file", "shared" or "off".
void conf_choice_list(struct buf *b, const char *words);

// The word that was most likely meant, or an empty slice.
struct slice conf_choice_nearest(const char *words, struct slice text);
