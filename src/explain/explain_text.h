// Lines for people to read: a label, then a text in a column of its own.
//
// Parts of the text may come from anywhere: a byte that is not printable text is shown as \xNN,
// so that no name of a file can speak to a terminal.
#pragma once

#include "base/buf.h"
#include "base/util.h"
#include "conf/conf_types.h"

#include <sys/stat.h>

// Appends "label     text\n". An empty label continues the line before.
void explain_text_line(struct buf *b, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);

// Appends bytes as text, "\n" for what ends a line in HTTP.
void explain_text_bytes(struct buf *b, struct slice text);

// Room for a list; what is too much for it is left out.
#define EXPLAIN_TEXT_LIST_MAX 4096

// "one, two, three".
const char *explain_text_list(const struct conf_strings *list,
                              char text[static EXPLAIN_TEXT_LIST_MAX]);

// Room for every text of explain_text_owner() and explain_text_user().
#define EXPLAIN_TEXT_OWNER_MAX 160

// "-rw-r--r-- root:www-data", and "www-data (uid 33)"; numbers where there is no name.
const char *explain_text_owner(const struct stat *st, char text[static EXPLAIN_TEXT_OWNER_MAX]);
const char *explain_text_user(uid_t uid, char text[static EXPLAIN_TEXT_OWNER_MAX]);
