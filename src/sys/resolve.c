#include "sys/resolve.h"

#include "base/slice.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

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

static int resolve_ip(const struct address *a, struct endpoint *out, size_t max)
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

static bool has_endpoint(const struct endpoint *all, size_t count, const struct endpoint *e)
{
    for (size_t i = 0; i < count; i++)
        if (endpoint_equal(&all[i], e))
            return true;
    return false;
}

static int resolve_name(const struct address *a, struct endpoint *out, size_t max)
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
        if (!has_endpoint(out, n, &e))
            out[n++] = e;
    }
    freeaddrinfo(list);
    return (int)n;
}

int resolve_address(const struct address *a, struct endpoint *out, size_t max)
{
    switch (a->kind) {
    case ADDRESS_WILDCARD:
        return resolve_wildcard(a->port, out, max);
    case ADDRESS_IP:
    case ADDRESS_UNIX:
        return resolve_ip(a, out, max);
    case ADDRESS_NAME:
        return resolve_name(a, out, max);
    case ADDRESS_SYSTEMD:
        return 0;
    }
    assert(!"an address has one of these kinds");
    return 0;
}
