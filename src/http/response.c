#include "http/response.h"

#include "http/httpdate.h"
#include "http/statuses.h"

#include <assert.h>

static const struct slice crlf = {"\r\n", 2};

// A field line; none when the value is empty. `prefix` is name, colon and space.
static void put_field(struct buf *b, struct slice prefix, struct slice value)
{
    if (value.len == 0)
        return;
    buf_put(b, prefix);
    buf_put(b, value);
    buf_put(b, crlf);
}

static void put_number(struct buf *b, struct slice prefix, uint64_t value)
{
    buf_put(b, prefix);
    buf_putu(b, value);
    buf_put(b, crlf);
}

void response_describe(struct buf *b, const struct representation *rep, struct slice coding,
                       struct slice type, struct description *ret)
{
    size_t start = b->len;
    char date[HTTPDATE_LEN];
    size_t etag_len = 0;
    put_field(b, SLICE("ETag: "), rep->etag);
    etag_len = b->len - start;
    if (rep->mtime >= 0) {
        httpdate_format(rep->mtime, date);
        put_field(b, SLICE("Last-Modified: "), slice_make(date, sizeof(date)));
        if (etag_len == 0)
            etag_len = b->len - start;
    }
    size_t validators_len = b->len - start;
    buf_put(b,
            rep->max_ranges ? SLICE("Accept-Ranges: bytes\r\n") : SLICE("Accept-Ranges: none\r\n"));
    size_t coding_at = b->len - start;
    put_field(b, SLICE("Content-Encoding: "), coding);
    size_t type_at = b->len - start;
    put_field(b, SLICE("Content-Type: "), type);
    size_t length_at = b->len - start;
    put_number(b, SLICE("Content-Length: "), rep->size);
    *ret = (struct description){slice_make(b->data + start, b->len - start),
                                etag_len,
                                validators_len,
                                coding_at,
                                type_at,
                                length_at};
}

void response_etag(struct buf *b, uint64_t hash)
{
    buf_putc(b, '"');
    buf_putx(b, hash);
    buf_putc(b, '"');
}

void response_etag_shared(struct buf *b, uint64_t size, int64_t mtime_s, struct slice coding)
{
    buf_put(b, SLICE("W/\""));
    buf_putx(b, size);
    buf_putc(b, '-');
    buf_putx(b, (uint64_t)mtime_s);
    if (coding.len) {
        buf_putc(b, '-');
        buf_put(b, coding);
    }
    buf_putc(b, '"');
}

// RFC 9110 section 14.4.
static void put_content_range(struct buf *b, const struct response *r)
{
    if (r->status != 416 && (r->status != 206 || r->range_length == 0))
        return;
    buf_put(b, SLICE("Content-Range: bytes "));
    if (r->status == 206) {
        buf_putu(b, r->range_offset);
        buf_putc(b, '-');
        buf_putu(b, r->range_offset + r->range_length - 1);
    } else {
        buf_putc(b, '*');
    }
    put_number(b, SLICE("/"), r->total);
}

void response_common(struct buf *b, struct slice server, int64_t wall_s)
{
    char date[HTTPDATE_LEN];
    httpdate_format(wall_s, date);
    put_field(b, SLICE("Server: "), server);
    put_field(b, SLICE("Date: "), slice_make(date, sizeof(date)));
}

void response_begin(struct buf *b, const struct response *r)
{
    static const struct slice connection[] = {
        [CONNECTION_CLOSE] = {"close", 5},
        [CONNECTION_KEEP_ALIVE] = {"keep-alive", 10},
    };
    assert(!r->has_length || (statuses_may_have_content(r->status) && !r->chunked));
    buf_put(b, statuses_line(r->status));
    buf_put(b, r->common);
    put_field(b, SLICE("Connection: "), connection[r->connection]);
    buf_put(b, r->about);
    put_field(b, SLICE("Content-Type: "), r->type);
    if (r->has_length)
        put_number(b, SLICE("Content-Length: "), r->content_length);
    if (r->chunked)
        buf_put(b, SLICE("Transfer-Encoding: chunked\r\n"));
    put_content_range(b, r);
    put_field(b, SLICE("Repr-Digest: "), r->digest);
    put_field(b, SLICE("Location: "), r->location);
    put_field(b, SLICE("Allow: "), r->allow);
    if (r->retry_after)
        put_number(b, SLICE("Retry-After: "), r->retry_after);
}

void response_end(struct buf *b)
{
    buf_put(b, crlf);
}
