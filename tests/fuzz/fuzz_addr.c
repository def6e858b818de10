// addr_parse() on any text. What it takes as an IP address or a UNIX socket has a text form that it
// takes again, as the same.
#include "sys/addr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct addr *a)
{
    char text[ADDR_TEXT_MAX], host[INET6_ADDRSTRLEN];
    struct buf h = buf_make(host, sizeof(host));
    struct addr b;
    addr_put_host(&h, &a->endpoint.in6);
    assert(h.len && !h.overflow);
    const char *problem = addr_parse(addr_format(&a->endpoint, text), &b);
    assert(!problem);
    assert(b.kind == a->kind && b.endpoint.len == a->endpoint.len);
    assert(addr_equal(&a->endpoint, &b.endpoint));
    assert(addr_port(&a->endpoint) == a->port);
    assert(addr_overlaps(&a->endpoint, &b.endpoint) == (a->kind == ADDR_UNIX || a->port != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct addr a, untouched;
    char *text = malloc(size + 1); // of exact size, so that a read beyond the end is seen
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    memset(&a, 0x55, sizeof(a));
    untouched = a;

    const char *problem = addr_parse(text, &a);
    if (problem)
        assert(problem[0] && memcmp(&a, &untouched, sizeof(a)) == 0);
    else if (a.kind == ADDR_UNIX ||
             (a.kind == ADDR_IP && !a.name[0])) // a named zone is not looked up
        check_again(&a);
    free(text);
    return 0;
}
