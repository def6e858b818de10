// Addresses to listen on: reading their text forms, and socket addresses as text.
//
// Forms: "*:80" or ":80" (both families), "192.0.2.1:80", "[2001:db8::1]:80" (zone "%eth0" allowed
// inside the brackets), "localhost:8080" (a name), "unix:/path", "unix:@abstract",
// "systemd:NAME". Parsing does no I/O; addr_resolve() may ask the resolver for a name.
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <sys/un.h>

enum addr_kind { ADDR_WILDCARD, ADDR_IP, ADDR_NAME, ADDR_UNIX, ADDR_SYSTEMD };

// One concrete socket address.
struct endpoint {
    socklen_t len;
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
    };
};

struct addr {
    enum addr_kind kind;
    uint16_t port;            // WILDCARD, IP, NAME
    char name[256];           // NAME: host; SYSTEMD: FileDescriptorName=; IP: zone, when by name
    struct endpoint endpoint; // IP, UNIX
};

// Reads `text`. Returns NULL, or what is wrong with it and what would be right (static text);
// *ret is left alone then.
const char *addr_parse(const char *text, struct addr *ret);

// The concrete addresses of `a`, at most `max`: 0.0.0.0 first and then [::] for WILDCARD, all that
// the resolver gives for NAME (each once). Returns how many, 0 for SYSTEMD, or a negative errno
// (-ENOENT: no such name; -ENODEV: no such interface).
int addr_resolve(const struct addr *a, struct endpoint *out, size_t max);

// Room for every text of addr_format().
#define ADDR_TEXT_MAX 128

// The form that addr_parse() reads: "192.0.2.1:80", "[::1]:80", "unix:/path", "unix:@name"; "unix:"
// for an unnamed one. A zone shows as its number, control bytes in a path as '?'. Returns `text`.
char *addr_format(const struct endpoint *e, char text[static ADDR_TEXT_MAX]);

// The address alone, for logs: "192.0.2.1", "2001:db8::1", "unix". ::ffff:a.b.c.d shows as a.b.c.d
// (RFC 4291 section 2.5.5.2), a zone is left out. `peer` is of any family; at most
// INET6_ADDRSTRLEN bytes.
void addr_put_host(struct buf *b, const struct sockaddr_in6 *peer);

// Port in host order, 0 for UNIX.
uint16_t addr_port(const struct endpoint *e);

// Whether two listeners on these would collide: the same address, or the same port where one is
// the wildcard of that family. Port 0 collides with nothing.
bool addr_overlaps(const struct endpoint *a, const struct endpoint *b);

// Whether a connection whose own address is `local` arrives at a listener on this one: the same, or
// the wildcard of its family and its port. ::ffff:a.b.c.d arrives at both wildcards.
bool addr_accepts(const struct endpoint *listener, const struct endpoint *local);

// The same address and port; ::ffff:a.b.c.d equals a.b.c.d.
bool addr_equal(const struct endpoint *a, const struct endpoint *b);
