// JSON: what is written is read back, whatever it is; and what is found fits.
#include "fuzz.h"

#include "base/json.h"

static void check_round_trip(struct slice text)
{
    size_t size = 6 * text.len + 32;
    char *object = malloc(size), *copy = malloc(text.len + 1);
    assert(object && copy);
    struct buf b = buf_make(object, size), found = buf_make(copy, text.len);
    buf_puts(&b, "{\"a\": ");
    json_put_string(&b, text);
    buf_puts(&b, "}");
    assert(!b.overflow);
    assert(json_find(buf_slice(&b), SLICE("a"), &found));
    assert(slice_equal(buf_slice(&found), text));
    free(object);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(bytes, size)), *room = malloc(size + 1);
    struct slice text = slice_make(copy, size);
    assert(room);
    struct buf found = buf_make(room, size);
    if (json_find(text, SLICE("a"), &found))
        assert(found.len + 7 <= size); // {"a":""
    check_round_trip(text);
    free(room);
    free(copy);
    return 0;
}
