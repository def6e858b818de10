// The state of a master: what is read is written as a text that is read as the same.
#include "fuzz.h"

#include "daemon/state.h"

#define ROOM (256u << 10)

static void see(int fd)
{
    assert(fd >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char first[ROOM], second[ROOM];
    struct buf a = buf_make(first, sizeof(first)), b = buf_make(second, sizeof(second));
    struct state s, back;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    if (size < ROOM / 8 && state_parse(slice_make(copy, size), &s) == 0) {
        state_each_fd(&s, see);
        state_format(&a, &s);
        assert(!a.overflow);
        assert(state_parse(buf_slice(&a), &back) == 0);
        state_format(&b, &back);
        assert(slice_equal(buf_slice(&a), buf_slice(&b)));
        state_cleanup(&s);
        state_cleanup(&back);
    }
    free(copy);
    return 0;
}
