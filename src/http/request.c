#include "http/request.h"

#include "base/num.h"
#include "base/util.h"
#include "http/authority.h"
#include "http/chars.h"

#include <assert.h>

static const struct slice field_names[FIELD_OTHER] = {
#define X(id, name) [FIELD_##id] = {name, sizeof(name) - 1},
    FIELD_TABLE(X)
#undef X
};

static const struct slice method_names[METHOD_OTHER] = {
#define X(id) [METHOD_##id] = {#id, sizeof(#id) - 1},
    METHOD_TABLE(X)
#undef X
};

// ---- finding the end of the head ---------------------------------------------------------------

// A request line that is too long may be so by its method (RFC 9112 section 3). Bytes behind
// the limit do not matter, for they may not have come yet.
static enum reason name_long_line(struct slice line, const struct head_limits *l)
{
    return chars_all(slice_make(line.ptr, l->request_line), CHAR_TOKEN) ? REASON_REQUEST_METHOD_LONG
                                                                        : REASON_REQUEST_LINE_LONG;
}

// Applies the limits to the current line, of which the bytes before its LF, or those that came so
// far, are known. A CR at its end is taken for the one of CRLF. As the result only grows with the
// line, it does not matter in which pieces the line arrives.
static enum reason check_limits(const struct head_scan *s, struct slice line,
                                const struct head_limits *l)
{
    bool has_cr = line.len && line.ptr[line.len - 1] == '\r';
    size_t len = line.len - has_cr;
    if (!s->fields_start)
        return len > l->request_line ? name_long_line(line, l) : REASON_NONE;
    if (len == 0)
        return REASON_NONE; // the empty line that ends the head, as far as it is known
    size_t with_crlf = s->line - s->fields_start + len + 2;
    if (s->field_lines >= l->field_lines)
        return REASON_REQUEST_FIELDS_MANY;
    return with_crlf > l->fields ? REASON_REQUEST_FIELDS_LONG : REASON_NONE;
}

static enum head_state bad(enum reason reason, enum reason *ret_reason)
{
    *ret_reason = reason;
    return HEAD_BAD;
}

// A PROXY header of version 2 begins with two empty lines, which have been skipped, and this.
static enum head_state refuse_beginning(struct slice data, enum reason *ret_reason)
{
    const struct slice proxy = {"\0\r\nQUIT\n", 8};
    size_t len = MIN(data.len, proxy.len);
    if (memcmp(data.ptr, proxy.ptr, len) != 0)
        return bad(REASON_REQUEST_BEGINNING, ret_reason);
    return len < proxy.len ? HEAD_MORE : bad(REASON_REQUEST_PROXY, ret_reason);
}

enum head_state head_scan_feed(struct head_scan *s, struct slice data,
                               const struct head_limits *limits, enum reason *ret_reason)
{
    assert(limits->field_lines <= REQUEST_MAX_FIELDS);
    if (data.len == 0 || slice_equal(data, SLICE("\r")))
        return HEAD_MORE;
    if (!chars_has(data.ptr[0], CHAR_TOKEN))
        return refuse_beginning(data, ret_reason);

    while (s->pos < data.len) {
        const char *lf = memchr(data.ptr + s->pos, '\n', data.len - s->pos);
        const char *end = lf ? lf : data.ptr + data.len;
        struct slice line = slice_make(data.ptr + s->line, (size_t)(end - data.ptr) - s->line);
        enum reason reason = check_limits(s, line, limits);
        if (reason)
            return bad(reason, ret_reason);
        s->pos = (uint32_t)(end - data.ptr) + !!lf;
        if (!lf)
            break;
        if (line.len == 0 || line.ptr[line.len - 1] != '\r')
            return bad(REASON_REQUEST_BARE_LF, ret_reason); // RFC 9112 section 2.2: a bare LF
        if (line.len == 1)
            return HEAD_COMPLETE;
        s->line = s->pos;
        if (s->fields_start)
            s->field_lines++;
        else
            s->fields_start = s->pos;
    }
    return HEAD_MORE;
}

size_t head_skip_empty_lines(struct slice data)
{
    size_t n = 0;
    while (data.len - n >= 2 && data.ptr[n] == '\r' && data.ptr[n + 1] == '\n')
        n += 2;
    return n;
}

// ---- taking it apart ---------------------------------------------------------------------------

// Cuts the next line, without its CRLF, off *rest.
static struct slice cut_head_line(struct slice *rest)
{
    struct slice line = slice_split(rest, '\n');
    assert(rest->ptr && line.len && line.ptr[line.len - 1] == '\r');
    line.len--;
    return line;
}

