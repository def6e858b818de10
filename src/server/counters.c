#include "server/counters.h"

#include "base/num.h"
#include "base/util.h"

#include <assert.h>
#include <inttypes.h>

// Longer ones are nobody's.
#define KEY_MAX 64

static const struct counters_row rows[] = {
#define X(member, key, text, help) {COUNTERS_SINGLE, key, text, help},
    COUNTERS_SINGLE_TABLE(X)
#undef X
#define X(id, key, text) {COUNTERS_ANSWERS, key, text, NULL},
        COUNTERS_ANSWERS_TABLE(X)
#undef X
#define X(id, key, text) {COUNTERS_CLOSED, key, text, NULL},
            COUNTERS_CLOSED_TABLE(X)
#undef X
#define X(id, key, text) {COUNTERS_ROUNDS, key, text, NULL},
                COUNTERS_ROUNDS_TABLE(X)
#undef X
};

_Static_assert(ARRAY_SIZE(rows) == COUNTERS_COUNT, "a row for each counter");

static const struct counters_group_row groups[COUNTERS_GROUPS] = {
    [COUNTERS_SINGLE] = {"", NULL, NULL},
#define X(member, key, title, ROWS, help) [COUNTERS_##ROWS] = {key, title, help},
    COUNTERS_GROUP_TABLE(X)
#undef X
};

const struct counters_row *counters_row(size_t i)
{
    assert(i < COUNTERS_COUNT);
    return &rows[i];
}

const struct counters_group_row *counters_group_row(enum counters_group group)
{
    return &groups[group];
}

// "requests", "closed.timeout"
static void put_key(struct buf *b, const struct counters_row *row)
{
    buf_puts(b, groups[row->group].key);
    if (row->group != COUNTERS_SINGLE)
        buf_putc(b, '.');
    buf_puts(b, row->key);
}

void counters_format(struct buf *b, const char *before, const struct counters *c)
{
    const uint64_t *values = counters_values_const(c);
    for (size_t i = 0; i < COUNTERS_COUNT; i++) {
        if (values[i] == 0)
            continue;
        buf_puts(b, before);
        put_key(b, &rows[i]);
        buf_printf(b, " %" PRIu64 "\n", values[i]);
    }
}

static bool has_key(const struct counters_row *row, struct slice key)
{
    char text[KEY_MAX];
    struct buf b = buf_make(text, sizeof(text));
    put_key(&b, row);
    return slice_equal(buf_slice(&b), key);
}

bool counters_parse(struct slice line, struct counters *c)
{
    struct slice key = slice_split(&line, ' ');
    uint64_t value;
    if (key.len == 0 || key.len > KEY_MAX || !num_parse_dec(line, COUNTERS_MAX, &value))
        return false;
    for (size_t i = 0; i < COUNTERS_COUNT; i++)
        if (has_key(&rows[i], key))
            counters_values(c)[i] = value;
    return true;
}
