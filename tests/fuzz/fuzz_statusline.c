// Status lines: what is found lies within what was received, is what it is said to be, and comes
// out the same however the bytes arrive.
#include "fuzz.h"

#include "base/num.h"
#include "http/statusline.h"

static void check_found(struct slice received, struct statusline found)
{
    uint64_t status;
    assert(found.status >= 200 && found.status <= 599);
    assert(found.line.ptr >= received.ptr);
    assert(found.line.ptr + found.line.len < received.ptr + received.len);
    assert(slice_starts_with(found.line, SLICE("HTTP/1.")));
    assert(num_parse_dec(slice_make(found.line.ptr + 9, 3), 599, &status));
    assert((int)status == found.status);
    for (size_t i = 0; i < found.line.len; i++)
        assert((unsigned char)found.line.ptr[i] >= ' ' || found.line.ptr[i] == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct statusline whole = {.status = -1};
    enum statusline_outcome want = statusline_find(slice_make(copy, size), &whole);
    enum statusline_outcome got = STATUSLINE_PARTIAL;
    if (want == STATUSLINE_FOUND)
        check_found(slice_make(copy, size), whole);
    else
        assert(whole.status == -1);
    // A byte at a time: once decided, more bytes change nothing.
    for (size_t len = 0; len <= size && got == STATUSLINE_PARTIAL; len++) {
        struct statusline part = {.status = -1};
        got = statusline_find(slice_make(copy, len), &part);
        assert(got != STATUSLINE_FOUND || part.line.ptr == whole.line.ptr);
        assert(got != STATUSLINE_FOUND || part.line.len == whole.line.len);
    }
    assert(got == want);
    free(copy);
    return 0;
}
