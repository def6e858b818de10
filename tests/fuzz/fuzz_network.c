// Networks: one that is read has its first and its last address, and none with the
// last bit of the prefix turned round.
#include "fuzz.h"

#include "base/network.h"

static void check_ip(const struct network *n)
{
    struct network client = network_of_ipv6(n->address);
    assert(n->bits <= 128);
    assert(network_has(n, &client));
    for (unsigned i = n->bits; i < 128; i++)
        client.address[i / 8] |= (uint8_t)(0x80 >> i % 8);
    if (n->bits <= 80)
        client.address[10] = 0; // the last one beneath ::/80 has the form of an IPv4 address
    assert(network_has(n, &client));
    if (n->bits == 0)
        return;
    unsigned last = n->bits - 1u;
    client.address[last / 8] ^= (uint8_t)(0x80 >> last % 8);
    assert(!network_has(n, &client));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct network peer = {.kind = NETWORK_UNIX};
    struct network n;
    char *text = fuzz_copy(fuzz_slice(bytes, size));
    if (!network_parse(slice_make(text, size), &n)) {
        assert(network_has(&n, &peer) == (n.kind != NETWORK_IP));
        if (n.kind == NETWORK_IP)
            check_ip(&n);
    }
    free(text);
    return 0;
}