// RFC 9112 section 2.3: HTTP-name is case-sensitive, versions are single digits.
static enum reason parse_version(struct slice s, int *ret_minor)
{
    const char *v = s.ptr;
    if (s.len != 8 || memcmp(v, "HTTP/", 5) != 0 || !slice_is_digit(v[5]) || v[6] != '.' ||
        !slice_is_digit(v[7]))
        return REASON_REQUEST_VERSION;
    if (v[5] != '1')
        return REASON_REQUEST_OTHER_VERSION;
    *ret_minor = v[7] != '0';
    return REASON_NONE;
}

static enum method find_method(struct slice name)
{
    size_t i = 0;
    while (i < METHOD_OTHER && !slice_equal(method_names[i], name))
        i++;
    return (enum method)i;
}

static enum reason parse_target(struct request *r)
{
    struct request_target target;
    enum reason reason = target_parse(r->method_name, r->target, &target);
    r->form = target.form;
    r->path = target.path;
    r->query = target.query;
    r->host = target.host;
    return reason;
}

// "PROXY TCP4 ..." or "PROXY UNKNOWN", version 1 of the header.
static bool is_proxy_line(const struct request *r)
{
    return slice_equal(r->method_name, SLICE("PROXY")) &&
           (slice_equal(r->target, SLICE("TCP4")) || slice_equal(r->target, SLICE("TCP6")) ||
            slice_equal(r->target, SLICE("UNKNOWN")));
}

// RFC 9112 section 3: exactly two single spaces. slice_split() leaves a second one in the version.
static enum reason parse_request_line(struct slice line, struct request *r)
{
    struct slice rest = line;
    r->method_name = slice_split(&rest, ' ');
    r->target = slice_split(&rest, ' ');
    if (r->method_name.len == 0 || !chars_all(r->method_name, CHAR_TOKEN))
        return REASON_REQUEST_METHOD;
    r->method = find_method(r->method_name);
    enum reason reason = parse_version(rest, &r->minor_version);
    if (reason == REASON_REQUEST_VERSION && is_proxy_line(r))
        return REASON_REQUEST_PROXY;
    if (reason != REASON_REQUEST_VERSION) {
        r->line = line;
        r->protocol = rest;
    }
    return reason ? reason : parse_target(r);
}

// The table is in the order of lengths, and few names have the same.
static enum field_id find_field(struct slice name)
{
    static const uint8_t lengths[FIELD_OTHER] = {
#define X(id, name) sizeof(name) - 1,
        FIELD_TABLE(X)
#undef X
    };
    const uint8_t *first = name.len > UINT8_MAX ? NULL
                                                : memchr(lengths, (int)name.len, FIELD_OTHER);
    size_t i = first ? (size_t)(first - lengths) : FIELD_OTHER;
    for (; i < FIELD_OTHER && lengths[i] == name.len; i++)
        if (slice_equal(field_names[i], name) || slice_equal_nocase(field_names[i], name))
            return (enum field_id)i;
    return FIELD_OTHER;
}

// RFC 9112 section 5. An obs-fold begins with white space, which begins no name.
static enum reason parse_field(struct slice line, struct field *ret)
{
    struct slice rest = line;
    struct slice name = slice_split(&rest, ':');
    enum field_id id = find_field(name);
    if (id == FIELD_OTHER && (name.len == 0 || !chars_all(name, CHAR_TOKEN)))
        return slice_is_blank(line.ptr[0]) ? REASON_REQUEST_OBS_FOLD : REASON_REQUEST_FIELD_NAME;
    if (!rest.ptr)
        return REASON_REQUEST_FIELD_NAME;
    if (!chars_all_value(rest))
        return REASON_REQUEST_FIELD_VALUE;
    *ret = (struct field){name, slice_trim(rest), id};
    return REASON_NONE;
}

static enum reason parse_fields(struct slice rest, struct request *r)
{
    for (struct slice line = cut_head_line(&rest); line.len; line = cut_head_line(&rest)) {
        assert(r->field_count < REQUEST_MAX_FIELDS);
        struct field *f = &r->fields[r->field_count++];
        enum reason reason = parse_field(line, f);
        if (reason)
            return reason;
        if (f->id != FIELD_OTHER && !r->first[f->id].ptr)
            r->first[f->id] = f->value;
    }
    return REASON_NONE;
}

// RFC 9112 section 3.2. The host of the target stands before that of the field, which must be in
// order all the same.
static enum reason check_host_field(struct request *r)
{
    struct slice value, host = {NULL, 0}, port;
    if (!r->first[FIELD_HOST].ptr)
        return r->minor_version ? REASON_REQUEST_NO_HOST : REASON_NONE;
    if (!request_single_field(r, FIELD_HOST, &value))
        return REASON_REQUEST_HOSTS;
    if (value.len && !authority_parse(value, &host, &port))
        return REASON_REQUEST_HOST;
    if (!r->host.ptr)
        r->host = host;
    return REASON_NONE;
}

