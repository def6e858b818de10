#include "server/transfer.h"

#include "base/util.h"
#include "sys/pagecache.h"

#include <errno.h>

void transfer_file(struct transfer *t, struct cached_file *file, struct range range)
{
    *t = (struct transfer){
        .file = file,
        .offset = range.offset,
        .end = range.offset + range.length,
        .length = range.length,
    };
}

void transfer_generated(struct transfer *t, struct cached_file *file, struct body_source *source)
{
    *t = (struct transfer){.file = file, .source = source};
}

static void drop_window(struct transfer *t)
{
    if (t->window)
        readahead_free(t->window);
    t->window = NULL;
}

void transfer_finish(struct transfer *t, struct bufpool *pool)
{
    bufpool_put(pool, t->record);
    if (t->reading)
        t->reading->conn = NULL;
    if (transfer_is_far(t))
        drop_window(t);
    if (t->file)
        cached_file_release(t->file);
    if (t->source)
        t->source->free(t->source);
    *t = (struct transfer){0};
}

enum body_source_state transfer_next(struct transfer *t, struct buf *b)
{
    struct range range = {0};
    size_t before = b->len;
    enum body_source_state state = t->source->next(t->source, &range, b);
    t->offset = range.offset;
    t->end = range.offset + range.length;
    if (!transfer_is_far(t))
        t->loaded = 0; // it may be any part of the file
    t->length += b->len - before + (state == BODY_SOURCE_LOAD ? 0 : range.length);
    t->source->ended = state == BODY_SOURCE_END;
    return state;
}

bool transfer_fetch(struct transfer *t, struct readahead *r, struct conn *waiting)
{
    t->reading = readahead_start(r, t->file, (struct range){t->offset, transfer_left(t)}, waiting);
    t->offset = t->end;
    return !t->reading;
}

bool transfer_load(struct transfer *t, struct readahead *r, struct conn *waiting)
{
    if (t->offset < t->loaded)
        return true;
    size_t len = (size_t)MIN(transfer_left(t), TRANSFER_LOOK_AHEAD);
    // The whole stretch is asked for at once. To look at its end lets the kernel begin to read
    // there, and a later look at less of it would find it in memory.
    if (!pagecache_has(t->file->fd, t->offset, len))
        t->reading = readahead_start(r, t->file, (struct range){t->offset, len}, waiting);
    t->loaded = t->offset + len;
    return !t->reading;
}

// The part of the window that is to be sent next; empty: none.
static struct slice rest_of_window(const struct transfer *t)
{
    const struct reading *w = t->window;
    if (!w || t->offset < w->offset || t->offset >= w->offset + w->got)
        return (struct slice){NULL, 0};
    size_t from = (size_t)(t->offset - w->offset);
    return slice_make(w->data + from, (size_t)MIN(w->got - from, transfer_left(t)));
}

int transfer_load_far(struct transfer *t, struct readahead *r, struct conn *waiting,
                      struct slice *ret)
{
    const struct reading *w = t->window;
    *ret = rest_of_window(t);
    if (ret->len)
        return 0;
    if (w && w->got < w->len && t->offset == w->offset + w->got)
        return -ENODATA;
    drop_window(t);
    t->reading = readahead_start(r, t->file, (struct range){t->offset, transfer_left(t)}, waiting);
    return t->reading ? -EAGAIN : -ENOMEM;
}

void transfer_take(struct transfer *t, struct reading *one)
{
    t->reading = NULL;
    one->conn = NULL;
    if (transfer_is_far(t)) {
        drop_window(t);
        t->window = one;
    } else {
        readahead_free(one);
    }
}
