#include "content/listing_body.h"

#include "base/util.h"
#include "content/readme.h"

#include <stdlib.h>

// A chunk's size, always of four digits, so that it can be written last.
#define SIZE_LINE_LEN 6u

// Room for what stands behind the last chunk's text.
#define LAST_LEN 8u

struct listing_body {
    struct body_source source;
    struct snapshot *snapshot; // NULL: all entries are shown
    struct readme readme;      // without a file: there is none
    struct listing_view view;
    uint32_t shown; // entries
    bool chunked, begun;
    char path[]; // the view's
};

static bool has_output_room(const struct buf *out, size_t need)
{
    return out->cap - out->len >= need;
}

static uint32_t entry_count(const struct listing_body *self)
{
    return self->view.directories + self->view.files;
}

static void let_go_of_snapshot(struct listing_body *self)
{
    if (self->snapshot)
        snapshots_release(self->snapshot);
    self->snapshot = NULL;
}

static enum body_source_state next_entries(struct listing_body *self, struct buf *b)
{
    uint32_t count = entry_count(self);
    if (!self->begun)
        listing_begin(b, &self->view); // which fits into an empty buffer
    self->begun = true;
    for (; self->shown < count && has_output_room(b, LISTING_ENTRY_MAX); self->shown++)
        listing_add(b, &self->view, self->snapshot->list->sorted[self->shown], self->shown == 0);
    if (self->shown < count || !has_output_room(b, LISTING_ENTRY_MAX))
        return BODY_SOURCE_YIELD;
    listing_end(b, &self->view);
    let_go_of_snapshot(self);
    return self->readme.file ? BODY_SOURCE_YIELD : BODY_SOURCE_END;
}

static enum body_source_state next_of_readme(struct listing_body *self, struct range *range,
                                             struct buf *b)
{
    enum body_source_state state = readme_next(&self->readme, range, b);
    if (state == BODY_SOURCE_END)
        listing_end_readme(b, &self->view, readme_is_cut(&self->readme));
    return state;
}

static enum body_source_state next_text(struct listing_body *self, struct range *range,
                                        struct buf *b)
{
    return self->snapshot ? next_entries(self, b) : next_of_readme(self, range, b);
}

static void put_chunk_size(struct buf *b, size_t size)
{
    for (int shift = 12; shift >= 0; shift -= 4)
        buf_putc(b, "0123456789abcdef"[size >> shift & 15]);
    buf_puts(b, "\r\n");
}

// A turn's work as a chunk; none for a turn without text, for an empty chunk would be the last.
static enum body_source_state next_chunk(struct listing_body *self, struct range *range,
                                         struct buf *b)
{
    struct buf text = buf_make(b->data + b->len + SIZE_LINE_LEN,
                               b->cap - b->len - SIZE_LINE_LEN - LAST_LEN);
    enum body_source_state state = next_text(self, range, &text);
    if (text.len) {
        put_chunk_size(b, text.len);
        b->len += text.len;
        buf_puts(b, "\r\n");
    }
    if (state == BODY_SOURCE_END)
        buf_puts(b, "0\r\n\r\n");
    return state;
}

static enum body_source_state next_listing_part(struct body_source *source, struct range *range,
                                                struct buf *b)
{
    struct listing_body *self = CONTAINER_OF(source, struct listing_body, source);
    return self->chunked ? next_chunk(self, range, b) : next_text(self, range, b);
}

static void free_listing_body(struct body_source *source)
{
    struct listing_body *self = CONTAINER_OF(source, struct listing_body, source);
    let_go_of_snapshot(self);
    free(self);
}

struct body_source *listing_body_new(const struct listing_body_options *o)
{
    const struct dirlist *list = o->snapshot->list;
    struct slice path = o->view.path;
    struct listing_body *self = calloc(1, sizeof(*self) + path.len);
    if (!self)
        return NULL;
    self->source.next = next_listing_part;
    self->source.free = free_listing_body;
    self->snapshot = o->snapshot;
    self->readme.file = o->readme;
    self->view = o->view;
    self->view.directories = list->directories;
    self->view.files = list->files;
    self->view.cut = list->cut;
    if (path.len)
        memcpy(self->path, path.ptr, path.len);
    self->view.path = slice_make(self->path, path.len);
    self->chunked = o->chunked;
    return &self->source;
}
