// Lines for people to read: a label, then a text in a column of its own.
//
// What the text holds may come from anywhere: a byte that is not printable text is shown as \xNN,
// so that no name of a file can speak to a terminal.
#pragma once

#include "base/buf.h"
#include "base/util.h"

#include <sys/stat.h>

// Appends "label     text\n". An empty label continues the line before.
void report_line(struct buf *b, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);

// Appends bytes as text, "\n" for what ends a line in HTTP.
void report_text(struct buf *b, struct slice text);

// Room for every text of report_owner() and report_user().
#define REPORT_OWNER_MAX 160

// "-rw-r--r-- root:www-data", and "www-data (uid 33)"; numbers where there is no name.
const char *report_owner(const struct stat *st, char text[static REPORT_OWNER_MAX]);
const char *report_user(uid_t uid, char text[static REPORT_OWNER_MAX]);
