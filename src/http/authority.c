#include "http/authority.h"

#include "base/num.h"
#include "http/chars.h"

#include <arpa/inet.h>

bool authority_is_ipv6(struct slice s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (s.len < 2 || s.ptr[0] != '[' || s.ptr[s.len - 1] != ']' || s.len - 2 >= sizeof(text))
        return false;
    s = slice_make(s.ptr + 1, s.len - 2);
    if (slice_find(s, '\0') >= 0)
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

// RFC 3986 section 3.2.2. IPv4 addresses are registered names by their syntax.
static bool is_reg_name(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (chars_has(s.ptr[i], CHAR_REG_NAME))
            continue;
        if (s.ptr[i] != '%' || s.len - i < 3 || chars_hex(s.ptr[i + 1]) < 0 ||
            chars_hex(s.ptr[i + 2]) < 0)
            return false;
        i += 2;
    }
    return s.len > 0;
}

// Length of the host at the start of `s`: up to the bracket that closes, or the first colon.
static size_t host_length(struct slice s)
{
    bool literal = s.ptr[0] == '[';
    ptrdiff_t end = slice_find(s, literal ? ']' : ':');
    return end < 0 ? s.len : (size_t)end + literal;
}

bool authority_parse(struct slice s, struct slice *ret_host, struct slice *ret_port)
{
    if (s.len == 0)
        return false;
    struct slice host = slice_make(s.ptr, host_length(s));
    struct slice port = slice_skip(s, host.len);
    uint64_t number;
    if (!is_reg_name(host) && !authority_is_ipv6(host))
        return false;
    if (port.len == 0) {
        port.ptr = NULL;
    } else {
        if (port.ptr[0] != ':')
            return false;
        port = slice_skip(port, 1);
        // The port may be empty behind its colon (RFC 3986 section 3.2.3).
        if (port.len && !num_parse_dec(port, 65535, &number))
            return false;
    }
    *ret_host = host;
    *ret_port = port;
    return true;
}
