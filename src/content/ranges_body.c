#include "content/ranges_body.h"

#include "base/util.h"

#include <stdlib.h>

struct ranges_body {
    struct body_source source;
    struct multipart multipart;
    size_t count, next;
    struct range ranges[];
};

static enum body_source_state next_range(struct body_source *source, struct range *range,
                                         struct buf *b)
{
    struct ranges_body *self = CONTAINER_OF(source, struct ranges_body, source);
    if (self->next == self->count) {
        multipart_end(b, &self->multipart);
        return BODY_SOURCE_END;
    }
    *range = self->ranges[self->next++];
    multipart_part(b, &self->multipart, range);
    return BODY_SOURCE_MORE;
}

static void free_ranges_body(struct body_source *source)
{
    free(CONTAINER_OF(source, struct ranges_body, source));
}

struct body_source *ranges_body_new(const struct multipart *m, const struct decision *decision)
{
    size_t size = decision->range_count * sizeof(decision->ranges[0]);
    struct ranges_body *self = calloc(1, sizeof(*self) + size);
    if (!self)
        return NULL;
    self->source.next = next_range;
    self->source.free = free_ranges_body;
    self->multipart = *m;
    self->count = decision->range_count;
    memcpy(self->ranges, decision->ranges, size);
    return &self->source;
}
