#include "base/address.h"

#include "base/num.h"
#include "base/slice.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static bool is_all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!slice_is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

static void copy_text(char *to, struct slice s)
{
    memcpy(to, s.ptr, s.len);
    to[s.len] = '\0';
}

static const char *parse_unix(struct slice s, struct address *a)
{
    struct sockaddr_un *un = &a->endpoint.un;

    if (s.len == 0 || (s.ptr[0] != '/' && s.ptr[0] != '@'))
        return "\"unix:\" needs an absolute path or an abstract name: write \"unix:/path\" or "
               "\"unix:@name\"";
    if (s.len == 1)
        return "the name of the UNIX socket is empty: write \"unix:/path\" or \"unix:@name\"";
    // An abstract name spends one byte on its leading NUL, a path one on its final NUL.
    if (s.len >= sizeof(un->sun_path) + (s.ptr[0] == '@'))
        return "the name of the UNIX socket is too long: at most 107 bytes";
    if (slice_has_control(s))
        return "the name of the UNIX socket has a control byte in it";

    a->kind = ADDRESS_UNIX;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, s.ptr, s.len);
    if (s.ptr[0] == '@')
        un->sun_path[0] = '\0';
    a->endpoint.len = (socklen_t)(PATH_OFFSET + s.len + (s.ptr[0] == '/'));
    return NULL;
}

static const char *parse_systemd(struct slice s, struct address *a)
{
    if (s.len == 0)
        return "\"systemd:\" needs a name: write the FileDescriptorName= of the socket unit";
    if (s.len >= sizeof(a->name))
        return "the name of the systemd socket is too long: at most 255 bytes";
    if (slice_has_control(s) || slice_find(s, ':') >= 0)
        return "the name of a systemd socket has no colon and no control byte in it";
    a->kind = ADDRESS_SYSTEMD;
    copy_text(a->name, s);
    return NULL;
}

static const char *parse_port(struct slice s, struct address *a)
{
    uint64_t port;
    if (s.len == 0)
        return "no port after the colon: write e.g. \"*:80\"";
    if (!is_all_digits(s))
        return "the port is not a number: write e.g. \"*:80\"";
    if (!num_parse_dec(s, UINT16_MAX, &port))
        return "no such port: write 1 to 65535, or 0 to let the kernel choose";
    a->port = (uint16_t)port;
    return NULL;
}

// RFC 4007 section 11.2: a number is the index of the interface. A name is looked up when the
// address is resolved, because that asks the kernel.
static const char *parse_zone(struct slice s, struct address *a)
{
    uint64_t index;
    if (s.len == 0)
        return "no interface after \"%\": write e.g. \"[fe80::1%eth0]:80\"";
    if (is_all_digits(s)) {
        if (!num_parse_dec(s, INT32_MAX, &index) || index == 0)
            return "no such interface index: write e.g. \"[fe80::1%eth0]:80\"";
        a->endpoint.in6.sin6_scope_id = (uint32_t)index;
        return NULL;
    }
    if (s.len >= IF_NAMESIZE || slice_has_control(s) || slice_find(s, '/') >= 0 ||
        slice_find(s, ' ') >= 0)
        return "not the name of an interface after \"%\": write e.g. \"[fe80::1%eth0]:80\"";
    copy_text(a->name, s);
    return NULL;
}

// `s` is what stands between the brackets.
static const char *parse_ip6(struct slice s, struct address *a)
{
    struct sockaddr_in6 *in6 = &a->endpoint.in6;
    struct slice zone = s, host = slice_split(&zone, '%');
    char text[INET6_ADDRSTRLEN];

    if (host.len >= sizeof(text) || slice_has_control(host))
        return "not an IPv6 address between the brackets";
    copy_text(text, host);
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
        return "not an IPv6 address between the brackets";
    if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return "an IPv4 address in IPv6 form cannot be listened on: write it as IPv4, "
               "e.g. \"192.0.2.1:80\"";
    if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && !zone.ptr)
        return "a link-local address needs its interface: write e.g. \"[fe80::1%eth0]:80\"";
    if (!IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr) && zone.ptr)
        return "only a link-local address (fe80::/10) has an interface: leave out \"%\" and what "
               "follows";
    a->kind = ADDRESS_IP;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    a->endpoint.len = sizeof(*in6);
    return zone.ptr ? parse_zone(zone, a) : NULL;
}

