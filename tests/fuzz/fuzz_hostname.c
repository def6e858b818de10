// Host names: a valid pattern matches itself and what it covers; what an authority's host is.
//
// Input: the pattern, then a NUL, then a host.
#include "fuzz.h"

#include "http/authority.h"
#include "http/hostname.h"

static void check_pattern(struct slice pattern)
{
    static char host[300];
    bool is_wildcard = pattern.ptr[0] == '*';
    assert(pattern.len && pattern.len < sizeof(host) - 2);
    // The wildcard is one byte, so an 'x' in its place is a host that the pattern covers.
    memcpy(host, pattern.ptr, pattern.len);
    if (is_wildcard)
        host[0] = 'x';
    host[pattern.len] = '.';
    enum hostname_match want = is_wildcard ? HOST_SUFFIX : HOST_EXACT;
    assert(hostname_compare(pattern, slice_make(host, pattern.len)) == want);
    assert(hostname_compare(pattern, slice_make(host, pattern.len + 1)) == want);
    if (is_wildcard)
        assert(hostname_compare(pattern, slice_make(host + 2, pattern.len - 2)) == HOST_NO_MATCH);
}

static void check_authority(struct slice text)
{
    struct slice host = {NULL, 0}, port = {NULL, 0};
    if (!authority_parse(text, &host, &port)) {
        assert(!host.ptr && !port.ptr);
        return;
    }
    assert(host.len && host.ptr == text.ptr);
    assert(host.len + (port.ptr ? 1 : 0) + port.len == text.len);
    assert(slice_find(host, '@') < 0 && slice_find(host, '/') < 0);
    assert((host.ptr[0] == '[') == authority_is_ipv6(host));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice host = slice_make(copy, size);
    struct slice pattern = slice_split(&host, '\0');
    bool is_valid = !hostname_check(pattern);
    if (is_valid)
        check_pattern(pattern);
    enum hostname_match match = hostname_compare(pattern, host);
    assert(match == HOST_NO_MATCH || !is_valid || host.len);
    check_authority(host);
    free(copy);
    return 0;
}
