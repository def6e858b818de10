// address_parse() on any text. An IP address or a UNIX socket that it takes has a text form that it
// takes again, as the same.
#include "fuzz.h"

#include "base/address.h"

static void check_again(const struct address *a)
{
    char text[ENDPOINT_TEXT_MAX], host[INET6_ADDRSTRLEN];
    struct buf h = buf_make(host, sizeof(host));
    struct address b;
    endpoint_put_host(&h, &a->endpoint.in6);
    assert(h.len && !h.overflow);
    const char *problem = address_parse(slice_of(endpoint_format(&a->endpoint, text)), &b);
    assert(!problem);
    assert(b.kind == a->kind && b.endpoint.len == a->endpoint.len);
    assert(endpoint_equal(&a->endpoint, &b.endpoint));
    assert(endpoint_port(&a->endpoint) == a->port);
    assert(endpoint_overlaps(&a->endpoint, &b.endpoint) ==
           (a->kind == ADDRESS_UNIX || a->port != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct address a, untouched;
    char *text = fuzz_copy(fuzz_slice(data, size));
    memset(&a, 0x55, sizeof(a));
    untouched = a;

    const char *problem = address_parse(slice_make(text, size), &a);
    if (problem)
        assert(problem[0] && memcmp(&a, &untouched, sizeof(a)) == 0);
    else if (a.kind == ADDRESS_UNIX ||
             (a.kind == ADDRESS_IP && !a.name[0])) // a named zone is not looked up
        check_again(&a);
    free(text);
    return 0;
}
