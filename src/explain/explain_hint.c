#include "explain/explain_hint.h"

#include "explain/explain_text.h"
#include "http/encoding.h"
#include "http/utf8.h"
#include "sys/directory.h"

// Names that are looked at: a hint is not worth more.
#define NAMES_MAX 100000

// Hints that are given.
#define HINTS_MAX 3

static size_t length_of_character(struct slice s)
{
    struct slice rest = s;
    utf8_next(&rest);
    return s.len - rest.len;
}

// U+0300 to U+036F.
static bool begins_with_mark(struct slice s)
{
    return s.len >= 2 && ((unsigned char)s.ptr[0] == 0xcc ||
                          ((unsigned char)s.ptr[0] == 0xcd && (unsigned char)s.ptr[1] < 0xb0));
}

static bool begins_with_letter(struct slice s)
{
    return s.len && ((s.ptr[0] >= 'a' && s.ptr[0] <= 'z') || (s.ptr[0] >= 'A' && s.ptr[0] <= 'Z'));
}

// A letter and its marks.
static size_t length_of_marked(struct slice s)
{
    size_t n = 1;
    if (!begins_with_letter(s) || !begins_with_mark(slice_skip(s, 1)))
        return 0;
    while (begins_with_mark(slice_skip(s, n)))
        n += 2;
    return n;
}

// Whether they differ only in that one has letters and marks where the other has one character
// beyond ASCII. Which character it is would take the tables of Unicode.
static bool is_other_form(struct slice a, struct slice b)
{
    bool differs = false;
    while (a.len && b.len) {
        size_t in_a = length_of_marked(a), in_b = length_of_marked(b);
        bool one_is_marked = (in_a > 0) != (in_b > 0);
        in_a = in_a ? in_a : length_of_character(a);
        in_b = in_b ? in_b : length_of_character(b);
        struct slice from_a = slice_make(a.ptr, in_a), from_b = slice_make(b.ptr, in_b);
        bool same = slice_equal(from_a, from_b);
        bool composed = one_is_marked &&
                        ((unsigned char)a.ptr[0] >= 0xc0 || (unsigned char)b.ptr[0] >= 0xc0);
        if (!same && !composed)
            return false;
        differs = differs || !same;
        a = slice_skip(a, in_a);
        b = slice_skip(b, in_b);
    }
    return differs && a.len == b.len;
}

static bool is_sibling(struct slice missing, struct slice there)
{
    if (there.len <= missing.len || !slice_starts_with(there, missing))
        return false;
    for (int coding = CODING_IDENTITY + 1; coding < CODING_COUNT; coding++)
        if (slice_equal(slice_skip(there, missing.len), encoding_suffix((enum coding)coding)))
            return true;
    return false;
}

enum explain_hint explain_hint_compare(struct slice missing, struct slice there)
{
    if (slice_equal(missing, there))
        return EXPLAIN_HINT_NONE;
    if (slice_equal_nocase(missing, there))
        return EXPLAIN_HINT_CASE;
    if (is_other_form(missing, there))
        return EXPLAIN_HINT_FORM;
    return is_sibling(missing, there) ? EXPLAIN_HINT_SIBLING : EXPLAIN_HINT_NONE;
}

void explain_hint_put(struct buf *b, const struct rootfs *root, const char *parent,
                      struct slice missing)
{
    static const char *const texts[] = {
        [EXPLAIN_HINT_CASE] = "is there: the case of letters counts",
        [EXPLAIN_HINT_FORM] = "is there, written in another form of Unicode",
        [EXPLAIN_HINT_SIBLING] = "is there, but is sent only beside its original",
    };
    struct directory d;
    struct slice name;
    enum directory_kind kind;
    int fd = rootfs_open(root, parent);
    if (fd < 0 || directory_open(&d, fd) < 0)
        return;
    unsigned hints = 0;
    for (unsigned i = 0; i < NAMES_MAX && hints < HINTS_MAX; i++) {
        if (directory_next(&d, &name, &kind) <= 0)
            break;
        enum explain_hint hint = explain_hint_compare(missing, name);
        if (hint == EXPLAIN_HINT_NONE)
            continue;
        explain_text_line(b, "", "\"%.*s\" %s", SLICE_ARG(name), texts[hint]);
        hints++;
    }
    directory_close(&d);
}
