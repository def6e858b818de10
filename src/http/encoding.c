#include "http/encoding.h"

#include "http/qvalue.h"

#include <assert.h>

static const struct slice names[CODING_COUNT] = {
#define X(id, name, suffix) [CODING_##id] = {name, sizeof(name) - 1},
    CODING_TABLE(X)
#undef X
};

static const struct slice suffixes[CODING_COUNT] = {
#define X(id, name, suffix) [CODING_##id] = {suffix, sizeof(suffix) - 1},
    CODING_TABLE(X)
#undef X
};

struct slice encoding_name(enum coding coding)
{
    return names[coding];
}

struct slice encoding_suffix(enum coding coding)
{
    return suffixes[coding];
}

enum coding encoding_of_file(struct slice name)
{
    return slice_ends_with_nocase(name, SLICE(".svgz")) ? CODING_GZIP : CODING_IDENTITY;
}

bool encoding_parse(struct slice name, enum coding *ret)
{
    // RFC 9110 section 8.4.1.3.
    if (slice_equal_nocase(name, SLICE("x-gzip")))
        name = SLICE("gzip");
    for (enum coding i = CODING_IDENTITY + 1; i < CODING_COUNT; i++) {
        if (slice_equal_nocase(name, names[i])) {
            *ret = i;
            return true;
        }
    }
    return false;
}

const char *encoding_check(struct slice name)
{
    enum coding coding;
    if (encoding_parse(name, &coding))
        return NULL;
    return "the codings are \"zstd\", \"br\" and \"gzip\"";
}

// The weights that the field gives, times 1000, or UNNAMED.
#define UNNAMED (-1)

struct wanted {
    int weights[CODING_COUNT];
    int others; // "*"
};

// Where the weight of a name stands; NULL: it is no coding that we know.
static int *place_of_weight(struct wanted *w, struct slice name)
{
    enum coding coding;
    if (slice_equal(name, SLICE("*")))
        return &w->others;
    if (slice_equal_nocase(name, SLICE("identity")))
        return &w->weights[CODING_IDENTITY];
    return encoding_parse(name, &coding) ? &w->weights[coding] : NULL;
}

// Of several members for one coding the first counts.
static void read_field(const struct request *r, struct wanted *ret)
{
    struct slice list;
    for (size_t i = 0; i < CODING_COUNT; i++)
        ret->weights[i] = UNNAMED;
    ret->others = UNNAMED;
    for (uint32_t at = 0; request_next_field(r, FIELD_ACCEPT_ENCODING, &at, &list);) {
        struct qvalue_member member;
        while (qvalue_next(&list, &member)) {
            int *place = place_of_weight(ret, member.value);
            if (place && *place == UNNAMED && !member.has_parameters)
                *place = (int)member.weight;
        }
    }
}

// A coding that the field does not name has the weight of "*". Without "*", identity has the lowest
// weight, and no other coding is acceptable.
static int weight_of_coding(const struct wanted *w, enum coding coding)
{
    if (w->weights[coding] != UNNAMED)
        return w->weights[coding];
    return w->others == UNNAMED ? 0 : w->others;
}

size_t encoding_rank(const struct request *r, const enum coding *offered, size_t count,
                     enum coding ret[static CODING_COUNT])
{
    struct wanted wanted;
    size_t ranked = 0;
    assert(count < CODING_COUNT);
    read_field(r, &wanted);
    for (size_t i = 0; i < count; i++) {
        int weight = weight_of_coding(&wanted, offered[i]);
        size_t at = ranked;
        if (weight == 0 || weight < weight_of_coding(&wanted, CODING_IDENTITY))
            continue;
        for (; at && weight_of_coding(&wanted, ret[at - 1]) < weight; at--)
            ret[at] = ret[at - 1];
        ret[at] = offered[i];
        ranked++;
    }
    return ranked;
}
