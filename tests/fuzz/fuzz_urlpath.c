// Paths: what is decoded is relative, confined, without hidden names, and comes back from encoding.
#include "fuzz.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/urlpath.h"

static void check_segments(struct slice path, bool hidden)
{
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t len = size + 1;
    char *raw = malloc(len), *out = malloc(len);
    struct slice path = SLICE("untouched");
    assert(raw && out);
    raw[0] = '/';
    if (size)
        memcpy(raw + 1, bytes, size);
    bool hidden;
    int status = urlpath_decode(slice_make(raw, len), out, &path, &hidden);
    if (status) {
        assert((status == 400 || status == 404) && slice_equal(path, SLICE("untouched")));
    } else {
        check_segments(path, hidden);
        check_bytes(path);
        check_round_trip(path);
        if (path.len && path.ptr[path.len - 1] != '/')
            check_redirect(path);
    }
    free(raw);
    free(out);
    return 0;
}
