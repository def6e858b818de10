// The head of a response, as bytes.
//
// Pure. Fields that depend on the file only are formatted once by response_describe() and kept
// with the file; response_begin() puts a head together from such pieces.
#pragma once

#include "base/buf.h"
#include "http/decision.h"

// The field lines that describe a representation: ETag first, then the rest.
struct description {
    struct slice lines;    // ETag, Last-Modified, Accept-Ranges, Content-Encoding, Content-Type,
                           // Content-Length, each with CRLF
    size_t etag_len;       // length of the leading ETag line, which is all that a 304 repeats
    size_t validators_len; // of the ETag and Last-Modified lines
    size_t coding_at;      // where the Content-Encoding line begins, or what follows it
    size_t type_at;        // where the Content-Type line begins, for answers with another type
    size_t length_at;      // where the Content-Length line begins, for answers with another length
};

// Room that suffices for every description.
#define DESCRIPTION_MAX 640

// Formats the lines into `b`. `coding` is the content coding, `type` the whole Content-Type value;
// empty: no such line. A representation without
// validators gets neither ETag nor Last-Modified. A 304 repeats Last-Modified only where there is
// no ETag, so a description without ETag but with Last-Modified puts that line first and counts it
// in etag_len.
void response_describe(struct buf *b, const struct representation *rep, struct slice coding,
                       struct slice type, struct description *ret);

// The ETag of mode "file": strong, a hash of the file's state (hexadecimal), with quotes.
void response_etag(struct buf *b, uint64_t hash);

// The ETag of mode "shared": weak, of size and mtime in seconds, which are the same wherever the
// file was copied to. `coding` is the name of a variant's content coding (empty: none), for
// variants must differ also where they are of one size and time.
void response_etag_shared(struct buf *b, uint64_t size, int64_t mtime_s, struct slice coding);

// Room that suffices for response_common().
#define RESPONSE_COMMON_MAX 64

// The lines that all heads of one second have: Server, if `server` is not empty, and Date.
void response_common(struct buf *b, struct slice server, int64_t wall_s);

enum response_connection {
    CONNECTION_DEFAULT,    // no field: what the version implies
    CONNECTION_CLOSE,      // "Connection: close"
    CONNECTION_KEEP_ALIVE, // "Connection: keep-alive", for HTTP/1.0 clients that asked
};

struct response {
    int status;
    struct slice common; // lines of response_common()
    enum response_connection connection;
    struct slice about;    // lines of a description, or of its beginning, or other lines with CRLF
    struct slice type;     // Content-Type, where `about` does not have it; empty: none
    struct slice digest;   // value of Repr-Digest; empty: none
    struct slice location; // empty: none
    struct slice policy;   // of content that was made here, which no rule's replaces; empty: none
    struct slice allow;    // empty: none
    uint32_t retry_after;  // seconds; 0: no such field
    bool chunked;          // Transfer-Encoding: chunked
    bool has_length;       // write content_length; must be false for 1xx, 204, 304, chunked, and
                           // where `about` has it
    uint64_t content_length;
    // With 206 and 416: Content-Range. total is the size of the file. Length 0 with 206: none, for
    // there are several ranges.
    uint64_t range_offset;
    uint64_t range_length;
    uint64_t total;
};

// Appends the status line and the field lines; then the caller may add more of these, and
// response_end() ends the head. On too little room b->overflow is set.
void response_begin(struct buf *b, const struct response *r);
void response_end(struct buf *b);
