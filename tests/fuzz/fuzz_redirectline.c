// Lines of a file of redirects: no target of a good one splits a header or names another host.
//
// Input: lines. The first two are the path of a request and its query; each that follows is a line
// of the file.
#include "fuzz.h"

#include "http/chars.h"
#include "http/redirectline.h"

static void check_target(const struct redirectline *line, struct slice location)
{
    for (size_t i = 0; i < location.len; i++)
        assert(location.ptr[i] > ' ' && location.ptr[i] < 0x7f && location.ptr[i] != '\\');
    if (line->target.ptr[0] == '/') {
        assert(location.ptr[0] == '/' && (location.len == 1 || location.ptr[1] != '/'));
        return;
    }
    // The host is the line's own, to the first slash behind it.
    size_t host = line->target.len;
    for (size_t i = strlen("https://"); i < host; i++)
        if (strchr("/?#", line->target.ptr[i]))
            host = i;
    assert(location.len >= host && memcmp(location.ptr, line->target.ptr, host) == 0);
}

static void check_line(struct slice text, struct slice path, struct slice query)
{
    static char room_text[1024], location_text[64 * 1024];
    struct redirectline line;
    struct redirectline_values values = {0};
    struct buf room = buf_make(room_text, sizeof(room_text));
    struct buf b = buf_make(location_text, sizeof(location_text));
    if (redirectline_parse(text, &line) || line.path.len == 0)
        return;
    assert(line.path.ptr[0] == '/' && line.target.len);
    assert(line.parameter_count <= REDIRECTLINE_PARAMETERS);
    if (!redirectline_match(line.path, path, &values) ||
        !redirectline_has_parameters(&line, query, &room, &values))
        return;
    assert(values.count <= REDIRECTLINE_VALUES);
    assert(line.is_pattern || slice_equal(line.path, path));
    redirectline_put_target(&b, &line, &values, query);
    if (!b.overflow)
        check_target(&line, buf_slice(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice rest = slice_make(copy, size);
    struct slice path = slice_split(&rest, '\n'), query = slice_split(&rest, '\n');
    // As a request's parser leaves them.
    bool good = path.len && path.ptr[0] == '/' && chars_all(query, CHAR_TARGET) &&
                slice_find(query, '\\') < 0;
    while (good && rest.len)
        check_line(slice_split(&rest, '\n'), path, query);
    free(copy);
    return 0;
}
