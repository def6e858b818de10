#include "base/endpoint.h"

#include "base/ipaddr.h"
#include "base/slice.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

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
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        *to++ = c < 0x20 || c == 0x7f ? '?' : name.ptr[i];
    }
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
    endpoint_put_host(&b, &e->in6);
    buf_putc(&b, '\0');
    return text;
}

char *endpoint_format(const struct endpoint *e, char text[static ENDPOINT_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN], zone[16] = "";
    switch (e->sa.sa_family) {
    case AF_INET:
        snprintf(text, ENDPOINT_TEXT_MAX, "%s:%u", format_ip(e, host), endpoint_port(e));
        break;
    case AF_INET6:
        if (e->in6.sin6_scope_id)
            snprintf(zone, sizeof(zone), "%%%u", e->in6.sin6_scope_id);
        snprintf(text, ENDPOINT_TEXT_MAX, "[%s%s]:%u", format_ip(e, host), zone, endpoint_port(e));
        break;
    default:
        format_unix(e, text);
    }
    return text;
}

void endpoint_put_host(struct buf *b, const struct sockaddr_in6 *peer)
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

struct network endpoint_network(const struct sockaddr_in6 *peer)
{
    struct sockaddr_in in;
    if (peer->sin6_family == AF_INET6)
        return network_of_ipv6(peer->sin6_addr.s6_addr);
    if (peer->sin6_family != AF_INET)
        return (struct network){.kind = NETWORK_UNIX};
    memcpy(&in, peer, sizeof(in));
    return network_of_ipv4((const uint8_t *)&in.sin_addr);
}

struct sockaddr_in6 endpoint_peer(const struct network *client)
{
    struct sockaddr_in6 peer = {.sin6_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (client->kind != NETWORK_IP)
        return peer;
    peer.sin6_family = AF_INET6;
    memcpy(&peer.sin6_addr, client->address, sizeof(client->address));
    if (IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr)) {
        memcpy(&in.sin_addr, client->address + 12, sizeof(in.sin_addr));
        memset(&peer, 0, sizeof(peer));
        memcpy(&peer, &in, sizeof(in));
    }
    return peer;
}

// ---- comparing ---------------------------------------------------------------------------------

uint16_t endpoint_port(const struct endpoint *e)
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

static bool is_any_address(const struct endpoint *e)
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

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    struct endpoint x = unmapped(a), y = unmapped(b);
    return x.sa.sa_family == y.sa.sa_family && endpoint_port(&x) == endpoint_port(&y) &&
           same_host(&x, &y);
}

bool endpoint_accepts(const struct endpoint *listener, const struct endpoint *local)
{
    const struct endpoint v4 = unmapped(local);
    sa_family_t family = listener->sa.sa_family;
    return endpoint_equal(listener, local) ||
           (is_any_address(listener) && endpoint_port(listener) == endpoint_port(local) &&
            (family == local->sa.sa_family || family == v4.sa.sa_family));
}

bool endpoint_overlaps(const struct endpoint *a, const struct endpoint *b)
{
    struct endpoint x = unmapped(a), y = unmapped(b);
    if (x.sa.sa_family != y.sa.sa_family || endpoint_port(&x) != endpoint_port(&y))
        return false;
    if (x.sa.sa_family != AF_UNIX && endpoint_port(&x) == 0)
        return false;
    return is_any_address(&x) || is_any_address(&y) || same_host(&x, &y);
}
