// Whatever a worker writes to its stderr, and in however many pieces: each line that its master
// logs is text without control characters, none is too long, none one too many, and none is lost
// uncounted.
#include "fuzz.h"

#include "base/util.h"
#include "daemon/stderr_lines.h"
#include "http/utf8.h"

static uint64_t passed, dropped;

static void check_line(const struct stderr_line *line)
{
    struct slice text = slice_of(line->text);
    assert(text.len < sizeof(line->text) && line->level <= LOG_LEVEL_DEBUG);
    while (text.len) {
        int32_t code = utf8_next(&text);
        assert(code >= ' ' && (code < 0x7f || code > 0x9f) && (code < 0x2028 || code > 0x202e));
    }
    passed++;
}

// Lines that are not empty, by a simpler rule.
static uint64_t count_lines(struct slice all)
{
    uint64_t count = 0;
    while (all.ptr)
        count += slice_split(&all, '\n').len > 0;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = fuzz_slice(bytes, size);
    uint8_t pace = fuzz_byte(&in);
    struct stderr_lines lines;
    struct stderr_line line;
    int64_t now = 5000;
    const uint64_t wanted = count_lines(in);
    passed = dropped = 0;
    stderr_lines_init(&lines, now);
    while (in.len) {
        size_t step = MIN(in.len, (size_t)(pace & 0x3f) + 1);
        char *copy = fuzz_copy(slice_make(in.ptr, step));
        struct slice rest = slice_make(copy, step);
        while (stderr_lines_next(&lines, &rest, now, &line))
            check_line(&line);
        assert(rest.len == 0);
        free(copy);
        in = slice_skip(in, step);
        now += pace >> 6;
        dropped += stderr_lines_take_dropped(&lines);
    }
    if (stderr_lines_end(&lines, now, &line))
        check_line(&line);
    dropped += stderr_lines_take_dropped(&lines);
    assert(passed + dropped == wanted);
    assert(passed <= STDERR_LINES_BURST + (uint64_t)(now - 5000) * STDERR_LINES_RATE / 1000);
    return 0;
}
