#include "sys/machine_id.h"

#include "base/num.h"

#include <unistd.h>

#define DIGITS 32u

struct siphash_key machine_id_key(int fd)
{
    char text[DIGITS];
    struct siphash_key key;
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    if (n != (ssize_t)sizeof(text) ||
        !num_parse_hex(slice_make(text, DIGITS / 2), UINT64_MAX, &key.words[0]) ||
        !num_parse_hex(slice_make(text + DIGITS / 2, DIGITS / 2), UINT64_MAX, &key.words[1]))
        return (struct siphash_key){{0, 0}};
    return key;
}
