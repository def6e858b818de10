// Globs: a pattern that passes the check matches the path that is made by filling it in, and
// escaped bytes match themselves.
//
// Input: the pattern, then a NUL, then the path.
#include "fuzz.h"

#include "base/buf.h"
#include "http/glob.h"

// The captures stand in the path, in order; those of a path that stands nowhere are empty.
static void check_captures(struct slice path, const struct glob_match *m)
{
    size_t done = 0;
    for (size_t i = 0; i < m->count; i++) {
        assert(path.ptr || m->captures[i].len == 0);
        if (!path.ptr)
            continue;
        struct slice s = m->captures[i];
        assert(s.ptr >= path.ptr + done && s.len <= path.len);
        done = (size_t)(s.ptr - path.ptr) + s.len;
        assert(done <= path.len);
    }
}

// A pattern without wildcards, each byte escaped, matches these bytes and no others.
static void check_plain(struct slice path, struct slice other)
{
    char pattern[GLOB_MAX_LENGTH];
    struct glob_match m;
    size_t n = 0;
    if (path.len == 0 || 2 * path.len > sizeof(pattern))
        return;
    for (size_t i = 0; i < path.len; i++) {
        pattern[n++] = '\\';
        pattern[n++] = path.ptr[i];
    }
    struct slice escaped = slice_make(pattern, n);
    assert(!glob_check(escaped));
    assert(glob_captures(escaped) == 0);
    assert(glob_match(escaped, path, &m) && m.count == 0);
    assert(glob_match(escaped, other, &m) == slice_equal(path, other));
}

// Two names and the slash between them for "**", of which *i is the first byte.
static void put_gap(struct buf *b, struct slice pattern, size_t *i, struct slice name)
{
    buf_put(b, name);
    if (*i + 1 == pattern.len || pattern.ptr[*i + 1] != '*')
        return;
    ++*i;
    buf_putc(b, '/');
    buf_put(b, name);
}

// Writes to `b` a path that the pattern was made for: `name`, which has no slash, in the place of
// each wildcard.
static void fill_in(struct slice pattern, struct slice name, struct buf *b)
{
    bool in_texts = false, skips = false;
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        bool escaped = c == '\\';
        if (escaped)
            c = pattern.ptr[++i];
        if (!escaped && (c == '{' || c == '}'))
            in_texts = c == '{';
        skips = in_texts && (skips || (!escaped && c == ',')); // the first text is taken
        if (!escaped && (c == '{' || c == '}' || (c == ',' && in_texts)))
            continue;
        if (!escaped && c == '?')
            buf_putc(b, 'x');
        else if (!escaped && c == '*')
            put_gap(b, pattern, &i, name);
        else if (!skips)
            buf_putc(b, c);
    }
}

static void check_filled_in(struct slice pattern, struct slice name)
{
    char text[4096];
    struct glob_match m;
    struct buf b = buf_make(text, sizeof(text));
    fill_in(pattern, name, &b);
    assert(b.overflow || glob_match(pattern, buf_slice(&b), &m));
}

// A pattern that covers another one matches what that one was made for.
static void check_covers(struct slice general, struct slice special)
{
    char text[4096];
    struct glob_match m;
    struct buf b = buf_make(text, sizeof(text));
    if (glob_check(special) || !glob_covers(general, special))
        return;
    fill_in(special, SLICE("name"), &b);
    assert(b.overflow || glob_match(general, buf_slice(&b), &m));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct glob_match m;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice path = slice_make(copy, size);
    struct slice pattern = slice_split(&path, '\0');
    check_plain(path, pattern);
    if (!glob_check(pattern)) {
        assert(pattern.len && pattern.len <= GLOB_MAX_LENGTH);
        assert(glob_captures(pattern) <= GLOB_MAX_CAPTURES);
        if (glob_match(pattern, path, &m)) {
            assert(m.count == glob_captures(pattern));
            check_captures(path, &m);
        }
        check_covers(pattern, path);
        check_filled_in(pattern, slice_split(&path, '/'));
    }
    free(copy);
    return 0;
}
