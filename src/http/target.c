#include "http/target.h"

#include "base/util.h"
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

// http and https (RFC 9110 section 4.2): other schemes name resources that are not here.
static bool skip_scheme(struct slice *s)
{
    static const struct slice schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        size_t len = schemes[i].len;
        if (s->len >= len && slice_equal_nocase(slice_make(s->ptr, len), schemes[i])) {
            *s = slice_skip(*s, len);
            return true;
        }
    }
    return false;
}

static bool parse_absolute(struct request *r)
{
    struct slice rest = r->target, port;
    size_t end = 0;
    if (!skip_scheme(&rest))
        return false;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    r->form = TARGET_ABSOLUTE;
    split_query(r, slice_skip(rest, end));
    return authority_parse(slice_make(rest.ptr, end), &r->host, &port);
}

// RFC 9110 section 9.3.6: an empty port is refused.
static bool parse_authority(struct request *r)
{
    struct slice port;
    r->form = TARGET_AUTHORITY;
    return authority_parse(r->target, &r->host, &port) && port.len > 0;
}

bool target_parse(struct request *r)
{
    if (r->target.len == 0 || !chars_all(r->target, CHAR_URI))
        return false;
    if (r->method == METHOD_CONNECT)
        return parse_authority(r);
    if (slice_equal(r->target, SLICE("*"))) {
        r->form = TARGET_ASTERISK;
        return r->method == METHOD_OPTIONS;
    }
    if (r->target.ptr[0] != '/')
        return parse_absolute(r);
    r->form = TARGET_ORIGIN;
    split_query(r, r->target);
    return true;
}
