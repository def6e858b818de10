// From the path of a request target to the name of a file, and back (RFC 3986).
//
// Pure. Decoding happens once and before dot segments are removed, so nothing decoded is decoded
// again. This is the second line of defence: the first is how the file is opened (sys/rootfs.h).
#pragma once

#include "base/buf.h"
#include "http/reason.h"

// Decodes and normalises `raw` (begins with '/') into `out`, which has room for raw.len bytes.
// The result is relative to the root, without a leading slash: "" for "/", "a/b", "a/b/" (a
// trailing slash is kept, and what ends in "." or ".." names a directory). Empty segments vanish.
// Returns REASON_NONE and sets *ret, or the reason to refuse the path for: a malformed escape, NUL,
// ".." above the root, an escaped slash (no file's name contains one).
// *ret_hidden: a segment begins with a dot and is not ".well-known" as the first segment, also when
// ".." takes it away again.
enum reason urlpath_decode(struct slice raw, char *out, struct slice *ret, bool *ret_hidden);

// Copies `raw` to `out`, which has room for raw.len bytes, with each escaped slash as a slash;
// other escapes stay. Refuses what a server in front may have taken for something else: a dot
// segment beside such a slash, and such a slash after the first one. The result may be decoded in
// its place.
enum reason urlpath_unescape_slashes(struct slice raw, char *out, struct slice *ret);

// Writes `path` with everything escaped that is not unreserved, a sub-delim that is safe in a
// path, ':', '@' or '/' (RFC 3986 section 3.3).
void urlpath_encode(struct buf *b, struct slice path);

// Writes a query as it came, with those bytes escaped that no URI has.
void urlpath_put_query(struct buf *b, struct slice query);

// Leaves one of the slashes with which the reference that begins at `start` in the buffer begins:
// two of them name a host (RFC 3986 section 4.2), and what a client wrote must not lead to another.
void urlpath_keep_one_slash(struct buf *b, size_t start);

// Writes the relative reference that adds a slash to `path` (decoded, without trailing slash, not
// empty): its last segment escaped, with "./" before it where it contains a colon, then "/" and,
// when query.ptr is not NULL, '?' and the query. Relative, so that it survives a proxy
// that strips a prefix and can never name another host. Example: "a/b c" with query "x" gives
// "b%20c/?x".
void urlpath_slash_redirect(struct buf *b, struct slice path, struct slice query);

// The same for `path` with a slash at its end, which is taken away: "a/b c/" gives "../b%20c?x".
void urlpath_unslash_redirect(struct buf *b, struct slice path, struct slice query);

// Whether a segment of `path` is "." or "..", which lead elsewhere than their name says. Escapes
// are not looked at.
bool urlpath_has_dot_segment(struct slice path);
