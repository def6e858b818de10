// The request head: the scan's outcome does not depend on how the bytes are split, and what the
// parser takes keeps the promises of http/request.h.
//
// Input: one byte that says where to split, then what a client sends.
#include "fuzz.h"

#include "http/request.h"

static const struct head_limits limits = {.request_line = 96, .fields = 400, .field_lines = 12};

struct outcome {
    enum head_state state;
    enum reason reason;
    uint32_t pos;
};

// Feeds the first `first` bytes, then all.
static struct outcome scan(struct slice data, size_t first)
{
    struct head_scan s = {0};
    struct outcome o = {HEAD_MORE, 0, 0};
    char *piece = fuzz_copy(slice_make(data.ptr, first));
    o.state = head_scan_feed(&s, slice_make(piece, first), &limits, &o.reason);
    free(piece);
    if (o.state == HEAD_MORE)
        o.state = head_scan_feed(&s, data, &limits, &o.reason);
    if (o.state == HEAD_COMPLETE)
        o.pos = s.pos;
    return o;
}

static void check_slice(struct slice head, struct slice s)
{
    if (!s.ptr)
        return;
    assert(s.ptr >= head.ptr && s.len <= head.len);
    assert((size_t)(s.ptr - head.ptr) <= head.len - s.len);
    assert(slice_find(s, '\r') < 0 && slice_find(s, '\n') < 0 && slice_find(s, '\0') < 0);
}

static void check_fields(struct slice head, const struct request *r)
{
    assert(r->field_count <= limits.field_lines);
    for (uint32_t i = 0; i < r->field_count; i++) {
        const struct field *f = &r->fields[i];
        check_slice(head, f->name);
        check_slice(head, f->value);
        assert(f->name.len && slice_find(f->name, ' ') < 0);
        assert(slice_equal(f->value, slice_trim(f->value)));
        assert(f->id == FIELD_OTHER ||
               (r->first[f->id].ptr && slice_equal_nocase(f->name, request_field_name(f->id))));
    }
}

static void check_target(struct slice head, const struct request *r)
{
    bool has_path = r->form == TARGET_ORIGIN || r->form == TARGET_ABSOLUTE;
    check_slice(head, r->line);
    check_slice(head, r->target);
    check_slice(head, r->host);
    check_slice(head, r->query);
    assert(has_path ? r->path.ptr[0] == '/' : r->path.len == 0);
    assert(slice_find(r->host, '@') < 0 && slice_find(r->host, '/') < 0);
    assert((r->form == TARGET_AUTHORITY) == (r->method == METHOD_CONNECT));
    assert(r->form != TARGET_ASTERISK || r->method == METHOD_OPTIONS);
}

static void check_request(struct slice head, const struct request *r)
{
    check_fields(head, r);
    check_target(head, r);
    assert(r->minor_version == 0 || r->first[FIELD_HOST].ptr);
    assert(!r->expect_continue || r->minor_version == 1);
    assert((r->body == BODY_LENGTH) == (r->content_length > 0));
    assert(r->body != BODY_CHUNKED ||
           (r->minor_version == 1 && !r->first[FIELD_CONTENT_LENGTH].ptr));
    assert(!r->first[FIELD_TRANSFER_ENCODING].ptr || r->body == BODY_CHUNKED);
}

static void check_inside(struct slice all, struct slice s)
{
    assert(!s.ptr || (s.ptr >= all.ptr && s.ptr + s.len <= all.ptr + all.len));
}

// A head that has come in part, wherever it was cut: the slices lie in it.
static void check_start(struct slice data)
{
    static struct request r;
    char *copy = fuzz_copy(data);
    struct slice start = slice_make(copy, data.len);
    request_parse_start(start, &r);
    check_inside(start, r.line);
    check_inside(start, r.method_name);
    check_inside(start, r.target);
    for (size_t i = 0; i < FIELD_OTHER; i++)
        check_inside(start, r.first[i]);
    free(copy);
}

static void parse(struct slice data)
{
    static struct request r;
    char *copy = fuzz_copy(data);
    struct slice head = slice_make(copy, data.len);
    int status = reason_status(request_parse(head, &r));
    assert(status == 0 || status == 400 || status == 417 || status == 421 || status == 501 ||
           status == 505);
    assert(r.line.len <= head.len);
    if (status == 0)
        check_request(head, &r);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = fuzz_slice(bytes, size);
    size_t split = fuzz_byte(&data);
    data = slice_skip(data, head_skip_empty_lines(data));
    check_start(data);
    struct outcome whole = scan(data, data.len);
    struct outcome pieces = scan(data, data.len ? split * 7 % (data.len + 1) : 0);
    assert(whole.state == pieces.state && whole.reason == pieces.reason && whole.pos == pieces.pos);
    int refusal = whole.state == HEAD_BAD ? reason_status(whole.reason) : 400;
    assert(refusal == 400 || refusal == 414 || refusal == 431 || refusal == 501);
    // A head that is not refused is bounded, complete or not.
    assert(whole.state == HEAD_BAD || whole.state == HEAD_COMPLETE ||
           data.len <= limits.request_line + 2 + limits.fields + 2);
    if (whole.state == HEAD_COMPLETE)
        parse(slice_make(data.ptr, whole.pos));
    return 0;
}
