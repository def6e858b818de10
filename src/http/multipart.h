// multipart/byteranges: several ranges in one answer (RFC 9110 section 14.6).
//
// Pure. Each part is "\r\n--BOUNDARY\r\n" fields "\r\n\r\n" and the bytes of the file; behind the
// last one stands the closing line. The text between the contents is made here; what it measures
// is known beforehand, so that the answer has a Content-Length.
#pragma once

#include "base/buf.h"
#include "http/range.h"

#include <stdint.h>

#define MULTIPART_BOUNDARY_LEN 24

struct multipart {
    char boundary[MULTIPART_BOUNDARY_LEN];
    struct slice type; // Content-Type of the file, the caller's; empty: none
    uint64_t total;    // size of the file
};

// The file whose ranges are sent. The texts are the caller's and may be empty.
struct multipart_file {
    struct slice etag, type;
    uint64_t size;
};

// The boundary is made of the file's ETag, which identifies its state, and of the ranges, so that
// the same request gets the same bytes.
void multipart_init(struct multipart *m, const struct multipart_file *file,
                    const struct range *ranges, size_t count);

// The value of Content-Type: "multipart/byteranges; boundary=...".
void multipart_type(struct buf *b, const struct multipart *m);

// Writes the lines before the content of a part, and those behind the last one.
void multipart_part(struct buf *b, const struct multipart *m, const struct range *range);
void multipart_end(struct buf *b, const struct multipart *m);

// Room for the text of any part with a type of up to 256 bytes, or for the end.
#define MULTIPART_TEXT_MAX 512

// Bytes of the whole content.
uint64_t multipart_length(const struct multipart *m, const struct range *ranges, size_t count);
