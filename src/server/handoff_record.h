// The record of a connection that changes hands: made by the loop that sends it, taken apart and
// checked by the loop that receives it (server/handoff.h). Pure.
//
// A message is a fixed beginning and then values under keys (base/tlv.h), for the two loops may be
// of two versions of the program. A key that the receiver does not know is passed over, but for
// those of HANDOFF_RECORD_MUST; the value of an absent one is 0, or empty.
#pragma once

#include "base/slice.h"
#include "base/tlv.h"
#include "content/filecache.h"
#include "server/access_record.h"
#include "server/conn_types.h"

// Set in a key without which the connection cannot be served right: a receiver that does not know
// it refuses the connection.
#define HANDOFF_RECORD_MUST 0x8000u

// X(member, key, most, place): numbers that are copied, and their member of struct conn.
#define HANDOFF_RECORD_COPIES(X)              \
    X(ending, 2, CONN_LINGERS, ending)        \
    X(eof, 3, true, eof)                      \
    X(status, 4, 599, status)                 \
    X(requests, 5, UINT32_MAX, requests)      \
    X(length, 6, UINT64_MAX, transfer.length) \
    X(sent, 7, UINT64_MAX, sent)              \
    X(due, 8, UINT64_MAX, due)                \
    X(opened, 13, INT64_MAX, opened)          \
    X(by_proxy, 14, true, by_proxy)           \
    X(scheme, 15, SCHEME_HTTPS, scheme)

// X(member, key, most): other numbers. The state is CONN_HEAD, CONN_IDLE, CONN_SEND or CONN_PROXY.
// `since` is of the deadline. With a file there is a second descriptor, of which the bytes from
// `offset` to `end` are left.
#define HANDOFF_RECORD_NUMBERS(X) \
    X(state, 1, UINT8_MAX)        \
    X(since, 9, UINT64_MAX)       \
    X(has_file, 10, true)         \
    X(offset, 11, INT64_MAX)      \
    X(end, 12, INT64_MAX)

// X(member, key, most): bytes. Of the client's address; facts for the access log
// (server/access_record.h); received and not answered; to be sent; content that follows these.
#define HANDOFF_RECORD_BYTES(X)              \
    X(peer, 32, sizeof(struct sockaddr_in6)) \
    X(access, 33, ACCESS_RECORD_MAX)         \
    X(in, 34, UINT32_MAX)                    \
    X(out, 35, UINT32_MAX)                   \
    X(content, 36, CACHED_FILE_BODY_MAX)

struct handoff_record {
#define X(member, ...) uint64_t member;
    HANDOFF_RECORD_COPIES(X)
    HANDOFF_RECORD_NUMBERS(X)
#undef X
#define X(member, ...) struct slice member;
    HANDOFF_RECORD_BYTES(X)
#undef X
};

// A message on its way out.
struct handoff_message {
    struct slice parts[12]; // one after the other; they point into the record's bytes, and here:
    size_t count;
    char text[512];
};

// Whether a record can hold all that the connection is doing. A connection that throws content
// away, answers in pieces or lingers cannot be moved now. It can be later, or ends.
bool handoff_record_fits(const struct conn *c);

// The record of such a connection, whose bytes it points to.
void handoff_record_make(const struct conn *c, struct handoff_record *ret);

// The message of a record.
void handoff_record_format(const struct handoff_record *r, struct handoff_message *ret);

// Takes a message with so many descriptors apart; the record points into it. False: a connection
// filled with it could not be served. The caller still has to check the descriptors and the times.
bool handoff_record_parse(struct slice message, size_t fd_count, struct handoff_record *ret);

// The client's address in a record that handoff_record_parse() let pass.
struct sockaddr_in6 handoff_record_peer(const struct handoff_record *r);
