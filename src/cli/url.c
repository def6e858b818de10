#include "cli/url.h"

#include "base/num.h"
#include "http/authority.h"

static bool take_prefix(struct slice *rest, struct slice prefix)
{
    if (rest->len < prefix.len || !slice_equal_nocase(slice_make(rest->ptr, prefix.len), prefix))
        return false;
    *rest = slice_skip(*rest, prefix.len);
    return true;
}

// What may not stand in a request line stands there escaped.
static void put_target(struct buf *b, struct slice text)
{
    if (text.len == 0 || text.ptr[0] != '/')
        buf_putc(b, '/');
    for (size_t i = 0; i < text.len && text.ptr[i] != '#'; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>')
            buf_printf(b, "%%%02X", c);
        else
            buf_putc(b, (char)c);
    }
}

const char *url_parse(const char *text, struct url *ret, struct buf *target)
{
    struct slice rest = slice_of(text), port;
    struct url url = {.port = 80};
    uint64_t number;
    url.is_secure = take_prefix(&rest, SLICE("https://"));
    if (url.is_secure)
        url.port = 443;
    else
        take_prefix(&rest, SLICE("http://"));
    if (strstr(text, "://") && rest.ptr == text)
        return "the schemes are http and https";
    url.authority = slice_make(rest.ptr, 0);
    while (url.authority.len < rest.len && !strchr("/?#", rest.ptr[url.authority.len]))
        url.authority.len++;
    if (!authority_parse(url.authority, &url.host, &port))
        return "no host, or none that can be; a URL is e.g. http://example.org/docs/";
    if (port.len && num_parse_dec(port, UINT16_MAX, &number))
        url.port = (uint16_t)number;
    put_target(target, slice_skip(rest, url.authority.len));
    if (target->overflow)
        return "it is too long";
    *ret = url;
    return NULL;
}
