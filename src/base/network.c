#include "base/network.h"

#include "base/num.h"
#include "base/util.h"

#include <arpa/inet.h>

#define MAPPED_BITS 96

// The bits before an IPv4 address (RFC 4291 section 2.5.5.2).
static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

struct network network_of_ipv4(const uint8_t address[static 4])
{
    struct network n = {.kind = NETWORK_IP, .bits = 128};
    memcpy(n.address, mapped, sizeof(mapped));
    memcpy(n.address + sizeof(mapped), address, 4);
    return n;
}

struct network network_of_ipv6(const uint8_t address[static 16])
{
    struct network n = {.kind = NETWORK_IP, .bits = 128};
    memcpy(n.address, address, sizeof(n.address));
    return n;
}

// Whether the first `bits` bits are equal.
static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    return memcmp(a, b, bytes) == 0 && (rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0);
}

static bool is_ipv4(const struct network *n)
{
    return n->bits >= MAPPED_BITS && same_bits(n->address, mapped, MAPPED_BITS);
}

static bool has_bits_beyond(const struct network *n)
{
    for (unsigned i = n->bits; i < 128; i++)
        if (n->address[i / 8] & 0x80 >> i % 8)
            return true;
    return false;
}

// Reads an address, or leaves *ret alone; *ret_max becomes the largest length of a prefix of its
// family.
static bool parse_address(struct slice s, struct network *ret, unsigned *ret_max)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (s.len == 0 || s.len >= sizeof(text) || slice_find(s, '\0') >= 0)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, address) == 1) {
        *ret = network_of_ipv4(address);
        *ret_max = 32;
        return true;
    }
    *ret_max = 128;
    if (inet_pton(AF_INET6, text, address) != 1)
        return false;
    *ret = network_of_ipv6(address);
    return true;
}

static const char *parse_ip(struct slice s, struct network *ret)
{
    struct network n;
    unsigned max;
    uint64_t length;
    struct slice prefix = s;
    if (!parse_address(slice_split(&prefix, '/'), &n, &max))
        return "not a network: write e.g. \"192.0.2.0/24\", \"2001:db8::/32\", \"192.0.2.1\", "
               "\"unix\" or \"all\"";
    if (prefix.ptr) {
        if (!num_parse_dec(prefix, max, &length))
            return "not the length of a prefix after the slash: write 0 to 32 for IPv4, 0 to 128 "
                   "for IPv6";
        n.bits = (uint8_t)(128 - max + length);
    }
    if (has_bits_beyond(&n))
        return "the address has bits beyond the length of the prefix: write e.g. \"10.0.0.0/8\" "
               "for the network, \"10.0.0.1\" for the address";
    *ret = n;
    return NULL;
}

const char *network_parse(struct slice text, struct network *ret)
{
    if (slice_equal(text, SLICE("all")))
        *ret = (struct network){.kind = NETWORK_ALL};
    else if (slice_equal(text, SLICE("unix")))
        *ret = (struct network){.kind = NETWORK_UNIX};
    else
        return parse_ip(text, ret);
    return NULL;
}

bool network_parse_address(struct slice text, struct network *ret)
{
    unsigned max;
    return parse_address(text, ret, &max);
}

const char *network_check(struct slice text)
{
    struct network network;
    return network_parse(text, &network);
}

bool network_has(const struct network *n, const struct network *client)
{
    if (n->kind == NETWORK_ALL)
        return true;
    if (n->kind != client->kind)
        return false;
    return n->kind == NETWORK_UNIX ||
           (is_ipv4(n) == is_ipv4(client) && same_bits(n->address, client->address, n->bits));
}
