// Digests as text, and the dictionary by which they are asked for.
//
// Input: lines of a field, the first of which is also read as a digest.
#include "fuzz.h"

#include "base/buf.h"
#include "http/digest.h"
#include "http/structured.h"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The field's value is the digest bit by bit, six in a byte, and padding.
static void check_field(const uint8_t *digest)
{
    char text[80];
    struct buf b = buf_make(text, sizeof(text));
    digest_field(&b, digest);
    struct slice s = buf_slice(&b), prefix = SLICE("sha-256=:");
    assert(slice_starts_with(s, prefix) && slice_ends_with_nocase(s, SLICE("=:")));
    s = slice_skip(s, prefix.len);
    assert(s.len == 45);
    for (size_t bit = 0; bit < 8 * DIGEST_LEN; bit++) {
        size_t value = (size_t)(strchr(base64, s.ptr[bit / 6]) - base64);
        assert((value >> (5 - bit % 6) & 1) == (digest[bit / 8] >> (7 - bit % 8) & 1u));
    }
}

// What is read comes back from the ETag.
static void check_text(struct slice text)
{
    uint8_t digest[DIGEST_LEN], again[DIGEST_LEN];
    char etag_text[80];
    struct buf etag = buf_make(etag_text, sizeof(etag_text));
    if (!digest_parse(text, digest))
        return;
    digest_etag(&etag, digest);
    struct slice hex = slice_make(etag.data + 1, 2 * DIGEST_LEN);
    assert(slice_equal_nocase(hex, slice_make(text.ptr, hex.len)));
    assert(digest_parse(hex, again) && memcmp(digest, again, sizeof(digest)) == 0);
    check_field(digest);
}

// A dictionary stays one, and says what it said, with another member before and behind it.
static void check_longer(struct request *r, bool found, int64_t value)
{
    int64_t longer = 0;
    char *text = malloc(r->fields[0].value.len + 16);
    assert(text && r->fields[0].value.len);
    struct buf b = buf_make(text, r->fields[0].value.len + 16);
    buf_puts(&b, "b=(1 x);y,");
    buf_put(&b, r->fields[0].value);
    buf_puts(&b, ",c");
    r->fields[0].value = buf_slice(&b);
    bool found_longer = structured_integer(r, FIELD_WANT_REPR_DIGEST, SLICE("a"), &longer);
    assert(!found || (found_longer && longer == value));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct request r;
    int64_t value = INT64_MIN;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice rest = slice_make(copy, size);
    r.field_count = 0;
    while (rest.ptr && r.field_count < 4)
        r.fields[r.field_count++] = (struct field){SLICE("x"), slice_trim(slice_split(&rest, '\n')),
                                                   FIELD_WANT_REPR_DIGEST};
    r.first[FIELD_WANT_REPR_DIGEST] = r.fields[0].value;
    check_text(r.fields[0].value);
    bool found = structured_integer(&r, FIELD_WANT_REPR_DIGEST, SLICE("a"), &value);
    assert(found == (value != INT64_MIN));
    assert(!found || (value > -1000000000000000 && value < 1000000000000000));
    digest_is_wanted(&r);
    if (r.fields[0].value.len)
        check_longer(&r, found, value);
    free(copy);
    return 0;
}
