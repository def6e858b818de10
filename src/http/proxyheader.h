// PROXY headers of version 1 and 2: what a proxy says of the client in front of the first byte that
// it forwards (HAProxy, doc/proxy-protocol.txt).
//
// Pure and without state: what is not complete is looked at anew when more of it has come. That is
// cheap, for until it is complete no more than 107 bytes of version 1, or 16 of version 2, count.
// Whether the sender is one to be believed is for the caller to know. All slices point into the
// caller's bytes.
#pragma once

#include "base/network.h"

// The most bytes of a header. Version 2 could have 64K.
#define PROXYHEADER_MAX 4000u

enum proxyheader_state {
    PROXYHEADER_MORE,     // so far it is the beginning of one
    PROXYHEADER_COMPLETE, // *ret is set
    PROXYHEADER_NONE,     // it begins otherwise
    PROXYHEADER_BAD,      // close: nobody knows who speaks
};

// PP2_TYPE_SSL: the client's connection to the proxy.
struct proxyheader_ssl {
    bool is_told;         // there is such an item
    bool is_tls;          // PP2_CLIENT_SSL; HAProxy sends the item also without TLS
    bool has_certificate; // the client showed one, on this connection or in this session
    bool is_verified;     // there is a certificate, and it was found good
    struct slice version, cipher, common_name; // empty: not told
};

struct proxyheader {
    size_t len;      // bytes of the header; behind it the client's begin
    bool has_client; // false: LOCAL, UNKNOWN or another transport; the connection's own address
                     // counts
    struct network client;                          // NETWORK_UNIX: a client of a UNIX socket
    bool is_checked;                                // there is a CRC32C, and it is right
    bool has_unique_id;                             // it may be empty all the same
    struct slice alpn, authority, unique_id, netns; // empty: not told
    struct proxyheader_ssl ssl;
};

// Looks at `data`, all that the connection has received so far. Sets *ret when the header is
// complete; sets *ret_wrong when it is bad, to a static text that says why ("the checksum is
// wrong").
enum proxyheader_state proxyheader_parse(struct slice data, struct proxyheader *ret,
                                         const char **ret_wrong);
