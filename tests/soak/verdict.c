#include "verdict.h"

#include "answer.h"

#include "base/util.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void verdict_init(struct verdict *v, const struct attack *a)
{
    *v = (struct verdict){.attack = a, .head = malloc(VERDICT_HEAD_MAX)};
    assert(v->head);
}

void verdict_cleanup(struct verdict *v)
{
    free(v->head);
    v->head = NULL;
}

static bool fail(struct verdict *v, const char *fault)
{
    if (!v->fault)
        v->fault = fault;
    return false;
}

static void answered(struct verdict *v)
{
    v->expects = VERDICT_HEAD;
    v->answers++;
    v->statuses[v->status / 100]++;
}

// A head is complete: is it what it has to be, and what follows it?
static bool take_head(struct verdict *v)
{
    struct answer_head h;
    const char *fault = answer_read_head(slice_make(v->head, v->len), &h);
    v->len = 0;
    if (fault)
        return fail(v, fault);
    if (h.status < 200)
        return true;
    bool is_known = v->answers < v->attack->known_count;
    bool is_expected = is_known && h.status == v->attack->known[v->answers].status;
    v->turned_away = v->turned_away || h.status == 503;
    if (is_known && !is_expected && h.status != 503 && !(v->late && h.status == 408))
        return fail(v, "a wrong status for a request in good order");
    v->status = h.status;
    v->closing = h.closes;
    v->left = h.length;
    if (h.length == 0 || h.status == 304 || (is_expected && v->attack->known[v->answers].is_head))
        answered(v);
    else
        v->expects = is_expected ? VERDICT_CONTENT : VERDICT_MAYBE_CONTENT;
    return true;
}

static bool feed_head(struct verdict *v, char byte)
{
    if (v->closing)
        return fail(v, "bytes after the last answer");
    if (v->len == VERDICT_HEAD_MAX)
        return fail(v, "an endless head");
    v->head[v->len++] = byte;
    if (v->len >= 4 && memcmp(v->head + v->len - 4, "\r\n\r\n", 4) == 0)
        return take_head(v);
    return true;
}

// Of a mutated request it is not known whether its method was HEAD: then the next head follows at
// once. No content begins with 'H'.
static void resolve_maybe(struct verdict *v, char byte)
{
    if (byte == 'H')
        answered(v);
    else
        v->expects = VERDICT_CONTENT;
}

bool verdict_feed(struct verdict *v, const char *data, size_t len)
{
    while (len && !v->fault) {
        size_t used = 1;
        if (v->expects == VERDICT_MAYBE_CONTENT)
            resolve_maybe(v, *data);
        if (v->expects == VERDICT_CONTENT) {
            used = (size_t)MIN(v->left, (uint64_t)len);
            v->left -= used;
            if (v->left == 0)
                answered(v);
        } else {
            feed_head(v, *data);
        }
        data += used;
        len -= used;
    }
    return !v->fault;
}

bool verdict_is_complete(const struct verdict *v)
{
    return v->expects == VERDICT_HEAD && v->len == 0 && v->answers >= v->attack->known_count;
}

bool verdict_end(struct verdict *v)
{
    if (v->late)
        return true;
    if (v->expects == VERDICT_MAYBE_CONTENT)
        answered(v);
    if (v->expects == VERDICT_CONTENT)
        return fail(v, "closed within content");
    if (v->len)
        return fail(v, "closed within a head");
    if (v->answers < v->attack->known_count && !v->closing)
        return fail(v, "closed without answering a request in good order");
    return true;
}
