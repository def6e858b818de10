// The counters of an event loop: the one place that says which there are.
//
// A row makes the member of `struct counters` and of the scoreboard's slots, the line and the key
// of `tined status`, the key under which a total crosses an upgrade or a restart, and the entry in
// the manual. The order of rows is that of the status; nothing else depends on it, and a key is
// never given to another counter. Pure.
#pragma once

#include "base/buf.h"
#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// X(member, key, text, help): counters that stand alone.
#define COUNTERS_SINGLE_TABLE(X)                                                                  \
    X(requests, "requests", "requests", "Requests that were answered or refused.")                \
    X(sent, "sent_bytes", "bytes sent", "Bytes of answers.")                                      \
    X(accepted, "accepted", "connections accepted", "Connections that were accepted and let in.") \
    X(taken, "handed_over", "connections handed over",                                            \
      "Connections that one worker has taken over from another.")                                 \
    X(turned_away, "turned_away", "connections turned away",                                      \
      "New connections that got 503 because there was no room for them.")                         \
    X(log_dropped, "log_dropped", "lines the log lost", "Lines that the access log could not take.")

// X(member, key, title, ROWS, help): groups of counters. Each counts the same by another class,
// which is a row of COUNTERS_<ROWS>_TABLE; `title` stands above them in the status.
#define COUNTERS_GROUP_TABLE(X)                                                               \
    X(answers, "answers", "answers by class", ANSWERS,                                        \
      "Answers by the first digit of their status.")                                          \
    X(closed, "closed", "why connections were closed", CLOSED,                                \
      "Connections that were closed, by reason.")                                             \
    X(rounds, "rounds_us", "how long event loop iterations took", ROUNDS,                     \
      "Event loop iterations, by the time from the first event to the last answer: each is "  \
      "counted at the lowest bound, in microseconds, that it stayed below. It is how long a " \
      "client may have to wait for others.")

// X(ID, key, text). Status 1xx is the first.
#define COUNTERS_ANSWERS_TABLE(X) \
    X(1XX, "1xx", "answers 1xx")  \
    X(2XX, "2xx", "answers 2xx")  \
    X(3XX, "3xx", "answers 3xx")  \
    X(4XX, "4xx", "answers 4xx")  \
    X(5XX, "5xx", "answers 5xx")

// X(ID, key, text): why a connection was closed, also as enum conn_close.
#define COUNTERS_CLOSED_TABLE(X)                                       \
    X(DONE, "done", "the last answer was sent")                        \
    X(EOF, "eof", "the client closed it")                              \
    X(RESET, "reset", "the client reset it")                           \
    X(TIMEOUT, "timeout", "a deadline passed")                         \
    X(CHANGED, "changed", "the file became shorter while it was sent") \
    X(ROOM, "room", "it made room for a new connection")               \
    X(MEMORY, "memory", "no memory")                                   \
    X(STOP, "stop", "the server stopped")                              \
    X(HANDED, "handed", "another worker has it")                       \
    X(PROXY, "proxy", "it had no good PROXY header, which is required")

// X(ID, key, text): each bound is twice the one before it; the last row has none.
#define COUNTERS_ROUNDS_TABLE(X)               \
    X(16, "16", "less than 16 us")             \
    X(32, "32", "less than 32 us")             \
    X(64, "64", "less than 64 us")             \
    X(128, "128", "less than 128 us")          \
    X(256, "256", "less than 256 us")          \
    X(512, "512", "less than 512 us")          \
    X(1024, "1024", "less than 1024 us")       \
    X(2048, "2048", "less than 2048 us")       \
    X(4096, "4096", "less than 4096 us")       \
    X(8192, "8192", "less than 8192 us")       \
    X(16384, "16384", "less than 16384 us")    \
    X(32768, "32768", "less than 32768 us")    \
    X(65536, "65536", "less than 65536 us")    \
    X(131072, "131072", "less than 131072 us") \
    X(262144, "262144", "less than 262144 us") \
    X(LONGER, "longer", "longer")

enum {
#define X(id, key, text) COUNTERS_ANSWERS_##id,
    COUNTERS_ANSWERS_TABLE(X)
#undef X
        COUNTERS_ANSWERS_COUNT
};

enum conn_close {
#define X(id, key, text) CONN_CLOSE_##id,
    COUNTERS_CLOSED_TABLE(X)
#undef X
        COUNTERS_CLOSED_COUNT
};

enum {
#define X(id, key, text) COUNTERS_ROUNDS_##id,
    COUNTERS_ROUNDS_TABLE(X)
#undef X
        COUNTERS_ROUNDS_COUNT
};

// The counters of one loop, or the sums of many.
struct counters {
#define X(member, key, text, help) uint64_t member;
    COUNTERS_SINGLE_TABLE(X)
#undef X
#define X(member, key, title, ROWS, help) uint64_t member[COUNTERS_##ROWS##_COUNT];
    COUNTERS_GROUP_TABLE(X)
#undef X
};

#define COUNTERS_COUNT (sizeof(struct counters) / sizeof(uint64_t))

// No total is more: what a double, and so JSON, holds exactly.
#define COUNTERS_MAX ((UINT64_C(1) << 53) - 1)

enum counters_group {
    COUNTERS_SINGLE,
#define X(member, key, title, ROWS, help) COUNTERS_##ROWS,
    COUNTERS_GROUP_TABLE(X)
#undef X
        COUNTERS_GROUPS
};

// A row of the table. `key` is unique in its group, `group` and `key` together everywhere.
struct counters_row {
    enum counters_group group;
    const char *key, *text;
    const char *help; // NULL in a group: it is the group's
};

struct counters_group_row {
    const char *key, *title, *help; // "" and NULL for COUNTERS_SINGLE
};

// COUNTERS_COUNT rows, in the order of the members of struct counters; those of a group together.
const struct counters_row *counters_row(size_t i);
const struct counters_group_row *counters_group_row(enum counters_group group);

// The counters as COUNTERS_COUNT numbers, in the order of the rows.
static inline uint64_t *counters_values(struct counters *c)
{
    return (uint64_t *)c;
}

static inline const uint64_t *counters_values_const(const struct counters *c)
{
    return (const uint64_t *)c;
}

// Appends "<before><key> <value>\n" for each counter that is not 0; the key of one in a group is
// "<group>.<key>".
void counters_format(struct buf *b, const char *before, const struct counters *c);

// Reads "<key> <value>" as it was written, perhaps by a program with other rows: a key that is not
// known is passed over. False: not of this form, or more than COUNTERS_MAX.
bool counters_parse(struct slice line, struct counters *c);
