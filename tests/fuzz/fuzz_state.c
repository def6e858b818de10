// The state of a master: what is read is written as a text that is read as the same.
#include "fuzz.h"

#include "daemon/upgrade_state.h"

#define ROOM (256u << 10)

static void see(int fd)
{
    assert(fd >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char first[ROOM], second[ROOM];
    struct buf a = buf_make(first, sizeof(first)), b = buf_make(second, sizeof(second));
    struct upgrade_state s, back;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    if (size < ROOM / 8 && upgrade_state_parse(slice_make(copy, size), &s) == 0) {
        upgrade_state_each_fd(&s, see);
        upgrade_state_format(&a, &s);
        assert(!a.overflow);
        assert(upgrade_state_parse(buf_slice(&a), &back) == 0);
        upgrade_state_format(&b, &back);
        assert(slice_equal(buf_slice(&a), buf_slice(&b)));
        upgrade_state_cleanup(&s);
        upgrade_state_cleanup(&back);
    }
    free(copy);
    return 0;
}
