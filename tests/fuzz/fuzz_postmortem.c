// Whatever a worker has left in its memory, the text about its end is one line
// without control bytes.
#include "fuzz.h"

#include "daemon/postmortem.h"

#define LOOPS 2

static void check_text(const struct buf *b)
{
    assert(b->len <= POSTMORTEM_MAX);
    struct slice text = buf_slice(b);
    for (size_t i = 0; i < text.len; i++)
        assert((unsigned char)text.ptr[i] >= ' ' && text.ptr[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct scoreboard_slot slots[LOOPS];
    static struct scoreboard_notes notes[LOOPS];
    const struct scoreboard_place place = {slots, notes, NULL};
    struct slice in = fuzz_slice(bytes, size);
    int status = fuzz_byte(&in) | fuzz_byte(&in) << 8;
    char *text = malloc(POSTMORTEM_MAX);
    assert(text);
    memset(slots, 0, sizeof(slots));
    memset(notes, 0, sizeof(notes));
    // The notes first: they have what is shown.
    size_t most = in.len < sizeof(notes) ? in.len : sizeof(notes);
    if (most)
        memcpy(notes, in.ptr, most);
    if (in.len > most)
        memcpy(slots, in.ptr + most, in.len - most < sizeof(slots) ? in.len - most : sizeof(slots));

    struct buf b = buf_make(text, POSTMORTEM_MAX);
    postmortem_describe_end(&b, &place, status);
    check_text(&b);
    b.len = 0;
    postmortem_describe(&b, &place, LOOPS, INT64_C(1) << 40);
    check_text(&b);
    free(text);
    return 0;
}
