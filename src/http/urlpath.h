// From the path of a request target to the name of a file, and back (RFC 3986).
//
// Pure. Decoding happens once and before dot segments are removed, so nothing decoded is decoded
// again. This is the second line of defence: the first is how the file is opened (sys/rootfs.h).
#pragma once

#include "base/buf.h"

// Decodes and normalises `raw` (begins with '/') into `out`, which has room for raw.len bytes.
// The result is relative to the root, without a leading slash: "" for "/", "a/b", "a/b/" (a
// trailing slash is kept, and what ends in "." or ".." names a directory). Empty segments vanish.
// Returns 0 and sets *ret, or the status to refuse with:
//   400  a malformed escape, NUL, or ".." above the root
//   404  an escaped slash (no file's name contains one)
// *ret_hidden: a segment begins with a dot and is not ".well-known" as the first segment, also when
// ".." takes it away again.
int urlpath_decode(struct slice raw, char *out, struct slice *ret, bool *ret_hidden);

// Writes `path` with everything escaped that is not unreserved, a sub-delim that is safe in a
// path, ':', '@' or '/' (RFC 3986 section 3.3).
void urlpath_encode(struct buf *b, struct slice path);

// Writes the relative reference that adds a slash to `path` (decoded, without trailing slash, not
// empty): its last segment escaped, with "./" before it where it contains a colon, then "/" and,
// when query.ptr is not NULL, '?' and the query as it came. Relative, so that it survives a proxy
// that strips a prefix and can never name another host. Example: "a/b c" with query "x" gives
// "b%20c/?x".
void urlpath_slash_redirect(struct buf *b, struct slice path, struct slice query);
