#include "precompress/tally.h"

#include <stdio.h>

static void put_megabytes(struct buf *b, uint64_t bytes)
{
    buf_printf(b, "%.1f MB", (double)bytes / 1e6);
}

static void put_file_count(struct buf *b, size_t count, const char *what)
{
    buf_printf(b, "%s%zu %s", b->len ? ", " : "", count, what);
}

void tally_format_run(const struct tally *t, struct buf *b)
{
    put_file_count(b, t->made, "made");
    if (t->made) {
        buf_puts(b, " (");
        put_megabytes(b, t->bytes_in);
        buf_puts(b, " to ");
        put_megabytes(b, t->bytes_out);
        buf_putc(b, ')');
    }
    put_file_count(b, t->fresh, "fresh");
    put_file_count(b, t->not_smaller, "not smaller");
    if (t->removed)
        put_file_count(b, t->removed, "removed");
    put_file_count(b, t->failed, "failed");
}

void tally_format_check(const struct tally *t, struct buf *b)
{
    put_file_count(b, t->stale, "stale");
    put_file_count(b, t->missing, "missing");
    put_file_count(b, t->fresh, "fresh");
    put_file_count(b, t->not_smaller, "not smaller");
    if (t->orphans)
        put_file_count(b, t->orphans, "orphans");
    put_file_count(b, t->failed, "failed");
}
