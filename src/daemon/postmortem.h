// Tells the log what a worker was doing when it died or hung. Reads what the worker left in the
// scoreboard, and trusts none of it.
#pragma once

#include "base/buf.h"
#include "server/scoreboard.h"

// Room for every text.
#define POSTMORTEM_MAX 1536

// Writes how the worker of that place ended; NULL: one of which there is none.
//   "was killed by signal 9 (Killed)", "was ended by the sandbox: system call connect (42)"
void postmortem_describe_end(struct buf *b, const struct scoreboard_place *place, int status);

// Writes what `count` loops of that place had in flight: how many connections, and up to eight
// requests with their clients and for how long. Begins with a comma; nothing for idle loops without
// connections.
//   ", with 12 connections; answering "GET / HTTP/1.1" of 192.0.2.1 for 3 ms; sending …; 2 more"
void postmortem_describe(struct buf *b, const struct scoreboard_place *place, uint32_t count,
                         int64_t now);
