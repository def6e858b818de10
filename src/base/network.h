// Networks of clients: "192.0.2.0/24", "2001:db8::/32", a single address, "unix" for the peers of
// UNIX sockets, "all".
//
// Pure. Addresses are 16 bytes; IPv4 is kept as ::ffff:a.b.c.d, so that a client of a dual-stack
// socket is the same client.
#pragma once

#include "base/slice.h"

#include <stdint.h>

enum network_kind { NETWORK_ALL, NETWORK_IP, NETWORK_UNIX };

struct network {
    enum network_kind kind;
    uint8_t address[16];
    uint8_t bits; // of `address` that count, 0 to 128
};

// A client's address: a network of one, with all 128 bits, or NETWORK_UNIX.
struct network network_of_ipv4(const uint8_t address[static 4]);
struct network network_of_ipv6(const uint8_t address[static 16]);

// Reads `text`; "::ffff:192.0.2.0/120" is the network 192.0.2.0/24. Returns NULL, or what is wrong
// with it and what would be right (static text); *ret is left alone then. Bits beyond the prefix
// length must be 0: "10.0.0.1/8" is more likely a slip.
const char *network_parse(struct slice text, struct network *ret);

// An address alone, that of a client: without the length of a prefix, brackets, zone or port.
// False, *ret left alone: it is none.
bool network_parse_address(struct slice text, struct network *ret);

// The same as network_parse() without the result.
const char *network_check(struct slice text);

// Whether `client` is in `n`. No network of IPv6 has a client of IPv4: "::/0" is all of IPv6 alone,
// as "0.0.0.0/0" is all of IPv4.
bool network_has(const struct network *n, const struct network *client);
