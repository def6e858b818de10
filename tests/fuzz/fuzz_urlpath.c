// Paths: what is decoded is relative, confined, without hidden names, and comes back from encoding.
#include "fuzz.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/urlpath.h"

static void check_segments(struct slice path, bool hidden)
{
    assert(!urlpath_has_dot_segment(path));
    for (size_t i = 0; path.ptr; i++) {
        struct slice segment = slice_split(&path, '/');
        bool is_last = !path.ptr;
        assert(segment.len || is_last);
        assert(hidden || segment.len == 0 || segment.ptr[0] != '.' ||
               (i == 0 && slice_equal(segment, SLICE(".well-known"))));
        assert(!slice_equal(segment, SLICE(".")) && !slice_equal(segment, SLICE("..")));
    }
}

static void check_bytes(struct slice path)
{
    for (size_t i = 0; i < path.len; i++)
        assert(path.ptr[i] != '\0');
}

static void check_round_trip(struct slice path)
{
    size_t cap = 3 * path.len + 1;
    char *text = malloc(cap), *out = malloc(cap);
    struct slice back;
    assert(text && out);
    struct buf b = buf_make(text, cap);
    buf_putc(&b, '/');
    urlpath_encode(&b, path);
    assert(!b.overflow);
    bool hidden;
    assert(urlpath_decode(buf_slice(&b), out, &back, &hidden) == 0);
    assert(slice_equal(back, path));
    free(text);
    free(out);
}

// The redirect stays on this host and in this directory.
static void check_redirect(struct slice path)
{
    size_t cap = 3 * path.len + 5;
    char *text = malloc(cap);
    assert(text);
    struct buf b = buf_make(text, cap);
    urlpath_slash_redirect(&b, path, SLICE("q"));
    struct slice got = buf_slice(&b);
    assert(!b.overflow);
    assert(got.ptr[0] != '/');
    ptrdiff_t colon = slice_find(got, ':'), slash = slice_find(got, '/');
    assert(colon < 0 || slash < colon);
    assert(slice_ends_with_nocase(got, SLICE("/?q")));
    free(text);
}

// The redirect of a path with a slash at its end leads to a name beside this directory.
static void check_unslash_redirect(struct slice path)
{
    size_t cap = 3 * path.len + 3;
    char *text = malloc(cap);
    assert(text);
    struct buf b = buf_make(text, cap);
    urlpath_unslash_redirect(&b, path, slice_make(NULL, 0));
    struct slice got = buf_slice(&b);
    assert(!b.overflow && slice_starts_with(got, SLICE("../")) && got.len > 3);
    got = slice_skip(got, 3);
    assert(slice_find(got, '/') < 0 && slice_find(got, '?') < 0);
    assert(!slice_equal(got, SLICE(".")) && !slice_equal(got, SLICE("..")));
    free(text);
}

static bool holds(struct slice text, const char *what)
{
    return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

// The bytes as they stand: segments of dots are seen, and of several slashes in front one is left.
static void check_raw(struct slice raw)
{
    char *text = malloc(raw.len + 1);
    assert(text);
    memcpy(text, raw.ptr, raw.len);
    text[raw.len] = '/';
    struct slice all = slice_make(text, raw.len + 1);
    assert(urlpath_has_dot_segment(raw) == (holds(all, "/./") || holds(all, "/../")));
    struct buf b = buf_make(text, raw.len);
    b.len = raw.len;
    urlpath_keep_one_slash(&b, 0);
    assert(b.len && text[0] == '/' && (b.len == 1 || text[1] != '/'));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t len = size + 1;
    char *raw = malloc(len), *out = malloc(len);
    struct slice path = SLICE("untouched");
    assert(raw && out);
    raw[0] = '/';
    if (size)
        memcpy(raw + 1, bytes, size);
    check_raw(slice_make(raw, len));
    bool hidden;
    int status = reason_status(urlpath_decode(slice_make(raw, len), out, &path, &hidden));
    if (status) {
        assert((status == 400 || status == 404) && slice_equal(path, SLICE("untouched")));
    } else {
        check_segments(path, hidden);
        check_bytes(path);
        check_round_trip(path);
        if (path.len && path.ptr[path.len - 1] != '/')
            check_redirect(path);
        else if (path.len)
            check_unslash_redirect(path);
    }
    free(raw);
    free(out);
    return 0;
}
