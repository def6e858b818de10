#include "server/byteranges.h"

#include "base/util.h"
#include "server/conn.h"

#include <stdlib.h>

struct byteranges {
    struct pieces pieces;
    struct multipart multipart;
    struct range ranges[DECISION_MAX_RANGES];
    size_t count, next;
};

static enum pieces_state next(struct pieces *p, struct conn *c, struct buf *b)
{
    struct byteranges *self = CONTAINER_OF(p, struct byteranges, pieces);
    if (self->next == self->count) {
        multipart_end(b, &self->multipart);
        return PIECES_END;
    }
    const struct range *range = &self->ranges[self->next++];
    multipart_part(b, &self->multipart, range);
    c->offset = range->offset;
    c->end = range->offset + range->length;
    return PIECES_MORE;
}

static void free_byteranges(struct pieces *p)
{
    free(CONTAINER_OF(p, struct byteranges, pieces));
}

struct pieces *byteranges_new(const struct multipart *m, const struct decision *decision)
{
    struct byteranges *self = calloc(1, sizeof(*self));
    if (!self)
        return NULL;
    self->pieces.next = next;
    self->pieces.free = free_byteranges;
    self->multipart = *m;
    self->count = decision->range_count;
    memcpy(self->ranges, decision->ranges, sizeof(self->ranges));
    return &self->pieces;
}
