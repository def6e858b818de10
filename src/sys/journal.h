// The journal of systemd: a sink of the log that sends fields beside the text (sd_journal_send(3)),
// and a stream of lines for the access log (sd_journal_stream_fd(3)). Without libsystemd there is
// none.
#pragma once

#include "base/log.h"

// A log_sink_cb; false: the journal's socket cannot be reached. Waits for a journal that has no
// room, as every program that logs there does: for the master and the commands, not for a child,
// whose descriptors are not its parent's.
bool journal_log(const struct log_record *record);

// A stream whose every line becomes an entry of the priority "info" by this name; it never blocks.
// The descriptor, or a negative errno (-ENOSYS: without libsystemd).
int journal_open_stream(const char *identifier);
