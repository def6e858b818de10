#include "sys/addr.h"

#include "base/ipaddr.h"
#include "base/num.h"
#include "base/slice.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]))
            return false;
    return s.len > 0;
}

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (is_control(s.ptr[i]))
            return true;
    return false;
}

static void copy_text(char *to, struct slice s)
{
    memcpy(to, s.ptr, s.len);
    to[s.len] = '\0';
}

// ---- parsing -----------------------------------------------------------------------------------

static const char *parse_unix(struct slice s, struct addr *a)
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
    if (has_control(s))
        return "the name of the UNIX socket has a control byte in it";

    a->kind = ADDR_UNIX;
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, s.ptr, s.len);
    if (s.ptr[0] == '@')
        un->sun_path[0] = '\0';
    a->endpoint.len = (socklen_t)(PATH_OFFSET + s.len + (s.ptr[0] == '/'));
    return NULL;
}

static const char *parse_systemd(struct slice s, struct addr *a)
{
    if (s.len == 0)
        return "\"systemd:\" needs a name: write what FileDescriptorName= of the socket unit says";
    if (s.len >= sizeof(a->name))
        return "the name of the systemd socket is too long: at most 255 bytes";
    if (has_control(s) || slice_find(s, ':') >= 0)
        return "the name of a systemd socket has no colon and no control byte in it";
    a->kind = ADDR_SYSTEMD;
    copy_text(a->name, s);
    return NULL;
}

static const char *parse_port(struct slice s, struct addr *a)
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
static const char *parse_zone(struct slice s, struct addr *a)
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
    if (s.len >= IF_NAMESIZE || has_control(s) || slice_find(s, '/') >= 0 ||
        slice_find(s, ' ') >= 0)
        return "not the name of an interface after \"%\": write e.g. \"[fe80::1%eth0]:80\"";
    copy_text(a->name, s);
    return NULL;
}

// `s` is what stands between the brackets.
static const char *parse_ip6(struct slice s, struct addr *a)
{
    struct sockaddr_in6 *in6 = &a->endpoint.in6;
    struct slice zone = s, host = slice_split(&zone, '%');
    char text[INET6_ADDRSTRLEN];

    if (host.len >= sizeof(text))
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
    a->kind = ADDR_IP;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(a->port);
    a->endpoint.len = sizeof(*in6);
    return zone.ptr ? parse_zone(zone, a) : NULL;
}

static const char *parse_bracketed(struct slice s, struct addr *a)
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
            if (!is_letter && !is_digit(c) && c != '-' && c != '_')
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

static const char *parse_host(struct slice s, struct addr *a)
{
    struct sockaddr_in *in = &a->endpoint.in;
    if (s.len == 0 || slice_equal(s, SLICE("*"))) {
        a->kind = ADDR_WILDCARD;
        return NULL;
    }
    if (!is_host_name(s))
        return "not a host: write e.g. \"*:80\", \"192.0.2.1:80\", \"[2001:db8::1]:80\" or "
               "\"localhost:80\"";
    copy_text(a->name, s);
    if (!looks_like_ip4(s)) {
        a->kind = ADDR_NAME;
        return NULL;
    }
    if (inet_pton(AF_INET, a->name, &in->sin_addr) != 1)
        return "not an IPv4 address: write four numbers up to 255, e.g. \"192.0.2.1:80\"";
    a->kind = ADDR_IP;
    a->name[0] = '\0';
    in->sin_family = AF_INET;
    in->sin_port = htons(a->port);
    a->endpoint.len = sizeof(*in);
    return NULL;
}

static const char *parse_tcp(struct slice s, struct addr *a)
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

static const char *refuse_bare_path(struct slice s, struct addr *a)
{
    (void)s;
    (void)a;
    return "a UNIX socket is written \"unix:/path\" or \"unix:@name\"";
}

static const struct form {
    const char *prefix;
    bool keep_prefix;
    const char *(*parse)(struct slice s, struct addr *a);
} forms[] = {
    {"unix:", false, parse_unix},  {"systemd:", false, parse_systemd},
    {"[", true, parse_bracketed},  {"/", true, refuse_bare_path},
    {"@", true, refuse_bare_path}, {"", true, parse_tcp}, // last: it begins everything
};

static const char *parse_any(struct slice s, struct addr *a)
{
    const struct form *form = forms;
    while (!slice_starts_with(s, slice_of(form->prefix)))
        form++;
    return form->parse(form->keep_prefix ? s : slice_skip(s, strlen(form->prefix)), a);
}

