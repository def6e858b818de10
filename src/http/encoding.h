// Content codings: which precompressed variant a client wants (RFC 9110 section 12.5.3).
#pragma once

#include "http/request.h"

// X(id, name in fields and options, suffix of the file's name)
#define CODING_TABLE(X)     \
    X(ZSTD, "zstd", ".zst") \
    X(BR, "br", ".br")      \
    X(GZIP, "gzip", ".gz")

enum coding {
    CODING_IDENTITY,
#define X(id, name, suffix) CODING_##id,
    CODING_TABLE(X)
#undef X
        CODING_COUNT
};

// Name and suffix of a coding; both empty for CODING_IDENTITY.
struct slice encoding_name(enum coding coding);
struct slice encoding_suffix(enum coding coding);

// The coding in which a file of this name is by its nature: .svgz is gzip, .gz never (it is a file
// of its own type); CODING_IDENTITY: in none.
enum coding encoding_of_file(struct slice name);

// The coding of a name, as options and fields write it, without case ("x-gzip" is gzip); false:
// not one of the table.
bool encoding_parse(struct slice name, enum coding *ret);

// NULL when there is a coding of this name, else which there are (static text).
const char *encoding_check(struct slice name);

// Of the codings that the server has (`offered`, best first, without CODING_IDENTITY) those that
// the request accepts and prefers to identity, best first: by their q-values, on ties in the
// server's order. A coding ranks before identity when its q is not lower. Without the field, or
// with an empty one, there are none. A malformed member of the list is skipped. Returns how many.
size_t encoding_rank(const struct request *r, const enum coding *offered, size_t count,
                     enum coding ret[static CODING_COUNT]);
