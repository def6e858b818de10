// The record of a connection that changes hands: made by who sends it, taken apart and checked by
// who receives it (server/handoff.h). Pure.
//
// A message is the record and the bytes that belong to the connection, in this order: received and
// not answered, to be sent, content that follows these, the access log's line.
#pragma once

#include "base/slice.h"
#include "server/conn.h"

struct handoff_record {
    uint32_t magic;
    uint16_t version; // a binary that is upgraded may send to one that knows other records
    uint16_t size;
    uint8_t state; // CONN_HEAD, CONN_IDLE or CONN_SEND
    uint8_t ending;
    uint8_t eof;
    uint8_t has_file; // a second descriptor: content is there, from `offset` to `end`
    uint32_t status;
    uint32_t requests;
    uint32_t split;
    int64_t since; // of its deadline
    uint64_t offset, end, length, sent, due;
    uint32_t in_len, out_len, content_len, held_len; // of the bytes that follow
    struct sockaddr_in6 peer;
};

// What a message holds.
struct handoff_parts {
    struct handoff_record record;
    struct slice in, out, content, held;
};

// Whether a record can hold all that the connection is doing. What cannot be moved now (content
// that is thrown away, an answer in pieces, a lingering close) can be later, or ends.
bool handoff_record_fits(const struct conn *c);

// The message of such a connection; the slices point into what it holds.
void handoff_record_make(const struct conn *c, struct handoff_parts *ret);

// Takes a message with so many descriptors apart; the slices point into it. False: it is none that
// handoff_record_make() makes. What is true then: a connection filled with it can be served. What
// is left to be checked is what the descriptors are, and the times.
bool handoff_record_parse(struct slice message, size_t fd_count, struct handoff_parts *ret);