const char *addr_parse(const char *text, struct addr *ret)
{
    struct addr a;
    if (text[0] == '\0')
        return "the address is empty: write e.g. \"*:80\"";
    memset(&a, 0, sizeof(a));
    const char *problem = parse_any(slice_of(text), &a);
    if (!problem)
        *ret = a;
    // cppcheck-suppress returnDanglingLifetime; what a parser says is static text
    return problem;
}

// ---- resolving ---------------------------------------------------------------------------------

// One address of each family, IPv4 first.
static int resolve_both(struct in_addr ip4, struct in6_addr ip6, uint16_t port,
                        struct endpoint *out, size_t max)
{
    const struct endpoint all[] = {
        {.len = sizeof(struct sockaddr_in),
         .in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = ip4}},
        {.len = sizeof(struct sockaddr_in6),
         .in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = ip6}},
    };
    size_t n = MIN(max, ARRAY_SIZE(all));
    memcpy(out, all, n * sizeof(*out));
    return (int)n;
}

static int resolve_wildcard(uint16_t port, struct endpoint *out, size_t max)
{
    return resolve_both((struct in_addr){htonl(INADDR_ANY)}, in6addr_any, port, out, max);
}

// Also where no file says so (RFC 6761 section 6.3).
static int resolve_localhost(uint16_t port, struct endpoint *out, size_t max)
{
    return resolve_both((struct in_addr){htonl(INADDR_LOOPBACK)}, in6addr_loopback, port, out, max);
}

static int resolve_ip(const struct addr *a, struct endpoint *out, size_t max)
{
    struct endpoint e = a->endpoint;
    if (max == 0)
        return 0;
    if (a->name[0]) {
        e.in6.sin6_scope_id = if_nametoindex(a->name);
        if (e.in6.sin6_scope_id == 0)
            return -errno;
    }
    *out = e;
    return 1;
}

static int errno_of_resolver(int error)
{
    switch (error) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return -ENOENT;
    case EAI_AGAIN:
        return -EAGAIN;
    case EAI_MEMORY:
        return -ENOMEM;
    case EAI_SYSTEM:
        return errno ? -errno : -EIO;
    default:
        return -EIO;
    }
}

static bool contains(const struct endpoint *all, size_t count, const struct endpoint *e)
{
    for (size_t i = 0; i < count; i++)
        if (addr_equal(&all[i], e))
            return true;
    return false;
}

static int resolve_name(const struct addr *a, struct endpoint *out, size_t max)
{
    if (slice_equal_nocase(slice_of(a->name), SLICE("localhost")))
        return resolve_localhost(a->port, out, max);
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    size_t n = 0;

    snprintf(port, sizeof(port), "%u", a->port);
    int error = getaddrinfo(a->name, port, &hints, &list);
    if (error)
        return errno_of_resolver(error);
    // /etc/hosts often says the same twice.
    for (const struct addrinfo *ai = list; ai && n < max; ai = ai->ai_next) {
        struct endpoint e;
        memset(&e, 0, sizeof(e));
        assert(ai->ai_addrlen <= sizeof(e) - offsetof(struct endpoint, sa));
        memcpy(&e.sa, ai->ai_addr, ai->ai_addrlen);
        e.len = ai->ai_addrlen;
        if (!contains(out, n, &e))
            out[n++] = e;
    }
    freeaddrinfo(list);
    return (int)n;
}

int addr_resolve(const struct addr *a, struct endpoint *out, size_t max)
{
    switch (a->kind) {
    case ADDR_WILDCARD:
        return resolve_wildcard(a->port, out, max);
    case ADDR_IP:
    case ADDR_UNIX:
        return resolve_ip(a, out, max);
    case ADDR_NAME:
        return resolve_name(a, out, max);
    case ADDR_SYSTEMD:
        return 0;
    }
    assert(!"an address has one of these kinds");
    return 0;
}

// ---- formatting --------------------------------------------------------------------------------

// The bytes of sun_path that count: without the final NUL of a path, with the leading one of an
// abstract name.
static struct slice unix_name(const struct endpoint *e)
{
    if (e->len <= PATH_OFFSET)
        return (struct slice){NULL, 0};
    size_t room = MIN(e->len - PATH_OFFSET, sizeof(e->un.sun_path));
    const char *path = e->un.sun_path;
    return slice_make(path, path[0] ? strnlen(path, room) : room);
}

static void format_unix(const struct endpoint *e, char *text)
{
    struct slice name = unix_name(e);
    char *to = stpcpy(text, "unix:");
    for (size_t i = 0; i < name.len; i++)
        *to++ = is_control(name.ptr[i]) ? '?' : name.ptr[i];
    *to = '\0';
    if (name.len && name.ptr[0] == '\0')
        text[strlen("unix:")] = '@';
}