static const char *parse_bracketed(struct slice s, struct address *a)
{
    ptrdiff_t close = slice_find(s, ']');
    if (close < 0)
        return "the closing bracket is missing: write e.g. \"[::1]:80\"";
    struct slice inside = slice_make(s.ptr + 1, (size_t)close - 1);
    struct slice port = slice_skip(s, (size_t)close + 1);
    if (port.len == 0)
        return "no port: write e.g. \"[::1]:80\"";
    if (port.ptr[0] != ':')
        return "after the closing bracket comes a colon and the port: write e.g. \"[::1]:80\"";
    const char *problem = parse_port(slice_skip(port, 1), a);
    return problem ? problem : parse_ip6(inside, a);
}

// RFC 1123 section 2.1, and the underscore that names in private networks have.
static bool is_host_name(struct slice s)
{
    if (s.len && s.ptr[s.len - 1] == '.')
        s.len--;
    if (s.len == 0 || s.len > 253)
        return false;
    while (s.ptr) {
        struct slice label = slice_split(&s, '.');
        if (label.len == 0 || label.len > 63)
            return false;
        for (size_t i = 0; i < label.len; i++) {
            char c = label.ptr[i];
            bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            if (!is_letter && !slice_is_digit(c) && c != '-' && c != '_')
                return false;
        }
    }
    return true;
}

// No host name has a last label of digits, so such a text was meant to be an IPv4 address.
static bool looks_like_ip4(struct slice s)
{
    struct slice label = s;
    while (s.ptr)
        label = slice_split(&s, '.');
    return is_all_digits(label);
}

static const char *parse_host(struct slice s, struct address *a)
{
    struct sockaddr_in *in = &a->endpoint.in;
    if (s.len == 0 || slice_equal(s, SLICE("*"))) {
        a->kind = ADDRESS_WILDCARD;
        return NULL;
    }
    if (!is_host_name(s))
        return "not a host: write e.g. \"*:80\", \"192.0.2.1:80\", \"[2001:db8::1]:80\" or "
               "\"localhost:80\"";
    copy_text(a->name, s);
    if (!looks_like_ip4(s)) {
        a->kind = ADDRESS_NAME;
        return NULL;
    }
    if (inet_pton(AF_INET, a->name, &in->sin_addr) != 1)
        return "not an IPv4 address: write four numbers up to 255, e.g. \"192.0.2.1:80\"";
    a->kind = ADDRESS_IP;
    a->name[0] = '\0';
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    a->endpoint.len = sizeof(*in);
    return NULL;
}

static const char *parse_tcp(struct slice s, struct address *a)
{
    ptrdiff_t colon = slice_find(s, ':');
    if (is_all_digits(s))
        return "a port alone is no address: write e.g. \"*:80\"";
    if (colon < 0)
        return "no port: add one, e.g. \"192.0.2.1:80\" or \"localhost:80\"";
    struct slice port = slice_skip(s, (size_t)colon + 1);
    if (slice_starts_with(port, SLICE("//")))
        return "a URL is no address: write only host and port, e.g. \"localhost:80\"";
    if (slice_find(port, ':') >= 0)
        return "an IPv6 address stands in brackets: write e.g. \"[::1]:80\"";
    const char *problem = parse_port(port, a);
    return problem ? problem : parse_host(slice_make(s.ptr, (size_t)colon), a);
}

static const char *refuse_bare_path(struct slice s, struct address *a)
{
    (void)s;
    (void)a;
    return "a UNIX socket is written \"unix:/path\" or \"unix:@name\"";
}

static const struct form {
    const char *prefix;
    bool keep_prefix;
    const char *(*parse)(struct slice s, struct address *a);
} forms[] = {
    {"unix:", false, parse_unix},  {"systemd:", false, parse_systemd},
    {"[", true, parse_bracketed},  {"/", true, refuse_bare_path},
    {"@", true, refuse_bare_path}, {"", true, parse_tcp}, // last: it begins everything
};

static const char *parse_any(struct slice s, struct address *a)
{
    const struct form *form = forms;
    while (!slice_starts_with(s, slice_of(form->prefix)))
        form++;
    return form->parse(form->keep_prefix ? s : slice_skip(s, strlen(form->prefix)), a);
}

const char *address_parse(struct slice text, struct address *ret)
{
    struct address a;
    if (text.len == 0)
        return "the address is empty: write e.g. \"*:80\"";
    memset(&a, 0, sizeof(a));
    const char *problem = parse_any(text, &a);
    if (!problem)
        *ret = a;
    // cppcheck-suppress returnDanglingLifetime; what a parser says is static text
    return problem;
}

const char *address_check(struct slice text)
{
    struct address address;
    return address_parse(text, &address);
}
