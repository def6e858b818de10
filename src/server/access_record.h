// The facts that the access log tells of one answer. They are in no format: server/accesslog.h
// makes lines of them.
//
// Of an answer that takes a while, the facts about its request are kept as values under keys
// (base/tlv.h). These also go along when the connection changes hands, so the line is written in
// the format of the loop that sends the last byte, be it of another configuration or program.
#pragma once

#include "base/buf.h"
#include "base/tlv.h"

#include <netinet/in.h>

// X(member, key, most): text as the client sent it, empty where there was none. Of the texts that
// are kept, at most so many bytes are. `named` is no text: the address of a client that is not the
// connection's, since a proxy has named it for this request.
#define ACCESS_RECORD_TEXTS(X) \
    X(method, 1, 100)          \
    X(target, 2, 1800)         \
    X(protocol, 3, 8)          \
    X(referer, 4, 500)         \
    X(agent, 5, 500)           \
    X(named, 6, sizeof(struct sockaddr_in6))

// X(member, key, most): when the answer began, in seconds since 1970, and by the clock of
// deadlines, which in another loop may be ahead.
#define ACCESS_RECORD_NUMBERS(X) \
    X(wall_s, 16, INT64_MAX)     \
    X(started, 17, INT64_MAX)

struct access_record {
#define X(member, key, most) struct slice member;
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, key, most) int64_t member;
    ACCESS_RECORD_NUMBERS(X)
#undef X
    // About the connection and the answer: not kept, for the connection has them.
    const struct sockaddr_in6 *client;
    int status;
    uint64_t length; // of the content
    uint64_t sent;   // of these bytes
};

// The most bytes of what access_record_pack() makes.
#define ACCESS_RECORD_MAX 3072u

// Keeps the facts about the request.
void access_record_pack(const struct access_record *r, struct buf *b);

// Sets the facts that were kept; the texts point into `packed`. An absent one becomes empty or 0,
// keys that are not known are passed over, all else is left alone. False: access_record_pack()
// makes no such bytes.
bool access_record_unpack(struct slice packed, struct access_record *ret);