static bool is_mapped(const struct endpoint *e)
{
    return e->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&e->in6.sin6_addr);
}

// The address without port and zone, of either family.
static char *format_ip(const struct endpoint *e, char text[static INET6_ADDRSTRLEN])
{
    struct buf b = buf_make(text, INET6_ADDRSTRLEN);
    if (is_mapped(e))
        buf_put(&b, SLICE("::ffff:"));
    addr_put_host(&b, &e->in6);
    buf_putc(&b, '\0');
    return text;
}

char *addr_format(const struct endpoint *e, char text[static ADDR_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN], zone[16] = "";
    switch (e->sa.sa_family) {
    case AF_INET:
        snprintf(text, ADDR_TEXT_MAX, "%s:%u", format_ip(e, host), addr_port(e));
        break;
    case AF_INET6:
        if (e->in6.sin6_scope_id)
            snprintf(zone, sizeof(zone), "%%%u", e->in6.sin6_scope_id);
        snprintf(text, ADDR_TEXT_MAX, "[%s%s]:%u", format_ip(e, host), zone, addr_port(e));
        break;
    default:
        format_unix(e, text);
    }
    return text;
}

void addr_put_host(struct buf *b, const struct sockaddr_in6 *peer)
{
    const uint8_t *address = peer->sin6_addr.s6_addr;
    struct sockaddr_in in;
    switch (peer->sin6_family) {
    case AF_INET:
        memcpy(&in, peer, sizeof(in));
        ipaddr_put_v4(b, (const uint8_t *)&in.sin_addr);
        break;
    case AF_INET6:
        if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
            ipaddr_put_v4(b, address + 12);
        else
            ipaddr_put_v6(b, address);
        break;
    default:
        buf_put(b, SLICE("unix"));
    }
}

// ---- comparing ---------------------------------------------------------------------------------

uint16_t addr_port(const struct endpoint *e)
{
    switch (e->sa.sa_family) {
    case AF_INET:
        return ntohs(e->in.sin_port);
    case AF_INET6:
        return ntohs(e->in6.sin6_port);
    default:
        return 0;
    }
}

// ::ffff:a.b.c.d as a.b.c.d.
static struct endpoint unmapped(const struct endpoint *e)
{
    if (!is_mapped(e))
        return *e;
    struct endpoint v4 = {.len = sizeof(struct sockaddr_in),
                          .in = {.sin_family = AF_INET, .sin_port = e->in6.sin6_port}};
    memcpy(&v4.in.sin_addr, &e->in6.sin6_addr.s6_addr[12], sizeof(v4.in.sin_addr));
    return v4;
}

// Both of one family and not mapped.
static bool same_host(const struct endpoint *a, const struct endpoint *b)
{
    switch (a->sa.sa_family) {
    case AF_INET:
        return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
    case AF_INET6:
        return IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr) &&
               a->in6.sin6_scope_id == b->in6.sin6_scope_id;
    default:
        return slice_equal(unix_name(a), unix_name(b));
    }
}

static bool is_wildcard(const struct endpoint *e)
{
    switch (e->sa.sa_family) {
    case AF_INET:
        return e->in.sin_addr.s_addr == htonl(INADDR_ANY);
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&e->in6.sin6_addr);
    default:
        return false;
    }
}

bool addr_equal(const struct endpoint *a, const struct endpoint *b)
{
    struct endpoint x = unmapped(a), y = unmapped(b);
    return x.sa.sa_family == y.sa.sa_family && addr_port(&x) == addr_port(&y) && same_host(&x, &y);
}

bool addr_accepts(const struct endpoint *listener, const struct endpoint *local)
{
    const struct endpoint v4 = unmapped(local);
    sa_family_t family = listener->sa.sa_family;
    return addr_equal(listener, local) ||
           (is_wildcard(listener) && addr_port(listener) == addr_port(local) &&
            (family == local->sa.sa_family || family == v4.sa.sa_family));
}

bool addr_overlaps(const struct endpoint *a, const struct endpoint *b)
{
    struct endpoint x = unmapped(a), y = unmapped(b);
    if (x.sa.sa_family != y.sa.sa_family || addr_port(&x) != addr_port(&y))
        return false;
    if (x.sa.sa_family != AF_UNIX && addr_port(&x) == 0)
        return false;
    return is_wildcard(&x) || is_wildcard(&y) || same_host(&x, &y);
}
