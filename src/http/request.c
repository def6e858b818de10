#include "http/request.h"

#include "base/num.h"
#include "base/util.h"
#include "http/authority.h"
#include "http/chars.h"
#include "http/target.h"

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

// Applies the limits to the current line, of which the bytes before its LF, or those that came so
// far, are known. A CR at its end is taken for the one of CRLF. As the result only grows with the
// line, it does not matter in which pieces the line arrives.
static int check_limits(const struct head_scan *s, struct slice line, const struct head_limits *l)
{
    bool has_cr = line.len && line.ptr[line.len - 1] == '\r';
    size_t len = line.len - has_cr;
    if (!s->fields_start)
        return len > l->request_line ? 414 : 0;
    if (len == 0)
        return 0; // the empty line that ends the head, as far as it is known
    size_t with_crlf = s->line - s->fields_start + len + 2;
    return with_crlf > l->fields || s->field_lines >= l->field_lines ? 431 : 0;
}

static enum head_state bad(int status, int *ret_status)
{
    *ret_status = status;
    return HEAD_BAD;
}

enum head_state head_scan_feed(struct head_scan *s, struct slice data,
                               const struct head_limits *limits, int *ret_status)
{
    assert(limits->field_lines <= REQUEST_MAX_FIELDS);
    if (data.len == 0 || slice_equal(data, SLICE("\r")))
        return HEAD_MORE;
    if (!chars_has(data.ptr[0], CHAR_TOKEN))
        return bad(400, ret_status);

    while (s->pos < data.len) {
        const char *lf = memchr(data.ptr + s->pos, '\n', data.len - s->pos);
        const char *end = lf ? lf : data.ptr + data.len;
        struct slice line = slice_make(data.ptr + s->line, (size_t)(end - data.ptr) - s->line);
        int status = check_limits(s, line, limits);
        if (status)
            return bad(status, ret_status);
        s->pos = (uint32_t)(end - data.ptr) + !!lf;
        if (!lf)
            break;
        if (line.len == 0 || line.ptr[line.len - 1] != '\r')
            return bad(400, ret_status); // RFC 9112 section 2.2: a bare LF
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
static struct slice next_line(struct slice *rest)
{
    struct slice line = slice_split(rest, '\n');
    assert(rest->ptr && line.len && line.ptr[line.len - 1] == '\r');
    line.len--;
    return line;
}

// RFC 9112 section 2.3: HTTP-name is case-sensitive, versions are single digits.
static int parse_version(struct slice s, int *ret_minor)
{
    const char *v = s.ptr;
    if (s.len != 8 || memcmp(v, "HTTP/", 5) != 0 || v[5] < '0' || v[5] > '9' || v[6] != '.' ||
        v[7] < '0' || v[7] > '9')
        return 400;
    if (v[5] != '1')
        return 505;
    *ret_minor = v[7] != '0';
    return 0;
}

static enum method find_method(struct slice name)
{
    size_t i = 0;
    while (i < METHOD_OTHER && !slice_equal(method_names[i], name))
        i++;
    return (enum method)i;
}

// RFC 9112 section 3: exactly two single spaces. slice_split() leaves a second one in the version.
static int parse_request_line(struct slice line, struct request *r)
{
    struct slice rest = line;
    r->method_name = slice_split(&rest, ' ');
    r->target = slice_split(&rest, ' ');
    if (r->method_name.len == 0 || !chars_all(r->method_name, CHAR_TOKEN))
        return 400;
    r->method = find_method(r->method_name);
    int status = parse_version(rest, &r->minor_version);
    if (status != 400)
        r->line = line;
    return status ? status : target_parse(r);
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

// RFC 9112 section 5. An obs-fold begins with white space, which is no name.
static bool parse_field(struct slice line, struct field *ret)
{
    struct slice rest = line;
    struct slice name = slice_split(&rest, ':');
    enum field_id id = find_field(name);
    if (!rest.ptr || !chars_all_value(rest))
        return false;
    if (id == FIELD_OTHER && (name.len == 0 || !chars_all(name, CHAR_TOKEN)))
        return false;
    *ret = (struct field){name, slice_trim(rest), id};
    return true;
}

static bool parse_fields(struct slice rest, struct request *r)
{
    for (struct slice line = next_line(&rest); line.len; line = next_line(&rest)) {
        assert(r->field_count < REQUEST_MAX_FIELDS);
        struct field *f = &r->fields[r->field_count++];
        if (!parse_field(line, f))
            return false;
        if (f->id != FIELD_OTHER && !r->first[f->id].ptr)
            r->first[f->id] = f->value;
    }
    return true;
}

// RFC 9112 section 3.2. The host of the target stands before that of the field, which must be in
// order all the same.
static int check_host(struct request *r)
{
    struct slice value, host = {NULL, 0}, port;
    if (!r->first[FIELD_HOST].ptr)
        return r->minor_version ? 400 : 0;
    if (!request_single_field(r, FIELD_HOST, &value))
        return 400;
    if (value.len && !authority_parse(value, &host, &port))
        return 400;
    if (!r->host.ptr)
        r->host = host;
    return 0;
}

// RFC 9112 sections 6.1 and 6.3: without chunked as the last coding nobody knows where the content
// ends; before it there may stand codings that are not understood.
static int check_coding(const struct request *r)
{
    struct slice list, coding = {NULL, 0};
    size_t count = 0;
    for (uint32_t at = 0; request_next_field(r, FIELD_TRANSFER_ENCODING, &at, &list);)
        for (; list.ptr; count++)
            coding = slice_trim(slice_split(&list, ','));
    if (!slice_equal_nocase(coding, SLICE("chunked")))
        return 400;
    return count == 1 ? 0 : 501;
}

// RFC 9112 section 6. What leaves a doubt about where the content ends is refused.
static int check_framing(struct request *r)
{
    bool has_length = r->first[FIELD_CONTENT_LENGTH].ptr;
    struct slice value;
    if (r->first[FIELD_TRANSFER_ENCODING].ptr) {
        if (has_length || r->minor_version == 0)
            return 400;
        r->body = BODY_CHUNKED;
        return check_coding(r);
    }
    if (has_length) {
        if (!request_single_field(r, FIELD_CONTENT_LENGTH, &value) ||
            !num_parse_dec(value, UINT64_MAX, &r->content_length))
            return 400;
        r->body = r->content_length ? BODY_LENGTH : BODY_NONE;
    }
    return 0;
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
static int check_expect(struct request *r)
{
    struct slice value;
    if (r->minor_version == 0 || !r->first[FIELD_EXPECT].ptr)
        return 0;
    r->expect_continue = request_single_field(r, FIELD_EXPECT, &value) &&
                         slice_equal_nocase(value, SLICE("100-continue"));
    return r->expect_continue ? 0 : 417;
}

void request_parse_start(struct slice start, struct request *r)
{
    memset(r, 0, offsetof(struct request, fields));
    r->method = find_method(slice_split(&start, ' '));
}

int request_parse(struct slice head, struct request *r)
{
    // The array of fields is large, and field_count says how much of it counts.
    memset(r, 0, offsetof(struct request, fields));
    int status = parse_request_line(next_line(&head), r);
    if (status)
        return status;
    if (!parse_fields(head, r))
        return 400;
    r->keep_alive = !has_connection_option(r, SLICE("close")) &&
                    (r->minor_version || has_connection_option(r, SLICE("keep-alive")));
    status = check_host(r);
    if (!status)
        status = check_framing(r);
    if (!status)
        status = check_expect(r);
    return status;
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
