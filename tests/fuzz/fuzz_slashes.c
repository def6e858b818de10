// Escaped slashes in paths: each becomes a slash, once, and nothing else changes; refused is just
// such a slash beside a dot segment, or as the second byte.
#include "fuzz.h"

#include "base/util.h"
#include "http/urlpath.h"

#include <string.h>
#include <strings.h>

// The result that there must be, made in another way: its bytes, and which of them were escaped.
struct wanted {
    size_t len;
    char *text;
    bool *was_escaped;
};

static struct wanted make_wanted(struct slice raw)
{
    struct wanted w = {0, malloc(raw.len + 1), calloc(raw.len + 1, sizeof(bool))};
    assert(w.text && w.was_escaped);
    for (size_t i = 0; i < raw.len; w.len++) {
        bool escaped = raw.len - i >= 3 && strncasecmp(raw.ptr + i, "%2f", 3) == 0;
        w.text[w.len] = escaped ? '/' : raw.ptr[i];
        w.was_escaped[w.len] = escaped;
        i += escaped ? 3 : 1;
    }
    w.text[w.len] = '\0';
    return w;
}

// Whether a segment is "." or ".." when its dots are written out.
static bool is_dots(struct slice segment)
{
    static const char *const ways[] = {".", "%2e", "..", ".%2e", "%2e.", "%2e%2e"};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        if (slice_equal_nocase(segment, slice_of(ways[i])))
            return true;
    return false;
}

static bool is_refused(const struct wanted *w)
{
    size_t start = 0;
    for (size_t i = 0; i <= w->len; i++) {
        if (i < w->len && w->text[i] != '/')
            continue;
        bool beside = (start > 0 && w->was_escaped[start - 1]) || (i < w->len && w->was_escaped[i]);
        if (beside && is_dots(slice_make(w->text + start, i - start)))
            return true;
        start = i + 1;
    }
    return w->len > 1 && w->was_escaped[1];
}

// The result may be decoded in its place.
static void check_decoding(char *text, size_t len)
{
    char *out = malloc(len);
    struct slice apart = SLICE(""), in_place = SLICE("");
    bool hidden[2] = {false, false};
    assert(out);
    enum reason reason = urlpath_decode(slice_make(text, len), out, &apart, &hidden[0]);
    assert(urlpath_decode(slice_make(text, len), text, &in_place, &hidden[1]) == reason);
    if (reason == REASON_NONE)
        assert(slice_equal(apart, in_place) && hidden[0] == hidden[1]);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *raw = malloc(size + 1), *out = malloc(size + 1);
    struct slice got = SLICE("untouched");
    assert(raw && out);
    raw[0] = '/';
    if (size)
        memcpy(raw + 1, bytes, size);
    struct wanted w = make_wanted(slice_make(raw, size + 1));
    enum reason reason = urlpath_unescape_slashes(slice_make(raw, size + 1), out, &got);
    if (reason) {
        assert(reason_status(reason) == 404 && slice_equal(got, SLICE("untouched")));
        assert(is_refused(&w));
    } else {
        assert(!is_refused(&w));
        assert(got.ptr == out && slice_equal(got, slice_make(w.text, w.len)));
        check_decoding(out, got.len);
    }
    free(w.text);
    free(w.was_escaped);
    free(raw);
    free(out);
    return 0;
}
