#include "http/target.h"

#include "http/authority.h"
#include "http/chars.h"

// Cuts path and query; an absolute target's empty path means "/" (RFC 9110 section 4.2.3).
static void split_query(struct slice s, struct request_target *ret)
{
    ret->path = slice_split(&s, '?');
    ret->query = s;
    if (ret->path.len == 0)
        ret->path = SLICE("/");
}

// RFC 9110 section 7.4: what belongs to https is not given away over a connection without TLS.
static enum reason parse_absolute(struct slice target, struct request_target *ret)
{
    struct slice rest = target, port;
    size_t end = 0;
    if (slice_cut_prefix_nocase(&rest, SLICE("https://")))
        return REASON_REQUEST_HTTPS;
    if (!slice_cut_prefix_nocase(&rest, SLICE("http://")))
        return REASON_REQUEST_SCHEME;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    ret->form = TARGET_ABSOLUTE;
    split_query(slice_skip(rest, end), ret);
    return authority_parse(slice_make(rest.ptr, end), &ret->host, &port) ? REASON_NONE
                                                                         : REASON_REQUEST_AUTHORITY;
}

// RFC 9110 section 9.3.6: an empty port is refused.
static enum reason parse_authority(struct slice target, struct request_target *ret)
{
    struct slice port;
    ret->form = TARGET_AUTHORITY;
    return authority_parse(target, &ret->host, &port) && port.len > 0 ? REASON_NONE
                                                                      : REASON_REQUEST_AUTHORITY;
}

enum reason target_parse(struct slice method, struct slice target, struct request_target *ret)
{
    *ret = (struct request_target){.path = {NULL, 0}};
    if (target.len == 0 || !chars_all(target, CHAR_TARGET))
        return REASON_REQUEST_TARGET;
    if (slice_equal(method, SLICE("CONNECT")))
        return parse_authority(target, ret);
    if (slice_equal(target, SLICE("*"))) {
        ret->form = TARGET_ASTERISK;
        return slice_equal(method, SLICE("OPTIONS")) ? REASON_NONE : REASON_REQUEST_TARGET_FORM;
    }
    if (target.ptr[0] != '/')
        return parse_absolute(target, ret);
    ret->form = TARGET_ORIGIN;
    split_query(target, ret);
    return REASON_NONE;
}
