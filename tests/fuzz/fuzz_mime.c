// Media types: a table of any text sorts into one that finds its own entries.
//
// Input: the table, then a NUL, then a file name.
#include "fuzz.h"

#include "base/util.h"
#include "http/mime_core.h"

#define ROOM 64

static void check_entry(const struct mime_entry *entries, size_t count, size_t i)
{
    const struct mime_entry *e = &entries[i];
    assert(e->extension.len && e->type.len);
    assert(slice_find(e->type, '/') > 0 && slice_find(e->type, ' ') < 0);
    assert(slice_find(e->type, '\n') < 0 && slice_find(e->type, '\r') < 0);
    if (i)
        assert(!slice_equal_nocase(entries[i - 1].extension, e->extension));
    if (slice_find(e->extension, '.') >= 0 || slice_find(e->extension, '/') >= 0)
        return;
    size_t len = e->extension.len + 2;
    char *name = malloc(len);
    assert(name);
    memcpy(name, "x.", 2);
    memcpy(name + 2, e->extension.ptr, e->extension.len);
    assert(mime_find(entries, count, slice_make(name, len)).ptr == e->type.ptr);
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct mime_entry entries[ROOM];
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice name = slice_make(copy, size);
    struct mime_reader reader = {.text = slice_split(&name, '\0')};
    size_t count = 0;
    while (count < ROOM && mime_next(&reader, &entries[count]))
        count++;
    size_t left = mime_sort(entries, count);
    assert(left <= count && (left > 0) == (count > 0));
    for (size_t i = 0; i < left; i++)
        check_entry(entries, left, i);
    struct slice type = mime_find(entries, left, name);
    assert(type.len == 0 || slice_find(type, '/') > 0);
    mime_core_find(name);
    mime_wants_charset(type);
    free(copy);
    return 0;
}
