// One concrete socket address: its text, and how it compares with others. Pure.
#pragma once

#include "base/buf.h"
#include "base/network.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/un.h>

struct endpoint {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
};

// Room for every text of endpoint_format().
#define ENDPOINT_TEXT_MAX 128

// The form that address_parse() (base/address.h) reads: "192.0.2.1:80", "[::1]:80", "unix:/path",
// "unix:@name"; "unix:" for an unnamed one. A zone shows as its number, control bytes in a path as
// '?'. Returns `text`.
char *endpoint_format(const struct endpoint *e, char text[static ENDPOINT_TEXT_MAX]);

// The address alone, for logs: "192.0.2.1", "2001:db8::1", "unix". ::ffff:a.b.c.d shows as a.b.c.d
// (RFC 4291 section 2.5.5.2), a zone is left out. `peer` is of any family; at most
// INET6_ADDRSTRLEN bytes.
void endpoint_put_host(struct buf *b, const struct sockaddr_in6 *peer);

// The network of this one client, for the rules. `peer` is of any family.
struct network endpoint_network(const struct sockaddr_in6 *peer);

// The other way round: a client at this address, with port 0. Not for NETWORK_ALL.
struct sockaddr_in6 endpoint_peer(const struct network *client);

// Port in host order, 0 for UNIX.
uint16_t endpoint_port(const struct endpoint *e);

// Whether two listeners on these would collide: the same address, or the same port where one is
// the wildcard of that family. Port 0 collides with nothing.
bool endpoint_overlaps(const struct endpoint *a, const struct endpoint *b);

// Whether a connection whose own address is `local` arrives at a listener on this one: the same, or
// the wildcard of its family and its port. ::ffff:a.b.c.d arrives at both wildcards.
bool endpoint_accepts(const struct endpoint *listener, const struct endpoint *local);

// The same address and port; ::ffff:a.b.c.d equals a.b.c.d.
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
