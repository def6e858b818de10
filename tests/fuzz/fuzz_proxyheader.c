// PROXY headers: the outcome is the same in whatever pieces one comes and whatever follows it, and
// a bad one is never called good later.
#include "fuzz.h"

#include "base/crc32c.h"
#include "http/proxyheader.h"

static enum proxyheader_state parse_copy(struct slice data, struct proxyheader *ret)
{
    const char *wrong = NULL;
    char *copy = fuzz_copy(data);
    enum proxyheader_state state = proxyheader_parse(slice_make(copy, data.len), ret, &wrong);
    assert((state == PROXYHEADER_BAD) == (wrong != NULL));
    free(copy);
    return state;
}

static bool is_inside(struct slice part, struct slice whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_complete(struct slice data)
{
    struct proxyheader h;
    const char *wrong;
    assert(proxyheader_parse(data, &h, &wrong) == PROXYHEADER_COMPLETE);
    assert(h.len > 0 && h.len <= data.len && h.len <= PROXYHEADER_MAX);
    struct slice whole = slice_make(data.ptr, h.len);
    assert(is_inside(h.alpn, whole) && is_inside(h.authority, whole));
    assert(is_inside(h.unique_id, whole) && is_inside(h.netns, whole));
    assert(is_inside(h.ssl.version, whole) && is_inside(h.ssl.cipher, whole));
    assert(is_inside(h.ssl.common_name, whole));
    assert(!h.ssl.is_verified || h.ssl.has_certificate);
    assert(!h.has_client || h.client.kind == NETWORK_UNIX ||
           (h.client.kind == NETWORK_IP && h.client.bits == 128));
}

// The states as bytes come, one after the other.
static void check_pieces(struct slice data)
{
    struct proxyheader h, last = {0};
    enum proxyheader_state before = PROXYHEADER_MORE;
    for (size_t len = 0; len <= data.len && len <= 300; len++) {
        enum proxyheader_state state = parse_copy(slice_make(data.ptr, len), &h);
        assert(before == PROXYHEADER_MORE || state == before);
        if (state == PROXYHEADER_COMPLETE) {
            assert(before == PROXYHEADER_MORE ? h.len == len : h.len == last.len);
            last = h;
        }
        before = state;
    }
}

// One whose checksum is made right is good, unless it is bad for another reason; so the fuzzer
// need not guess checksums.
static void check_checksum(struct slice data)
{
    struct proxyheader h;
    if (data.len < 16 + 7 || parse_copy(data, &h) == PROXYHEADER_NONE)
        return;
    char *copy = fuzz_copy(data);
    memcpy(copy + data.len - 7, "\3\0\4\0\0\0\0", 7);
    uint32_t crc = crc32c(0, slice_make(copy, data.len));
    for (size_t i = 0; i < 4; i++)
        copy[data.len - 1 - i] = (char)(crc >> 8 * i);
    struct slice whole = slice_make(copy, data.len);
    enum proxyheader_state state = parse_copy(whole, &h);
    if (state == PROXYHEADER_COMPLETE && h.len == data.len && h.is_checked) {
        copy[data.len - 1] ^= 1;
        assert(parse_copy(whole, &h) == PROXYHEADER_BAD);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = fuzz_slice(bytes, size);
    struct proxyheader h;
    char *copy = fuzz_copy(data);
    if (parse_copy(data, &h) == PROXYHEADER_COMPLETE)
        check_complete(slice_make(copy, size));
    check_pieces(data);
    check_checksum(data);
    free(copy);
    return 0;
}
