#include "server/requestlog.h"

static struct access_record record_of(struct loop *l, const struct conn *c, const struct request *r,
                                      char text[static INET6_ADDRSTRLEN])
{
    struct buf client = buf_make(text, INET6_ADDRSTRLEN);
    addr_put_host(&client, &c->peer);
    struct access_record record = {.client = buf_slice(&client), .wall_s = l->clock.wall_s};
    if (r) {
        record.request = r->line;
        record.referer = r->first[FIELD_REFERER];
        record.agent = r->first[FIELD_USER_AGENT];
    }
    return record;
}

void requestlog_add(struct loop *l, const struct conn *c, const struct request *r, int status,
                    uint64_t bytes)
{
    char text[INET6_ADDRSTRLEN];
    if (l->log.fd < 0)
        return;
    struct access_record record = record_of(l, c, r, text);
    accesslog_add(&l->log, &record, status, bytes, l->clock.now);
}

void requestlog_hold(struct loop *l, struct conn *c, const struct request *r)
{
    char text[INET6_ADDRSTRLEN];
    if (l->log.fd < 0)
        return;
    c->held = bufpool_get(&l->pool);
    if (!c->held) { // better a line without figures of what was sent than none
        requestlog_add(l, c, r, c->status, c->length);
        return;
    }
    struct access_record record = record_of(l, c, r, text);
    struct buf b = buf_make(c->held->data, c->held->cap);
    c->split = (uint32_t)accesslog_hold(&l->log, &record, &b);
    c->held->end = (uint32_t)b.len;
}

void requestlog_finish(struct loop *l, struct conn *c, const struct request *r)
{
    uint64_t sent = c->length - (c->end - c->offset);
    if (c->held && l->log.fd >= 0)
        accesslog_add_held(&l->log, block_slice(c->held), c->split, c->status, sent, l->clock.now);
    else if (r)
        requestlog_add(l, c, r, c->status, sent);
}
