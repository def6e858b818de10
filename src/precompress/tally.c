#include "precompress/tally.h"

#include <stdio.h>

static void put_size(struct buf *b, uint64_t bytes)
{
    buf_printf(b, "%.1f MB", (double)bytes / 1e6);
}

static void put_count(struct buf *b, size_t count, const char *what)
{
    buf_printf(b, "%s%zu %s", b->len ? ", " : "", count, what);
}

void tally_format_run(const struct tally *t, struct buf *b)
{
    put_count(b, t->made, "made");
    if (t->made) {
        buf_puts(b, " (");
        put_size(b, t->bytes_in);
        buf_puts(b, " to ");
        put_size(b, t->bytes_out);
        buf_putc(b, ')');
    }
    put_count(b, t->fresh, "fresh");
    put_count(b, t->not_smaller, "not smaller");
    if (t->removed)
        put_count(b, t->removed, "removed");
    put_count(b, t->failed, "failed");
}

void tally_format_check(const struct tally *t, struct buf *b)
{
    put_count(b, t->stale, "stale");
    put_count(b, t->missing, "missing");
    put_count(b, t->fresh, "fresh");
    put_count(b, t->not_smaller, "not smaller");
    if (t->orphans)
        put_count(b, t->orphans, "orphans");
    put_count(b, t->failed, "failed");
}
