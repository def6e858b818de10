// Digests of files: SHA-256 as text, as an ETag, and as Repr-Digest (RFC 9530).
//
// Pure, and computes none: they are made when a file is published.
#pragma once

#include "base/buf.h"
#include "http/request.h"

#include <stdint.h>

#define DIGEST_LEN 32

// Reads 64 hexadecimal digits, of either case, alone or with white space and anything behind them,
// as sha256sum writes: "HEX  name\n". False, `ret` left alone: something else.
bool digest_parse(struct slice text, uint8_t ret[static DIGEST_LEN]);

// The ETag of mode "digest": strong, in hexadecimal, with quotes.
void digest_etag(struct buf *b, const uint8_t digest[static DIGEST_LEN]);

// The value of Repr-Digest: "sha-256=:BASE64:". Needs at most DIGEST_FIELD_MAX bytes.
#define DIGEST_FIELD_MAX 64
void digest_field(struct buf *b, const uint8_t digest[static DIGEST_LEN]);

// Whether Want-Repr-Digest asks for SHA-256: "sha-256=N" with a preference N of 1 to 10 (RFC 9530
// section 4); the last one counts. A list with anything but such members asks for nothing. That is
// less than the dictionaries of RFC 8941 allow (parameters, values that are no integers), for which
// this field has no use.
bool digest_is_wanted(const struct request *r);
