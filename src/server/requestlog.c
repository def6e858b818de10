#include "server/requestlog.h"

#include "server/conn_types.h"

#include <assert.h>

_Static_assert(ACCESS_RECORD_MAX <= BUFPOOL_SMALL, "a small block holds what is kept");

// A request line that could not be read has no parts. Whoever sent none is the connection's client.
static struct access_record record_of(const struct context *ctx, const struct request *r)
{
    struct access_record record = {.wall_s = ctx->clock.wall_s, .started = ctx->clock.now};
    if (!r)
        return record;
    record.client = &ctx->client.address;
    if (r->line.len) {
        record.method = r->method_name;
        record.target = r->target;
        record.protocol = r->protocol;
    }
    record.referer = r->first[FIELD_REFERER];
    record.agent = r->first[FIELD_USER_AGENT];
    return record;
}

static void log_record(struct context *ctx, const struct conn *c, struct access_record *record)
{
    if (!record->client)
        record->client = &c->client;
    accesslog_add(&ctx->log, record, ctx->clock.now);
}

void requestlog_add(struct context *ctx, const struct conn *c, const struct request *r, int status,
                    uint64_t bytes)
{
    if (ctx->log.fd < 0)
        return;
    struct access_record record = record_of(ctx, r);
    record.status = status;
    record.length = record.sent = bytes;
    log_record(ctx, c, &record);
}

// Also where this loop writes no log: another one may, to which the connection goes.
void requestlog_hold(struct context *ctx, struct conn *c, const struct request *r)
{
    struct transfer *t = &c->transfer;
    t->record = bufpool_get(&ctx->pool);
    if (!t->record) { // better a line without figures of what was sent than none
        requestlog_add(ctx, c, r, c->status, t->length);
        return;
    }
    struct access_record record = record_of(ctx, r);
    if (memcmp(&ctx->client.address, &c->client, sizeof(c->client)) != 0)
        record.named = slice_make((const char *)&ctx->client.address, sizeof(c->client));
    struct buf b = buf_make(t->record->data, t->record->cap);
    access_record_pack(&record, &b);
    t->record->end = (uint32_t)b.len;
}

void requestlog_finish(struct context *ctx, struct conn *c, const struct request *r)
{
    const struct transfer *t = &c->transfer;
    struct access_record record = {0};
    struct sockaddr_in6 named;
    if (ctx->log.fd < 0 || (!t->record && !r))
        return;
    if (t->record) {
        bool is_good = access_record_unpack(block_slice(t->record), &record);
        assert(is_good); // it was made here, or checked when it came
        if (record.named.len == sizeof(named)) {
            memcpy(&named, record.named.ptr, sizeof(named));
            record.client = &named;
        }
    } else {
        record = record_of(ctx, r);
    }
    record.status = c->status;
    record.length = t->length;
    record.sent = t->length - transfer_left(t);
    log_record(ctx, c, &record);
}
