#include "cli/url.h"

#include "base/num.h"
#include "http/authority.h"

static void put_target(struct buf *b, struct slice text, enum char_class bare)
{
    if (text.len == 0 || text.ptr[0] != '/')
        buf_putc(b, '/');
    for (size_t i = 0; i < text.len && text.ptr[i] != '#'; i++) {
        if (chars_has(text.ptr[i], bare))
            buf_putc(b, text.ptr[i]);
        else
            buf_printf(b, "%%%02X", (unsigned char)text.ptr[i]);
    }
}

const char *url_parse(const char *text, enum char_class bare, struct url *ret, struct buf *target)
{
    struct slice rest = slice_of(text), port;
    struct url url = {.port = 80};
    uint64_t number;
    url.is_secure = slice_cut_prefix_nocase(&rest, SLICE("https://"));
    if (url.is_secure)
        url.port = 443;
    else
        slice_cut_prefix_nocase(&rest, SLICE("http://"));
    if (strstr(text, "://") && rest.ptr == text)
        return "the schemes are http and https";
    url.authority = slice_make(rest.ptr, 0);
    while (url.authority.len < rest.len && !strchr("/?#", rest.ptr[url.authority.len]))
        url.authority.len++;
    if (!authority_parse(url.authority, &url.host, &port))
        return "no host, or none that can be; a URL is e.g. http://example.org/docs/";
    if (port.len && num_parse_dec(port, UINT16_MAX, &number))
        url.port = (uint16_t)number;
    put_target(target, slice_skip(rest, url.authority.len), bare);
    if (target->overflow)
        return "it is too long";
    *ret = url;
    return NULL;
}
