#include "server/inflight.h"

#include "base/endpoint.h"
#include "base/util.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>

_Static_assert(sizeof(struct inflight) == 128, "entries are whole cache lines");

// Makes the stores so far visible to whoever reads the entries should the next step end the
// process.
static void order_stores(void)
{
    atomic_signal_fence(memory_order_seq_cst);
}

void inflight_begin(struct inflight_table *f, const struct sockaddr_in6 *peer, struct slice head,
                    int64_t now)
{
    struct inflight *current = &f->entries[0];
    current->since = now;
    current->peer = *peer;
    current->len = (uint8_t)MIN(head.len, sizeof(current->line));
    if (current->len)
        memcpy(current->line, head.ptr, current->len);
    current->is_used = true;
    order_stores();
}

void inflight_end(struct inflight_table *f)
{
    order_stores();
    f->entries[0].is_used = false;
}

uint8_t inflight_keep(struct inflight_table *f, int64_t now)
{
    for (uint8_t i = 1; i < INFLIGHT_MAX && f->entries[0].is_used; i++) {
        if (f->entries[i].is_used)
            continue;
        f->entries[i] = f->entries[0];
        f->entries[i].since = now;
        return i;
    }
    return 0;
}

void inflight_drop(struct inflight_table *f, uint8_t number)
{
    assert(number < INFLIGHT_MAX);
    if (number)
        f->entries[number].is_used = false;
}

bool inflight_read(const struct inflight *from, struct inflight *ret)
{
    // Of shared memory a copy, so that what is checked is what is used.
    memcpy(ret, from, sizeof(*ret));
    return ret->is_used == true && ret->len <= sizeof(ret->line);
}

// Its first line: behind it are fields, which may hold secrets.
static struct slice line_of(const struct inflight *flight)
{
    size_t len = 0;
    while (len < flight->len && flight->line[len] != '\r' && flight->line[len] != '\n')
        len++;
    return slice_make(flight->line, len);
}

void inflight_describe(struct buf *b, const struct inflight *flight, int64_t now)
{
    struct slice line = line_of(flight);
    bool is_past = flight->since >= 0 && flight->since <= now;
    if (line.len == 0)
        buf_puts(b, "a request that is not known");
    else {
        buf_putc(b, '"');
        buf_put_escaped(b, line);
        buf_puts(b, line.len == sizeof(flight->line) ? "...\"" : "\"");
    }
    buf_puts(b, " of ");
    endpoint_put_host(b, &flight->peer);
    buf_printf(b, " for %" PRId64 " ms", is_past ? now - flight->since : 0);
}
