#include "server/listpieces.h"

#include "base/util.h"
#include "server/dirlist.h"

#include <errno.h>
#include <stdlib.h>

// A chunk's size, always of four digits, so that it can be written last.
#define SIZE_LINE_LEN 6u

// Room for what stands behind the last chunk's text.
#define LAST_LEN 8u

struct listpieces {
    struct pieces pieces;
    struct dirlist *list;
    struct rootfs root; // as the route may look at it; borrowed
    const struct ruleset *rules;
    struct network client;
    uint32_t *under_way;
    bool chunked, begun;
    size_t path_len;
    char path[PATH_MAX + NAME_MAX]; // of the directory in the site, begins with '/'
};

static bool is_shown(void *context, struct slice name, bool directory)
{
    struct listpieces *self = context;
    struct ruling ruling;
    struct buf b = buf_make(self->path + self->path_len, sizeof(self->path) - self->path_len);
    if (self->rules->count == 0)
        return true;
    buf_put(&b, name);
    if (directory)
        buf_putc(&b, '/');
    rules_apply(self->rules->rules, self->rules->count,
                slice_make(self->path, self->path_len + b.len), &self->client, &ruling);
    return !b.overflow && ruling.status < 400;
}

static enum pieces_state state_of(int progress)
{
    if (progress < 0)
        return PIECES_FAILED;
    return progress == DIRLIST_MORE ? PIECES_YIELD : PIECES_END;
}

static void put_size(struct buf *b, size_t size)
{
    for (int shift = 12; shift >= 0; shift -= 4)
        buf_putc(b, "0123456789abcdef"[size >> shift & 15]);
    buf_puts(b, "\r\n");
}

// A turn's work as a chunk; none for a turn without text, for an empty chunk would be the last.
static enum pieces_state next_chunk(struct listpieces *self, struct buf *b)
{
    struct buf text = buf_make(b->data + b->len + SIZE_LINE_LEN,
                               b->cap - b->len - SIZE_LINE_LEN - LAST_LEN);
    int progress = dirlist_step(self->list, &text);
    if (text.len) {
        put_size(b, text.len);
        b->len += text.len;
        buf_puts(b, "\r\n");
    }
    if (progress == DIRLIST_END)
        buf_puts(b, "0\r\n\r\n");
    return state_of(progress);
}

static enum pieces_state next(struct pieces *p, struct conn *c, struct buf *b)
{
    struct listpieces *self = CONTAINER_OF(p, struct listpieces, pieces);
    (void)c;
    // Of requests for listings that came together, each has a turn of its own.
    if (!self->begun) {
        self->begun = true;
        return PIECES_YIELD;
    }
    return self->chunked ? next_chunk(self, b) : state_of(dirlist_step(self->list, b));
}

static void free_listpieces(struct pieces *p)
{
    struct listpieces *self = CONTAINER_OF(p, struct listpieces, pieces);
    --*self->under_way;
    dirlist_free(self->list);
    free(self);
}

int listpieces_new(const struct listpieces_options *o, struct pieces **ret)
{
    const struct route *route = o->route;
    if (*o->under_way >= o->most)
        return -EAGAIN;
    struct listpieces *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->pieces.next = next;
    self->pieces.free = free_listpieces;
    self->root = route->tree->root;
    self->root.links = route_links(route);
    self->rules = &route->site->rules;
    self->client = o->client;
    self->chunked = o->chunked;
    self->path_len = route->path.len;
    struct dirlist_options options = {
        .root = &self->root,
        .path = route->directory,
        .view = o->view,
        .limit = o->limit,
        .hidden = route_shows_hidden(route),
        .is_shown = is_shown,
        .context = self,
    };
    int r = route->path.len < PATH_MAX ? dirlist_new(&options, &self->list) : -ENAMETOOLONG;
    if (r < 0) {
        free(self);
        return r;
    }
    memcpy(self->path, route->path.ptr, route->path.len);
    self->under_way = o->under_way;
    ++*self->under_way;
    *ret = &self->pieces;
    return 0;
}
