#include "server/output.h"

#include "base/util.h"
#include "sys/pagecache.h"
#include "sys/transmit.h"

#include <errno.h>

// No answer is longer than this, without content that is kept by reference.
#define ANSWER_MAX (16u << 10)

// Content of a file up to this size is read, which is cheaper than to have it sent. (Of 16K reading
// costs the same when it is in the processor's caches, and more when it is not.)
#define READ_MAX (8u << 10)

struct buf output_begin(struct loop *l)
{
    return buf_make(l->gather + l->gathered, sizeof(l->gather) - l->gathered);
}

void output_commit(struct loop *l, const struct buf *b)
{
    l->gathered += b->len;
}

bool output_has_room(const struct loop *l)
{
    return sizeof(l->gather) - l->gathered >= ANSWER_MAX;
}

static struct slice pending_head(const struct loop *l, const struct conn *c)
{
    return c->out ? block_slice(c->out) : slice_make(l->gather, l->gathered);
}

// Puts what is left of the loop's buffer into a block of the connection's.
static bool put_aside(struct loop *l, struct conn *c, struct slice rest)
{
    c->out = bufpool_get_sized(&l->pool, (uint32_t)rest.len);
    if (!c->out)
        return false;
    memcpy(c->out->data, rest.ptr, rest.len);
    c->out->end = (uint32_t)rest.len;
    return true;
}

// `n` bytes of the head are sent. False without memory for the rest.
static bool head_sent(struct loop *l, struct conn *c, struct slice head, size_t n)
{
    bool kept = true;
    if (c->out) {
        c->out->start += (uint32_t)n;
        if (c->out->start == c->out->end) {
            bufpool_put(&l->pool, c->out);
            c->out = NULL;
        }
    } else if (n < head.len) {
        kept = put_aside(l, c, slice_skip(head, n));
    }
    l->gathered = 0;
    return kept;
}

static enum output_state failed(int error, enum conn_close *ret_reason)
{
    *ret_reason = error == -ENOMEM ? CONN_CLOSE_MEMORY : CONN_CLOSE_RESET;
    return OUTPUT_FAILED;
}

// `n` bytes left: counts them.
static void note_sent(struct loop *l, struct conn *c, size_t n)
{
    c->sent += n;
    scoreboard_add(&l->slot->sent, n);
    l->budget -= MIN(n, l->budget);
}

// Head, and content that is in memory.
static enum output_state send_memory(struct loop *l, struct conn *c, enum conn_close *ret_reason)
{
    struct slice head = pending_head(l, c);
    bool in_memory = c->file && c->file->body;
    size_t content = in_memory ? (size_t)(c->end - c->offset) : 0;
    bool more = !in_memory && c->offset < c->end; // of the file, at once
    struct iovec parts[2];
    int count = 0;

    // Nothing is written through an iovec that is only sent.
    if (head.len)
        parts[count++] = (struct iovec){(void *)(uintptr_t)head.ptr, head.len};
    if (content)
        parts[count++] = (struct iovec){c->file->body + c->offset, content};
    if (count == 0)
        return OUTPUT_DONE;
    ssize_t n = l->budget ? transmit_send(c->source.fd, parts, count, more) : 0;
    if (n == -EAGAIN)
        n = 0;
    if (n < 0)
        return failed((int)n, ret_reason);
    note_sent(l, c, (size_t)n);
    size_t of_head = MIN((size_t)n, head.len);
    if (head.len && !head_sent(l, c, head, of_head))
        return failed(-ENOMEM, ret_reason);
    if (content)
        c->offset += (size_t)n - of_head;
    return (size_t)n == head.len + content ? OUTPUT_DONE : OUTPUT_WAIT;
}

// Short content of a file leaves together with its head, as if it were kept in memory.
static void gather_content(struct loop *l, struct conn *c)
{
    uint64_t left = c->end - c->offset;
    size_t room = sizeof(l->gather) - l->gathered;
    bool in_file = c->file && !c->file->body;
    if (!in_file || l->gathered == 0 || left > MIN(room, READ_MAX))
        return;
    char *end = l->gather + l->gathered;
    if (pagecache_read(c->file->fd, c->offset, end, (size_t)left) == (ssize_t)left) {
        l->gathered += (size_t)left;
        c->offset = c->end;
    }
}

// Whether the next of the content is in memory. If not, it is being read; without a thread for that
// sending waits for it.
static bool is_loaded(struct loop *l, struct conn *c)
{
    if (c->offset < c->loaded)
        return true;
    size_t len = (size_t)MIN(c->end - c->offset, OUTPUT_LOOK_AHEAD);
    // All of it, for to have looked at its end lets the kernel begin to read there: as if it were
    // all in memory, to whom looks at less of it later.
    if (!pagecache_has(c->file->fd, c->offset, len))
        c->reading = reader_start(&l->reader, c, len);
    c->loaded = c->offset + len;
    return !c->reading;
}

// Content that is read from a file.
static enum output_state send_file(struct loop *l, struct conn *c, enum conn_close *ret_reason)
{
    while (c->offset < c->end) {
        if (l->budget == 0 || !is_loaded(l, c))
            return OUTPUT_WAIT;
        size_t len = (size_t)MIN(c->loaded - c->offset, (uint64_t)l->budget);
        ssize_t n = transmit_file(c->source.fd, c->file->fd, c->offset, len);
        if (n == -EAGAIN)
            return OUTPUT_WAIT;
        if (n < 0)
            return failed((int)n, ret_reason);
        if (n == 0) {
            *ret_reason = CONN_CLOSE_CHANGED;
            return OUTPUT_FAILED;
        }
        note_sent(l, c, (size_t)n);
        c->offset += (size_t)n;
    }
    return OUTPUT_DONE;
}

// All that the connection has to send now.
static enum output_state send_ready(struct loop *l, struct conn *c, enum conn_close *ret_reason)
{
    gather_content(l, c);
    enum output_state state = send_memory(l, c, ret_reason);
    if (state == OUTPUT_DONE && c->file && !c->file->body)
        state = send_file(l, c, ret_reason);
    l->gathered = 0; // sent, put aside, or of no use any more
    return state;
}

// Makes the next piece of the content, for all before it is sent.
static enum pieces_state next_piece(struct loop *l, struct conn *c)
{
    struct buf b = buf_make(l->gather, PIECES_TEXT_MAX);
    c->loaded = 0; // it may be any part of the file
    enum pieces_state state = c->pieces->next(c->pieces, c, &b);
    l->gathered = b.len;
    c->length += b.len + (c->end - c->offset);
    c->pieces->ended = state == PIECES_END;
    return state;
}

enum output_state output_flush(struct loop *l, struct conn *c, enum conn_close *ret_reason)
{
    enum output_state state = send_ready(l, c, ret_reason);
    enum pieces_state more = PIECES_MORE;
    while (state == OUTPUT_DONE && c->pieces && !c->pieces->ended) {
        if (more == PIECES_YIELD)
            return OUTPUT_WAIT;
        more = next_piece(l, c);
        if (more == PIECES_FAILED) {
            *ret_reason = CONN_CLOSE_CHANGED;
            return OUTPUT_FAILED;
        }
        state = send_ready(l, c, ret_reason);
    }
    return state;
}
