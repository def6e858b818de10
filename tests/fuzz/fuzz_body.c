// The end of a request's content: the same however the bytes are split, within the limit, and
// never before what body_wanted() promised.
//
// Input: kind of content, limit, length or size of the pieces, then the bytes.
#include "fuzz.h"

#include "base/num.h"
#include "base/util.h"
#include "http/body.h"

struct outcome {
    enum body_state state;
    enum reason reason;
    size_t used;
};

static struct outcome feed(struct body b, struct slice data, size_t step, size_t end)
{
    struct outcome o = {CONTENT_MORE, 0, 0};
    do {
        size_t used = 0, n = MIN(step, data.len - o.used);
        char *piece = fuzz_copy(slice_make(data.ptr + o.used, n));
        o.state = body_feed(&b, slice_make(piece, n), &used, &o.reason);
        free(piece);
        o.used += used;
        assert(b.total <= b.limit);
        assert(o.state != CONTENT_MORE || (used == n && body_wanted(&b) >= 1));
        // The parser wants nothing past the end.
        assert(o.state != CONTENT_MORE || !end || body_wanted(&b) <= end - o.used);
    } while (o.state == CONTENT_MORE && o.used < data.len);
    return o;
}

// Length of a chunked content that is known to be complete, found in the plainest way.
static size_t chunked_length(struct slice data)
{
    struct slice rest = data, line;
    uint64_t size = 1;
    while (size) {
        line = slice_split(&rest, '\n');
        size_t digits = strspn(line.ptr, "0123456789abcdefABCDEF");
        assert(digits >= 1 && digits <= 16);
        assert(num_parse_hex(slice_make(line.ptr, digits), UINT64_MAX, &size));
        assert(size == 0 || size < rest.len);
        if (size)
            rest = slice_skip(rest, size + 2);
    }
    do
        line = slice_split(&rest, '\n');
    while (line.len > 1);
    return (size_t)(rest.ptr - data.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct request r;
    struct slice data = fuzz_slice(bytes, size);
    struct body b;
    r.body = (enum request_body)(fuzz_byte(&data) % 3);
    uint8_t limit = fuzz_byte(&data);
    size_t step = fuzz_byte(&data);
    r.content_length = r.body == BODY_LENGTH ? step + 1 : 0;
    if (!body_init(&b, &r, limit == 255 ? UINT64_MAX : limit * UINT64_C(40))) {
        assert(r.body == BODY_LENGTH);
        return 0;
    }
    struct outcome whole = feed(b, data, SIZE_MAX, 0);
    bool has_ended = whole.state == CONTENT_END;
    struct outcome pieces = feed(b, data, step % 16 + 1, has_ended ? whole.used : 0);
    assert(whole.state == pieces.state && whole.reason == pieces.reason);
    assert(whole.state == CONTENT_BAD || whole.used == pieces.used);
    assert(whole.state != CONTENT_BAD || reason_status(whole.reason) == 400 ||
           reason_status(whole.reason) == 413);
    assert(!has_ended || r.body != BODY_LENGTH || whole.used == r.content_length);
    assert(!has_ended || r.body != BODY_CHUNKED || whole.used == chunked_length(data));
    return 0;
}
