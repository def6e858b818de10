#include "http/cors.h"

bool cors_is_preflight(const struct request *r)
{
    return r->method == METHOD_OPTIONS && r->first[FIELD_ORIGIN].ptr &&
           r->first[FIELD_ACCESS_CONTROL_REQUEST_METHOD].ptr;
}

bool cors_varies(const struct cors *cors)
{
    return !cors->any;
}

// Whether it is a colon and digits, or nothing, which stands for the port that the scheme has.
static bool is_port(struct slice s)
{
    for (size_t i = 1; i < s.len; i++)
        if (!slice_is_digit(s.ptr[i]))
            return false;
    return s.len == 0 || (s.len > 1 && s.ptr[0] == ':');
}

// Origins are compared byte by byte: browsers serialise them in one way only.
static bool origin_matches(struct slice pattern, struct slice origin)
{
    if (!slice_ends_with_nocase(pattern, SLICE(":*")))
        return slice_equal(pattern, origin);
    struct slice without_port = slice_make(pattern.ptr, pattern.len - strlen(":*"));
    return slice_starts_with(origin, without_port) && is_port(slice_skip(origin, without_port.len));
}

static bool is_allowed(const struct cors *cors, struct slice origin)
{
    for (size_t i = 0; i < cors->origin_count; i++)
        if (origin_matches(cors->origins[i], origin))
            return true;
    return cors->any;
}

static void put_field_line(struct buf *b, struct slice name, struct slice value)
{
    if (value.len == 0)
        return;
    buf_put(b, name);
    buf_put(b, value);
    buf_put(b, SLICE("\r\n"));
}

static void put_preflight(struct buf *b, const struct cors *cors)
{
    put_field_line(b, SLICE("Access-Control-Allow-Methods: "), SLICE("GET, HEAD"));
    put_field_line(b, SLICE("Access-Control-Allow-Headers: "), cors->headers);
    if (cors->max_age) {
        buf_put(b, SLICE("Access-Control-Max-Age: "));
        buf_putu(b, cors->max_age);
        buf_put(b, SLICE("\r\n"));
    }
}

void cors_put(struct buf *b, const struct cors *cors, const struct request *r)
{
    struct slice origin;
    bool has_origin = request_single_field(r, FIELD_ORIGIN, &origin);
    // "*" is for everyone, so that caches can keep one answer for all.
    if (!cors->any && !(has_origin && is_allowed(cors, origin)))
        return;
    put_field_line(b, SLICE("Access-Control-Allow-Origin: "), cors->any ? SLICE("*") : origin);
    if (cors->credentials)
        put_field_line(b, SLICE("Access-Control-Allow-Credentials: "), SLICE("true"));
    if (cors_is_preflight(r))
        put_preflight(b, cors);
    else
        put_field_line(b, SLICE("Access-Control-Expose-Headers: "), cors->expose);
}
