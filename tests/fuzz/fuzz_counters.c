// Totals as they are stored over a restart, a line each: what is read is written as a text that is
// read as the same, and no total is more than there may be.
#include "fuzz.h"

#include "server/counters.h"

#define ROOM (64u << 10)

static void parse_lines(struct slice text, struct counters *c)
{
    struct slice line;
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len;
        line = slice_make(text.ptr, len);
        text = slice_skip(text, len + !!end);
        counters_parse(line, c);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char room[ROOM];
    struct counters c = {0}, back = {0};
    struct buf b = buf_make(room, sizeof(room));
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    parse_lines(slice_make(copy, size), &c);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        assert(counters_values_const(&c)[i] <= COUNTERS_MAX);
        assert(counters_group_row(counters_row(i)->group)->key);
    }
    counters_format(&b, "", &c);
    assert(!b.overflow);
    parse_lines(buf_slice(&b), &back);
    assert(memcmp(&c, &back, sizeof(c)) == 0);
    free(copy);
    return 0;
}
