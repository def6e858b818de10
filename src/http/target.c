#include "http/target.h"

#include "http/authority.h"
#include "http/chars.h"

// Cuts path and query; an absolute target's empty path means "/" (RFC 9110 section 4.2.3).
static void split_query(struct request *r, struct slice s)
{
    r->path = slice_split(&s, '?');
    r->query = s;
    if (r->path.len == 0)
        r->path = SLICE("/");
}

// Cuts a scheme, compared without case, off the start of *s.
static bool skip_scheme(struct slice *s, struct slice scheme)
{
    if (s->len < scheme.len || !slice_equal_nocase(slice_make(s->ptr, scheme.len), scheme))
        return false;
    *s = slice_skip(*s, scheme.len);
    return true;
}

// RFC 9110 section 7.4: what belongs to https is not given away over a connection without TLS.
static int parse_absolute(struct request *r)
{
    struct slice rest = r->target, port;
    size_t end = 0;
    if (skip_scheme(&rest, SLICE("https://")))
        return 421;
    if (!skip_scheme(&rest, SLICE("http://")))
        return 400;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    r->form = TARGET_ABSOLUTE;
    split_query(r, slice_skip(rest, end));
    return authority_parse(slice_make(rest.ptr, end), &r->host, &port) ? 0 : 400;
}

// RFC 9110 section 9.3.6: an empty port is refused.
static int parse_authority(struct request *r)
{
    struct slice port;
    r->form = TARGET_AUTHORITY;
    return authority_parse(r->target, &r->host, &port) && port.len > 0 ? 0 : 400;
}

int target_parse(struct request *r)
{
    if (r->target.len == 0 || !chars_all(r->target, CHAR_URI))
        return 400;
    if (r->method == METHOD_CONNECT)
        return parse_authority(r);
    if (slice_equal(r->target, SLICE("*"))) {
        r->form = TARGET_ASTERISK;
        return r->method == METHOD_OPTIONS ? 0 : 400;
    }
    if (r->target.ptr[0] != '/')
        return parse_absolute(r);
    r->form = TARGET_ORIGIN;
    split_query(r, r->target);
    return 0;
}
