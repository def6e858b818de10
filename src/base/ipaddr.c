#include "base/ipaddr.h"

#define GROUPS 8u

void ipaddr_put_v4(struct buf *b, const uint8_t octets[static 4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i)
            buf_putc(b, '.');
        buf_putu(b, octets[i]);
    }
}

// A run of groups that are zero.
struct zeros {
    size_t at, length;
};

// The longest one, of equal ones the first; a single group is not shortened (section 4.2.2).
static struct zeros longest_zeros(const unsigned groups[static GROUPS])
{
    struct zeros longest = {GROUPS, 1};
    size_t length = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        length = groups[i] ? 0 : length + 1;
        if (length > longest.length)
            longest = (struct zeros){i + 1 - length, length};
    }
    return longest;
}

void ipaddr_put_v6(struct buf *b, const uint8_t octets[static 16])
{
    unsigned groups[GROUPS];
    for (size_t i = 0; i < GROUPS; i++)
        groups[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
    const struct zeros zeros = longest_zeros(groups);
    for (size_t i = 0; i < GROUPS; i++) {
        if (i == zeros.at) {
            buf_put(b, SLICE("::"));
            i += zeros.length - 1;
            continue;
        }
        if (i && i != zeros.at + zeros.length)
            buf_putc(b, ':');
        buf_putx(b, groups[i]);
    }
}
