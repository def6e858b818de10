// Digests as text, and the field by which they are asked for.
//
// Input: lines of a field, the first of which is also read as a digest.
#include "fuzz.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/digest.h"

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

// A digest that was read comes back from the ETag.
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

// A wish stays one with another member before and behind it, and one that is last overrules it.
static void check_longer(struct request *r, bool wanted)
{
    static const struct {
        const char *before, *behind;
        bool wanted;
    } cases[] = {{"b=1, ", ",c=10", true}, {"sha-256=0,", "", true}, {"", ",sha-256=0", false}};
    struct slice first = r->fields[0].value;
    size_t size = first.len + 32;
    char *text = malloc(size);
    assert(text);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, size);
        buf_puts(&b, cases[i].before);
        buf_put(&b, first);
        buf_puts(&b, cases[i].behind);
        r->fields[0].value = buf_slice(&b);
        assert(digest_is_wanted(r) == (wanted && cases[i].wanted));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct request r;
    char *copy = fuzz_copy(fuzz_slice(bytes, size));
    struct slice rest = slice_make(copy, size);
    r.field_count = 0;
    while (rest.ptr && r.field_count < 4)
        r.fields[r.field_count++] = (struct field){SLICE("x"), slice_trim(slice_split(&rest, '\n')),
                                                   FIELD_WANT_REPR_DIGEST};
    r.first[FIELD_WANT_REPR_DIGEST] = r.fields[0].value;
    check_text(r.fields[0].value);
    bool wanted = digest_is_wanted(&r);
    if (r.field_count == 1 && r.fields[0].value.len)
        check_longer(&r, wanted);
    free(copy);
    return 0;
}
