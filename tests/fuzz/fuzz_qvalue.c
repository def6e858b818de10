// Lists with weights, and what Accept-Encoding and Accept make of them.
//
// Input: the codings that are offered, in a byte, then the value of both fields.
#include "fuzz.h"

#include "base/util.h"
#include "http/accept.h"
#include "http/encoding.h"
#include "http/qvalue.h"

static void check_list(struct slice list)
{
    const char *end = list.ptr + list.len;
    struct qvalue_member member;
    while (qvalue_next(&list, &member)) {
        assert(member.value.len);
        if (slice_find(member.value, '"') < 0)
            assert(slice_find(member.value, ',') < 0 && slice_find(member.value, ';') < 0);
        assert(member.value.ptr + member.value.len <= end);
        assert(member.weight <= QVALUE_MAX);
    }
}

// A value that is a coding has its name, or the old one of gzip.
static void check_name(struct slice value)
{
    enum coding coding;
    bool is_coding = encoding_parse(value, &coding);
    assert(is_coding == !encoding_check(value));
    if (!is_coding)
        return;
    assert(slice_equal_nocase(value, encoding_name(coding)) ||
           slice_equal_nocase(value, SLICE("x-gzip")));
    assert(encoding_suffix(coding).ptr[0] == '.');
}

// Those that are ranked are offered, and none stands there twice.
static void check_encoding(const struct request *r, uint8_t choice)
{
    enum coding offered[CODING_COUNT], ranked[CODING_COUNT];
    size_t count = 0;
    unsigned left = 0;
    for (enum coding i = CODING_IDENTITY + 1; i < CODING_COUNT; i++) {
        if (choice >> i & 1) {
            offered[count++] = i;
            left |= 1u << i;
        }
    }
    count = encoding_rank(r, offered, count, ranked);
    for (size_t i = 0; i < count; i++) {
        assert(left >> ranked[i] & 1);
        left &= ~(1u << ranked[i]);
    }
    // Alone, each of the others is not wanted either.
    for (enum coding i = CODING_IDENTITY + 1; i < CODING_COUNT; i++)
        assert(!(left >> i & 1) || encoding_rank(r, &i, 1, ranked) == 0);
}

static void check_accept(const struct request *r, struct slice type)
{
    unsigned quality = accept_quality(r, type);
    assert(quality <= QVALUE_MAX);
    assert(quality || !accept_names(r, type));
}

// A person who follows a link gets a page by the mode that the browser tells, else by what it
// takes.
static void check_navigation(struct request *r, struct slice value)
{
    bool takes_pages = accept_quality(r, SLICE("text/html")) > 0;
    r->first[FIELD_SEC_FETCH_MODE] = slice_make(NULL, 0);
    assert(accept_is_navigation(r, SLICE("a.b/c")) == takes_pages);
    assert(accept_is_navigation(r, SLICE("a/b.js")) == accept_names(r, SLICE("text/html")));
    r->first[FIELD_SEC_FETCH_MODE] = value;
    assert(accept_is_navigation(r, SLICE("a")) == slice_equal(value, SLICE("navigate")));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct request r;
    struct slice data = fuzz_slice(bytes, size);
    uint8_t choice = fuzz_byte(&data);
    char *copy = fuzz_copy(data);
    struct slice value = slice_make(copy, data.len);
    check_list(value);
    check_name(value);
    r.field_count = 2;
    r.fields[0] = (struct field){SLICE("Accept-Encoding"), value, FIELD_ACCEPT_ENCODING};
    r.fields[1] = (struct field){SLICE("Accept"), value, FIELD_ACCEPT};
    r.first[FIELD_ACCEPT_ENCODING] = r.first[FIELD_ACCEPT] = value;
    check_encoding(&r, choice);
    check_accept(&r, SLICE("text/html"));
    check_accept(&r, SLICE("application/json"));
    check_navigation(&r, value);
    free(copy);
    return 0;
}