// RFC 9112 sections 6.1 and 6.3: without chunked as the last coding nobody knows where the content
// ends; before it there may stand codings that are not understood.
static enum reason check_coding(const struct request *r)
{
    struct slice list, coding = {NULL, 0};
    size_t count = 0;
    for (uint32_t at = 0; request_next_field(r, FIELD_TRANSFER_ENCODING, &at, &list);)
        for (; list.ptr; count++)
            coding = slice_trim(slice_split(&list, ','));
    if (!slice_equal_nocase(coding, SLICE("chunked")))
        return REASON_REQUEST_NOT_CHUNKED;
    return count == 1 ? REASON_NONE : REASON_REQUEST_CODING;
}

// RFC 9112 section 6. A request that leaves a doubt about where its content ends is refused.
static enum reason check_framing(struct request *r)
{
    bool has_length = r->first[FIELD_CONTENT_LENGTH].ptr;
    struct slice value;
    if (r->first[FIELD_TRANSFER_ENCODING].ptr) {
        if (has_length)
            return REASON_REQUEST_TWO_FRAMINGS;
        if (r->minor_version == 0)
            return REASON_REQUEST_OLD_CHUNKED;
        r->body = BODY_CHUNKED;
        return check_coding(r);
    }
    if (has_length) {
        if (!request_single_field(r, FIELD_CONTENT_LENGTH, &value) ||
            !num_parse_dec(value, UINT64_MAX, &r->content_length))
            return REASON_REQUEST_LENGTH;
        r->body = r->content_length ? BODY_LENGTH : BODY_NONE;
    }
    return REASON_NONE;
}

// Whether one of the options of the Connection fields is `option` (RFC 9110 section 7.6.1).
static bool has_connection_option(const struct request *r, struct slice option)
{
    struct slice list;
    for (uint32_t at = 0; request_next_field(r, FIELD_CONNECTION, &at, &list);)
        while (list.ptr)
            if (slice_equal_nocase(slice_trim(slice_split(&list, ',')), option))
                return true;
    return false;
}

// RFC 9110 section 10.1.1: an HTTP/1.0 client's expectation is ignored.
static enum reason check_expect(struct request *r)
{
    struct slice value;
    if (r->minor_version == 0 || !r->first[FIELD_EXPECT].ptr)
        return REASON_NONE;
    r->expect_continue = request_single_field(r, FIELD_EXPECT, &value) &&
                         slice_equal_nocase(value, SLICE("100-continue"));
    return r->expect_continue ? REASON_NONE : REASON_REQUEST_EXPECTATION;
}

// Cuts the next line off, if all of it is there.
static bool cut_whole_line(struct slice *rest, struct slice *ret)
{
    ptrdiff_t lf = slice_find(*rest, '\n');
    if (lf < 1 || rest->ptr[lf - 1] != '\r')
        return false;
    *ret = cut_head_line(rest);
    return true;
}

static void parse_started_line(struct slice line, struct request *r)
{
    struct slice rest = line, method = slice_split(&rest, ' ');
    r->method = find_method(method);
    if (!rest.len || !method.len || !chars_all(method, CHAR_TOKEN))
        return;
    r->line = line;
    r->method_name = method;
    r->target = slice_split(&rest, ' ');
}

void request_parse_start(struct slice start, struct request *r)
{
    struct slice line;
    struct field f;
    memset(r, 0, offsetof(struct request, fields));
    if (!cut_whole_line(&start, &line)) {
        parse_started_line(slice_split(&start, '\n'), r);
        return;
    }
    parse_request_line(line, r);
    while (cut_whole_line(&start, &line) && parse_field(line, &f) == REASON_NONE)
        if (f.id != FIELD_OTHER && !r->first[f.id].ptr)
            r->first[f.id] = f.value;
}

enum reason request_parse(struct slice head, struct request *r)
{
    // The array of fields is large, and field_count says how much of it counts.
    memset(r, 0, offsetof(struct request, fields));
    enum reason reason = parse_request_line(cut_head_line(&head), r);
    if (!reason)
        reason = parse_fields(head, r);
    if (reason)
        return reason;
    r->keep_alive = !has_connection_option(r, SLICE("close")) &&
                    (r->minor_version || has_connection_option(r, SLICE("keep-alive")));
    reason = check_host_field(r);
    if (!reason)
        reason = check_framing(r);
    if (!reason)
        reason = check_expect(r);
    return reason;
}

struct slice request_field_name(enum field_id id)
{
    return field_names[id];
}

bool request_next_field(const struct request *r, enum field_id id, uint32_t *at, struct slice *ret)
{
    if (!r->first[id].ptr)
        return false;
    while (*at < r->field_count) {
        const struct field *f = &r->fields[(*at)++];
        if (f->id == id) {
            *ret = f->value;
            return true;
        }
    }
    return false;
}

bool request_single_field(const struct request *r, enum field_id id, struct slice *ret)
{
    struct slice value, second;
    uint32_t at = 0;
    if (!request_next_field(r, id, &at, &value) || request_next_field(r, id, &at, &second))
        return false;
    *ret = value;
    return true;
}
