// The decision: whatever the fields say, only bytes of the file are sent.
//
// Input: facts about method and file in two bytes, then field lines.
#include "fuzz.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/decision.h"

#define NOW INT64_C(1767225600)

static const struct slice etags[] = {{NULL, 0}, {"\"a\"", 3}, {"W/\"a\"", 5}, {"\"a,b\"", 5}};
static const uint64_t sizes[] = {0, 1, 10, 1000, UINT64_C(1) << 40, UINT64_MAX};
static const int64_t mtimes[] = {-1, 0, 784111777, INT64_C(253402300799)};

static const uint32_t limits_of_ranges[] = {DECISION_MAX_RANGES, 0, 1, 2};

// They lie in the file, no byte is in two of them, and several are smaller than the file.
static void check_ranges(const struct decision *d, const struct representation *rep)
{
    uint64_t rest = rep->size;
    for (size_t i = 0; i < d->range_count; i++) {
        const struct range *a = &d->ranges[i];
        assert(a->length <= rest && a->offset <= rep->size - a->length);
        rest -= a->length;
        for (size_t j = 0; j < i; j++) {
            const struct range *b = &d->ranges[j];
            assert(a->offset + a->length < b->offset || b->offset + b->length < a->offset);
        }
    }
    assert(d->range_count <= 1 || rest > d->range_count * RANGE_PART_COST);
}

static void check(const struct request *r, const struct representation *rep)
{
    struct decision d;
    decision_make(r, rep, NOW, &d);
    check_ranges(&d, rep);
    assert(d.range_count <= MAX(rep->max_ranges, 1));
    assert((d.status == 206 || d.status == 416) == (d.range == DECISION_RANGE_SERVED));
    assert(d.by == FIELD_OTHER ? d.status == 200 : r->first[d.by].ptr != NULL);
    assert(d.status != 200 || d.by == FIELD_OTHER || d.by == FIELD_IF_MODIFIED_SINCE);
    switch (d.status) {
    case 200:
        assert(d.range_count == 1 && d.ranges[0].offset == 0 && d.ranges[0].length == rep->size);
        break;
    case 206:
        assert(d.range_count && d.ranges[0].length && r->method == METHOD_GET &&
               r->first[FIELD_RANGE].ptr);
        break;
    case 304:
        assert(r->first[FIELD_IF_NONE_MATCH].ptr || r->first[FIELD_IF_MODIFIED_SINCE].ptr);
        assert(d.range_count == 0 && d.ranges[0].length == 0);
        break;
    case 412:
        assert(r->first[FIELD_IF_MATCH].ptr || r->first[FIELD_IF_UNMODIFIED_SINCE].ptr);
        assert(d.range_count == 0 && d.ranges[0].length == 0);
        break;
    default:
        assert(d.status == 416 && r->method == METHOD_GET && r->first[FIELD_RANGE].ptr);
        assert(d.range_count == 0 && d.ranges[0].length == 0);
    }
    if (d.status != 206)
        return;
    decision_send_whole(&d, rep->size); // too costly after all
    assert(d.status == 200 && d.by == FIELD_OTHER && d.range == DECISION_RANGE_COSTLY);
    assert(d.range_count == 1 && d.ranges[0].offset == 0 && d.ranges[0].length == rep->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct head_limits limits = {100, 8192, REQUEST_MAX_FIELDS};
    static struct request r;
    static char text[8192];
    struct head_scan scan = {0};
    struct slice data = fuzz_slice(bytes, size);
    uint8_t a = fuzz_byte(&data), b = fuzz_byte(&data);
    struct representation rep = {sizes[b % ARRAY_SIZE(sizes)],
                                 etags[a / 2 % ARRAY_SIZE(etags)],
                                 mtimes[a / 8 % ARRAY_SIZE(mtimes)],
                                 mtimes[a / 32 % ARRAY_SIZE(mtimes)],
                                 b >= 128,
                                 limits_of_ranges[b / 8 % ARRAY_SIZE(limits_of_ranges)]};
    struct buf head = buf_make(text, sizeof(text));
    enum reason reason;

    buf_puts(&head, a % 2 ? "GET / HTTP/1.0\r\n" : "HEAD / HTTP/1.0\r\n");
    buf_put(&head, data);
    buf_puts(&head, "\r\n\r\n");
    if (head.overflow)
        return 0;
    char *copy = fuzz_copy(buf_slice(&head));
    if (head_scan_feed(&scan, slice_make(copy, head.len), &limits, &reason) == HEAD_COMPLETE &&
        request_parse(slice_make(copy, scan.pos), &r) == 0)
        check(&r, &rep);
    free(copy);
    return 0;
}
