// The request head: finding its end as bytes arrive, then taking it apart (RFC 9112).
//
// Two steps. head_scan_feed() looks at each byte once, however slowly the bytes come, applies the
// limits that need no understanding, and says where the head ends. request_parse() then dissects
// one complete head into slices of it. Anything that two recipients could read differently is
// refused, never repaired: bare CR or LF, NUL and other control bytes, space before a colon,
// obs-fold, Content-Length together with Transfer-Encoding, several or differing Content-Length,
// Transfer-Encoding that is not exactly "chunked", a missing, repeated or malformed Host.
//
// Pure: no allocation, no I/O. All slices point into the caller's bytes.
#pragma once

#include "base/slice.h"
#include "http/reason.h"
#include "http/target.h"

#include <stdint.h>

// The most field lines that struct request holds; limits.field_lines cannot be larger.
#define REQUEST_MAX_FIELDS 128

struct head_limits {
    uint32_t request_line; // bytes of the request line without its CRLF; beyond it 414, or
                           // 501 when the method alone is as long
    uint32_t fields;       // bytes of all field lines with their CRLFs; beyond it 431
    uint32_t field_lines;  // number of field lines, at most REQUEST_MAX_FIELDS; beyond it 431
};

// Where the scan of an incomplete head stands. All zero at the start of a head.
struct head_scan {
    uint32_t pos;          // bytes looked at
    uint32_t line;         // offset at which the current line begins
    uint32_t fields_start; // offset at which the field lines begin; 0: still in the request line
    uint32_t field_lines;  // complete field lines so far
};

enum head_state { HEAD_MORE, HEAD_COMPLETE, HEAD_BAD };

// Looks at what is new in `data`, which begins at the start of the head (the same bytes as at the
// last call and more). Empty lines before the request line are the caller's to skip each time that
// bytes have come and s->pos is still 0, see head_skip_empty_lines(); for a CR that is alone may
// begin such a line.
//   HEAD_MORE      not complete yet
//   HEAD_COMPLETE  s->pos is the length of the head with its empty line
//   HEAD_BAD       refuse for *ret_reason, with 400, 414, 431 or 501. Said as early as it is
//                  certain: a limit when it is passed, a beginning that is no method's (TLS) at
//                  once
// The outcome does not depend on the pieces in which the bytes came.
enum head_state head_scan_feed(struct head_scan *s, struct slice data,
                               const struct head_limits *limits, enum reason *ret_reason);

// Number of bytes of empty lines (CRLF) at the start of `data` (RFC 9112 section 2.2).
size_t head_skip_empty_lines(struct slice data);

// X(id, name): the field names that the server looks at, the short ones first.
#define FIELD_TABLE(X)                            \
    X(HOST, "Host")                               \
    X(RANGE, "Range")                             \
    X(ACCEPT, "Accept")                           \
    X(EXPECT, "Expect")                           \
    X(ORIGIN, "Origin")                           \
    X(REFERER, "Referer")                         \
    X(IF_MATCH, "If-Match")                       \
    X(IF_RANGE, "If-Range")                       \
    X(FORWARDED, "Forwarded")                     \
    X(CONNECTION, "Connection")                   \
    X(USER_AGENT, "User-Agent")                   \
    X(IF_NONE_MATCH, "If-None-Match")             \
    X(CONTENT_LENGTH, "Content-Length")           \
    X(SEC_FETCH_MODE, "Sec-Fetch-Mode")           \
    X(ACCEPT_ENCODING, "Accept-Encoding")         \
    X(X_FORWARDED_FOR, "X-Forwarded-For")         \
    X(WANT_REPR_DIGEST, "Want-Repr-Digest")       \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")     \
    X(TRANSFER_ENCODING, "Transfer-Encoding")     \
    X(X_FORWARDED_PROTO, "X-Forwarded-Proto")     \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since") \
    X(ACCESS_CONTROL_REQUEST_METHOD, "Access-Control-Request-Method")

enum field_id {
#define X(id, name) FIELD_##id,
    FIELD_TABLE(X)
#undef X
        FIELD_OTHER
};

struct field {
    struct slice name;
    struct slice value; // without OWS at its ends
    enum field_id id;
};

// X(id): the methods that the server knows; others are METHOD_OTHER (501).
#define METHOD_TABLE(X) \
    X(GET) X(HEAD) X(OPTIONS) X(POST) X(PUT) X(DELETE) X(PATCH) X(CONNECT) X(TRACE)

enum method {
#define X(id) METHOD_##id,
    METHOD_TABLE(X)
#undef X
        METHOD_OTHER
};

enum request_body { BODY_NONE, BODY_LENGTH, BODY_CHUNKED };

struct request {
    enum method method;
    struct slice line; // the whole request line, without CRLF: for the access log
    struct slice method_name;
    struct slice target;   // as received
    struct slice protocol; // the version, as received; empty when `line` is
    enum target_form form;
    struct slice path;  // raw path of the target, begins with '/' (a literal one when an absolute
                        // target has none); empty for * and authority
    struct slice query; // what follows '?', without it; ptr NULL: there is no '?'
    struct slice host;  // host of the absolute target, else of Host; without port. IPv6 in
                        // its brackets; empty when HTTP/1.0 gave none or Host is empty
    int minor_version;  // 0 or 1; a higher minor version is treated as 1
    enum request_body body;
    uint64_t content_length; // with BODY_LENGTH, never 0: that is BODY_NONE
    bool keep_alive;         // the connection persists after the answer (RFC 9112 section 9.3)
    bool expect_continue;    // HTTP/1.1 and Expect: 100-continue
    uint32_t field_count;
    struct slice first[FIELD_OTHER]; // value of the first field line of that name; ptr NULL: absent
    struct field fields[REQUEST_MAX_FIELDS];
};

// Takes a complete head apart. `head` is what head_scan_feed() found complete.
// Returns REASON_NONE, or the reason to refuse it for, with 400, 417, 421, 501 or 505. After a
// refusal the connection must be closed. When the request line could be read, r->line is set also
// when the rest, or its target or version, is refused; it may then hold any byte but LF. Else it is
// empty.
// An unknown method is no refusal here: method is METHOD_OTHER.
enum reason request_parse(struct slice head, struct request *r);

// For a head that is refused before it is complete, of which `start` has come: sets what is known,
// the method, which decides whether the refusal may have content, and for the access log the
// request line, also in part, and the fields that have come.
void request_parse_start(struct slice start, struct request *r);

// The name of a field, as the table has it.
struct slice request_field_name(enum field_id id);

// The next field line named `id` after position *at (0 to begin); false: no more. For fields whose
// value is a list and may stand on several lines (RFC 9110 section 5.3). Not for FIELD_OTHER.
bool request_next_field(const struct request *r, enum field_id id, uint32_t *at, struct slice *ret);

// The value of the only field line named `id`; false, *ret left alone: none, or several. For fields
// whose value is no list, where a second line makes the field invalid.
bool request_single_field(const struct request *r, enum field_id id, struct slice *ret);
