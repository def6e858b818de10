// The requests that an event loop is working on, in memory that outlives its process: what was in
// flight when a worker died.
//
// One entry is for the request that is being read or answered at this moment, the others are for
// answers that wait for their clients, as many as there is room for. The loop alone writes. A
// reader trusts nothing: whatever broke the process may have written here.
#pragma once

#include "base/buf.h"

#include <netinet/in.h>
#include <stdint.h>

#define INFLIGHT_LINE 90 // bytes of a request line that are kept

// A power of two, for the memory it is in.
struct inflight {
    int64_t since; // of clock_now()
    struct sockaddr_in6 peer;
    uint8_t is_used;
    uint8_t len;
    char line[INFLIGHT_LINE]; // the request's first bytes, as they came
};

#define INFLIGHT_MAX 16

struct inflight_table {
    struct inflight entries[INFLIGHT_MAX]; // the first one: at this moment
};

// Work begins on the request whose first bytes these are; `head` may be empty: not known. The
// request before it is done.
void inflight_begin(struct inflight_table *f, const struct sockaddr_in6 *peer, struct slice head,
                    int64_t now);

// Nothing is being worked on.
void inflight_end(struct inflight_table *f);

// The answer to the request that was begun waits for its client. Returns the number that it is kept
// under, for inflight_drop(); 0: there is no room, or none was begun.
uint8_t inflight_keep(struct inflight_table *f, int64_t now);
void inflight_drop(struct inflight_table *f, uint8_t number); // 0: nothing

// Copies an entry for reading; false: it is not in use, or makes no sense. Of what is copied the
// line holds anything.
bool inflight_read(const struct inflight *from, struct inflight *ret);

// For a log: "GET / HTTP/1.1" of 192.0.2.1 for 12 ms. Control bytes are escaped.
void inflight_describe(struct buf *b, const struct inflight *flight, int64_t now);
