// The error log: one line, one write(2), to stderr; or an entry with fields to a sink.
//
// For the master, for the commands, and for a worker, whose lines go to its master. Under systemd
// (JOURNAL_STREAM names stderr's device and inode, systemd.exec(5)) a line begins with the "<N>"
// of sd-daemon(3), unless a sink takes it; else with the level's name. A message is one sentence
// without a final period; control bytes in it are escaped, so that nobody can forge a line. errno
// is left as it was found. A line that cannot be written is lost: the log never stops the server.
// Not for what each request causes: that is the access log's.
//
// Functions below the boundary that gives up return errors; only that boundary logs.
#pragma once

#include "base/event.h"
#include "base/slice.h"
#include "base/util.h"

#include <stdbool.h>

// Nothing is logged as DEBUG alone; as a threshold it lets all through, as INFO does.
enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

// Finds out whether stderr is the journal; where it is a file, has it appended to. `name` (static)
// is put before each line, e.g. "tined"; NULL: none.
void log_init(const char *name);

// Lines above this level are dropped; the default is LOG_LEVEL_INFO.
void log_set_level(enum log_level level);

// The level of a name ("error", "warning", "notice", "info", "debug"); false: no such level.
bool log_level_parse(struct slice name, enum log_level *ret);

// NULL when there is a level of this name, else which there are (static text).
const char *log_level_check(struct slice name);

// Gets each line that is logged as an error, without the program's name; NULL: nobody does.
typedef void log_hear_cb(void *context, const char *message);
void log_listen(log_hear_cb *hear, void *context);

// A line as a sink gets it.
struct log_record {
    unsigned priority;   // of syslog(3)
    const char *program; // or NULL
    const char *message;
    const char *event, *message_id; // NULL: it is none of the events
    const struct event_fields *fields;
};

// Takes lines in the place of stderr, where that is the journal. False: it could not, and stderr
// gets the line. NULL: nobody does, as in a child (its descriptors are not its parent's).
typedef bool log_sink_cb(const struct log_record *record);
void log_set_sink(log_sink_cb *sink);

// In a child: stderr is from now on a pipe that does not block, and the parent reads it
// (daemon/child_stderr.h). A line begins with the "<N>" of its priority, and nothing waits: lines
// that find no room are lost, and the next one that does is preceded by their number.
void log_to_parent(void);

void log_line(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

// An event, at the level of its kind, with what else is known of it (or NULL).
void log_event(enum event event, const struct event_fields *fields, const char *format, ...)
    PRINTF_LIKE(3, 4);

// A line that another process wrote, or that is about it: in the form of all, with these facts (or
// NULL). log_listen() does not hear of it. Many of them do not keep the caller waiting, as many of
// its own would: where stderr is not read they are lost.
void log_relay(enum log_level level, const struct event_fields *fields, const char *format, ...)
    PRINTF_LIKE(3, 4);

#define log_err(...)    log_line(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)   log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)   log_line(LOG_LEVEL_INFO, __VA_ARGS__)
