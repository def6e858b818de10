#include "server/conn.h"

#include "base/util.h"
#include "server/answer.h"
#include "server/loop.h"
#include "server/output.h"
#include "server/requestlog.h"
#include "sys/transmit.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

// An idle connection must stay cheap: docs and tests promise it.
_Static_assert(sizeof(struct conn) <= 256, "a connection's slot is at most 256 bytes");

void conn_open(struct conn *c, int fd, const struct sockaddr_in6 *peer, size_t listener)
{
    *c = (struct conn){
        .source = {SOURCE_CONN, fd},
        .state = CONN_HEAD,
        .peer = *peer,
        .listener = (uint16_t)listener,
    };
    deadline_init(&c->deadline);
}

struct network conn_network(const struct conn *c)
{
    struct sockaddr_in in;
    if (c->peer.sin6_family == AF_INET6)
        return network_of_ipv6(c->peer.sin6_addr.s6_addr);
    if (c->peer.sin6_family != AF_INET)
        return (struct network){.kind = NETWORK_UNIX};
    memcpy(&in, &c->peer, sizeof(in));
    return network_of_ipv4((const uint8_t *)&in.sin_addr);
}

bool conn_has_content(const struct conn *c)
{
    return c->file || c->pieces || c->held;
}

bool conn_is_busy(const struct conn *c)
{
    return c->out || conn_has_content(c);
}

static void drop_input(struct loop *l, struct conn *c)
{
    bufpool_put(&l->pool, c->in);
    c->in = NULL;
}

// Gives back what the connection holds, and the slot.
static void let_go(struct loop *l, struct conn *c)
{
    drop_input(l, c);
    bufpool_put(&l->pool, c->out);
    c->out = NULL;
    if (c->reading)
        c->reading->conn = NULL;
    c->reading = NULL;
    flight_drop(&l->slot->flights, c->flight);
    deadline_set(&l->deadlines, &c->deadline, DEADLINE_NONE, l->clock.now);
    close(c->source.fd); // of this process the only one: the poller forgets it by itself
    c->source.fd = -1;
    c->interest = 0;
    c->state = CONN_FREE;
    loop_give_slot(l, c);
}

void conn_close(struct loop *l, struct conn *c, enum conn_close reason)
{
    scoreboard_add(&l->slot->closed[reason], 1);
    if (conn_has_content(c))
        answer_finish(l, c, NULL);
    let_go(l, c);
}

void conn_release(struct loop *l, struct conn *c)
{
    assert(c->interest == 0);
    scoreboard_add(&l->slot->closed[CONN_CLOSE_HANDED], 1);
    answer_give_up(l, c);
    let_go(l, c);
}

// ---- receiving ---------------------------------------------------------------------------------

static void received(struct conn *c, ssize_t n)
{
    if (n == 0)
        c->eof = true;
    else if (n < 0 && n != -EAGAIN)
        c->broken = true;
}

// Content: no more is read than surely belongs to it, so the next request is never in here.
static void receive_content(struct loop *l, struct conn *c)
{
    size_t want = (size_t)MIN(body_wanted(&c->body), (uint64_t)sizeof(l->gather));
    ssize_t n = transmit_receive(c->source.fd, l->gather, want);
    received(c, n);
    if (n > 0) {
        size_t used;
        int status = 0;
        c->content = (uint8_t)body_feed(&c->body, slice_make(l->gather, (size_t)n), &used, &status);
        c->status = (uint16_t)status;
    }
}

static void receive_request(struct loop *l, struct conn *c)
{
    struct block *b = c->in ? c->in : bufpool_get(&l->pool);
    if (!b) {
        c->broken = true;
        return;
    }
    c->in = b;
    if (b->start > 0) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    assert(b->end < b->cap); // grow() saw to it
    ssize_t n = transmit_receive(c->source.fd, b->data + b->end, b->cap - b->end);
    received(c, n);
    if (n > 0)
        b->end += (uint32_t)n;
}

// After our FIN nothing is of interest but the client's.
static void receive_rest(struct loop *l, struct conn *c)
{
    received(c, transmit_receive(c->source.fd, l->gather, sizeof(l->gather)));
}

// ---- steps: each does what its state allows, and sets the next state ---------------------------

static struct slice input(const struct conn *c)
{
    return c->in ? block_slice(c->in) : (struct slice){NULL, 0};
}

// The first `n` bytes of the input are dealt with; what follows begins a request of its own.
static void consume(struct loop *l, struct conn *c, size_t n)
{
    c->in->start += (uint32_t)n;
    c->scan = (struct head_scan){0};
    // Its deadline is its own as well.
    deadline_set(&l->deadlines, &c->deadline, DEADLINE_NONE, l->clock.now);
    if (c->in->start == c->in->end)
        drop_input(l, c);
}

// All that was to be sent is: the connection goes on, or ends.
static void sent(struct loop *l, struct conn *c)
{
    if (c->ending == CONN_STAYS) {
        c->state = c->resume;
    } else if ((c->ending == CONN_LINGERS || c->in) && !c->eof) {
        // close() with bytes unread, or still to come, would reset the connection, and the client
        // could lose the answer before it reads it (RFC 9112 section 9.6).
        shutdown(c->source.fd, SHUT_WR);
        drop_input(l, c);
        c->state = CONN_LINGER;
    } else {
        conn_close(l, c, CONN_CLOSE_DONE);
    }
}

// From here on, if the worker dies it may be for what this client has sent.
static void begin_work(struct loop *l, const struct conn *c)
{
    flight_begin(&l->slot->flights, &c->peer, input(c), l->clock.now);
}

// Sends what was gathered. True when all is gone; else the connection waits, or is closed.
static bool flush(struct loop *l, struct conn *c, const struct request *r)
{
    enum conn_close reason;
    enum output_state state = output_flush(l, c, &reason);
    if (state == OUTPUT_DONE) {
        if (conn_has_content(c))
            answer_finish(l, c, r);
        return true;
    }
    if (conn_has_content(c) && r)
        requestlog_hold(l, c, r);
    if (state == OUTPUT_FAILED) {
        conn_close(l, c, reason);
        return false;
    }
    // Content may be awaited behind the answers that are stuck: it goes on where it was.
    if (c->state != CONN_SEND)
        c->resume = c->state == CONN_BODY ? CONN_BODY : CONN_HEAD;
    c->state = c->reading ? CONN_DISK : CONN_SEND;
    return false;
}

// Sends answers of which no content is left over.
static bool flush_gathered(struct loop *l, struct conn *c)
{
    return (l->gathered == 0 && !conn_is_busy(c)) || flush(l, c, NULL);
}

// The request in l->request, of `len` bytes, is answered. False when the turn ends with it.
static bool answer(struct loop *l, struct conn *c, size_t len)
{
    answer_request(l, c, &l->request);
    // The request's bytes must stay until the log has what it needs of them.
    bool sent_all = !conn_has_content(c) || flush(l, c, &l->request);
    if (c->state == CONN_FREE)
        return false;
    consume(l, c, len);
    return sent_all && c->ending == CONN_STAYS;
}

static void refuse(struct loop *l, struct conn *c, int status)
{
    request_parse_start(input(c), &l->request);
    answer_refuse(l, c, &l->request, status);
}

// The content of a request goes before its answer: a client may read only when it has sent all.
// True: the content is complete.
static bool content_is_complete(struct loop *l, struct conn *c, size_t head_len)
{
    struct slice rest = slice_skip(input(c), head_len);
    size_t used = 0;
    int status = 0;

    if (c->state != CONN_BODY) {
        if (!body_init(&c->body, &l->request, l->service->conf->limits.body)) {
            answer_refuse(l, c, &l->request, 413);
            return false;
        }
        if (l->request.expect_continue && rest.len == 0) {
            if (!answer_is_served(l->request.method)) {
                // The answer is known without the content, and a client that asked first does
                // not send it after a refusal (RFC 9110 section 10.1.1).
                c->ending = CONN_LINGERS;
                answer(l, c, head_len);
                return false;
            }
            answer_continue(l);
        }
        c->state = CONN_BODY;
        c->content = CONTENT_MORE;
    }
    if (c->content == CONTENT_MORE && rest.len) {
        c->content = (uint8_t)body_feed(&c->body, rest, &used, &status);
        c->status = (uint16_t)status;
        char *at = c->in->data + c->in->start + head_len;
        memmove(at, at + used, rest.len - used);
        c->in->end -= (uint32_t)used;
    }
    if (c->content == CONTENT_BAD)
        answer_refuse(l, c, &l->request, c->status);
    return c->content == CONTENT_END;
}

// A complete head of `len` bytes is there. True when the next request may follow in this turn.
static bool take_request(struct loop *l, struct conn *c, size_t len)
{
    struct request *r = &l->request;
    int status = request_parse(slice_make(input(c).ptr, len), r);
    if (status) {
        answer_refuse(l, c, r, status);
        return false;
    }
    if (r->body != BODY_NONE && !content_is_complete(l, c, len))
        return false;
    c->state = CONN_HEAD;
    return answer(l, c, len);
}

// The head does not fit into a small block: moves to a big one. False: there is none.
static bool grow(struct loop *l, struct conn *c)
{
    struct slice have = input(c);
    if (c->in->end < c->in->cap)
        return true;
    if (c->in->start > 0)
        return true; // the next receive moves it to the front
    struct block *big = bufpool_get_big(&l->pool);
    if (!big)
        return false;
    memcpy(big->data, have.ptr, have.len);
    big->end = (uint32_t)have.len;
    drop_input(l, c);
    c->in = big;
    return true;
}

static void skip_empty_lines(struct loop *l, struct conn *c)
{
    size_t n = c->in && c->scan.pos == 0 ? head_skip_empty_lines(input(c)) : 0;
    if (n == 0)
        return;
    c->in->start += (uint32_t)n;
    if (c->in->start == c->in->end)
        drop_input(l, c);
}

// Looks for one request in the input. True when another may follow in this turn.
static bool next_request(struct loop *l, struct conn *c)
{
    const struct conf_limits *limits = &l->service->conf->limits;
    const struct head_limits head_limits = {
        .request_line = (uint32_t)limits->request_line,
        .fields = (uint32_t)limits->fields,
        .field_lines = (uint32_t)limits->field_lines,
    };
    int status = 0;

    if (c->state == CONN_BODY) { // its head was read before its content
        begin_work(l, c);
        return take_request(l, c, c->scan.pos);
    }
    skip_empty_lines(l, c);
    if (input(c).len == 0) {
        if (c->in)
            drop_input(l, c);
        return false;
    }
    begin_work(l, c);
    switch (head_scan_feed(&c->scan, input(c), &head_limits, &status)) {
    case HEAD_COMPLETE:
        return take_request(l, c, c->scan.pos);
    case HEAD_BAD:
        refuse(l, c, status);
        return false;
    case HEAD_MORE:
        if (!grow(l, c))
            refuse(l, c, 503);
        return false;
    }
    return false;
}

// What a connection with nothing left to answer waits for.
static enum conn_state waiting_state(const struct loop *l, const struct conn *c)
{
    if (c->in)
        return CONN_HEAD;
    if (loop_is_ending(l))
        return CONN_LAST;
    return c->requests ? CONN_IDLE : CONN_HEAD;
}

// Whether it has to wait before the next request can be answered, or is gone.
static bool is_held_up(const struct conn *c)
{
    return c->state == CONN_FREE || c->state == CONN_SEND || c->state == CONN_DISK;
}

// Answers what is complete, in order, and sends the answers together.
static void step_requests(struct loop *l, struct conn *c)
{
    bool more = true;
    while (more && !is_held_up(c)) {
        more = next_request(l, c);
        if (more && !output_has_room(l))
            more = flush_gathered(l, c);
    }
    if (is_held_up(c) || !flush_gathered(l, c))
        return;
    if (c->ending != CONN_STAYS)
        sent(l, c);
    else if (c->eof)
        conn_close(l, c, CONN_CLOSE_EOF);
    else if (c->state != CONN_BODY)
        c->state = waiting_state(l, c);
}

// Content that is being thrown away: the request's head is still in the input.
static void step_content(struct loop *l, struct conn *c)
{
    if (c->content == CONTENT_MORE && c->eof)
        conn_close(l, c, CONN_CLOSE_EOF);
    else if (c->content != CONTENT_MORE)
        step_requests(l, c);
}

static void step_send(struct loop *l, struct conn *c)
{
    if (!flush(l, c, NULL))
        return;
    sent(l, c);
    // No event will come for requests that are in the input already.
    if (c->state == CONN_HEAD)
        step_requests(l, c);
}

static void step_linger(struct loop *l, struct conn *c)
{
    if (c->eof)
        conn_close(l, c, CONN_CLOSE_DONE);
}

// ---- deadlines ---------------------------------------------------------------------------------

static void expire_request(struct loop *l, struct conn *c)
{
    if (!c->in) { // no request has begun: nobody waits for an answer
        conn_close(l, c, CONN_CLOSE_TIMEOUT);
        return;
    }
    begin_work(l, c);
    refuse(l, c, 408);
    if (flush_gathered(l, c))
        sent(l, c);
}

static void expire_last(struct loop *l, struct conn *c)
{
    if (c->requests == 0) { // nothing was sent that a reset could destroy
        conn_close(l, c, CONN_CLOSE_STOP);
        return;
    }
    shutdown(c->source.fd, SHUT_WR);
    c->state = CONN_LINGER;
}

static void expire_silence(struct loop *l, struct conn *c)
{
    conn_close(l, c, CONN_CLOSE_TIMEOUT);
}

// What the client must take until the next look: SEND begins, or goes on. A deadline that each byte
// renews is no defence: what counts is what it has taken since the last look.
static void demand(const struct loop *l, struct conn *c, uint64_t taken)
{
    const struct conf *conf = l->service->conf;
    uint64_t least = MAX(conf->limits.send_rate * conf->timeouts.send / 1000, UINT64_C(1));
    c->due = MAX(c->due, taken) + least;
}

// Bytes that the client has taken, as far as the kernel knows.
static uint64_t taken(const struct conn *c)
{
    uint64_t queued = transmit_queued(c->source.fd);
    return queued < c->sent ? c->sent - queued : 0;
}

// A UNIX socket counts a buffer of some 100K as queued until its last byte is taken. By a rate it
// can be judged all the same: over as many periods as all that is queued may last.
static uint64_t taken_at_most(const struct loop *l, const struct conn *c)
{
    bool by_rate = l->service->conf->limits.send_rate > 0;
    return by_rate && c->peer.sin6_family == AF_UNIX ? c->sent : taken(c);
}

// Whether the client has all that there is: the rest is still being made.
static bool waits_for_us(const struct conn *c)
{
    return c->pieces && !c->out && c->offset == c->end && taken(c) == c->sent;
}

static void expire_send(struct loop *l, struct conn *c)
{
    if (waits_for_us(c)) {
        c->due = 0;
    } else if (taken_at_most(l, c) < c->due) {
        conn_close(l, c, CONN_CLOSE_TIMEOUT);
        return;
    }
    demand(l, c, taken(c));
    deadline_set(&l->deadlines, &c->deadline, DEADLINE_SEND, l->clock.now);
}

// ---- the table ---------------------------------------------------------------------------------

typedef void conn_cb(struct loop *l, struct conn *c);

static const struct {
    uint32_t interest; // what the poller is to tell
    enum deadline_class class;
    conn_cb *receive; // first, when it is ready; NULL: nothing
    conn_cb *step;    // then
    conn_cb *expire;  // when the deadline has passed
} states[CONN_STATES] = {
    [CONN_HEAD] = {POLLER_IN, DEADLINE_HEAD, receive_request, step_requests, expire_request},
    [CONN_IDLE] = {POLLER_IN, DEADLINE_IDLE, receive_request, step_requests, expire_silence},
    [CONN_LAST] = {POLLER_IN, DEADLINE_LAST, receive_request, step_requests, expire_last},
    [CONN_BODY] = {POLLER_IN, DEADLINE_BODY, receive_content, step_content, expire_request},
    // Exactly writable: unread input would stay ready, and the loop would spin.
    [CONN_SEND] = {POLLER_OUT, DEADLINE_SEND, NULL, step_send, expire_send},
    // Not even hang-ups are to be heard of: they would stay, and nothing can be done about them.
    [CONN_DISK] = {0, DEADLINE_DISK, NULL, NULL, NULL},
    [CONN_LINGER] = {POLLER_IN, DEADLINE_LINGER, receive_rest, step_linger, expire_silence},
};

static bool is_answer(enum deadline_class class)
{
    return class == DEADLINE_SEND || class == DEADLINE_DISK;
}

static void enter_class(struct loop *l, struct conn *c, enum deadline_class class)
{
    // It is the same answer that goes from the one to the other.
    bool goes_on = is_answer(c->deadline.class) && is_answer(class);
    deadline_set(&l->deadlines, &c->deadline, class, l->clock.now);
    if (!goes_on) {
        flight_drop(&l->slot->flights, c->flight);
        c->flight = is_answer(class) ? flight_keep(&l->slot->flights, l->clock.now) : 0;
    }
    if (class == DEADLINE_SEND) {
        c->due = 0;
        demand(l, c, taken(c));
    }
}

// What the poller has to tell from now on. 0 or a negative errno.
static int watch(struct loop *l, struct conn *c, uint32_t interest)
{
    int error = 0;
    if (c->interest && !interest)
        poller_remove(&l->poller, c->source.fd);
    else if (interest && !c->interest)
        error = poller_add(&l->poller, c->source.fd, interest, c);
    else if (interest != c->interest)
        error = poller_set(&l->poller, c->source.fd, interest, c);
    c->interest = (uint8_t)interest;
    return error;
}

// Brings deadline and poller in line with the state.
static void settle(struct loop *l, struct conn *c)
{
    enum deadline_class class = states[c->state].class;

    if (c->state == CONN_FREE)
        return;
    if (c->deadline.class != class)
        enter_class(l, c, class);
    if (watch(l, c, states[c->state].interest) < 0)
        conn_close(l, c, CONN_CLOSE_MEMORY);
}

void conn_receive(struct loop *l, struct conn *c)
{
    if (states[c->state].receive)
        states[c->state].receive(l, c);
}

void conn_advance(struct loop *l, struct conn *c)
{
    if (c->broken) {
        conn_close(l, c, CONN_CLOSE_RESET);
        return;
    }
    l->budget = OUTPUT_BUDGET;
    states[c->state].step(l, c);
    settle(l, c);
    flight_end(&l->slot->flights);
}

void conn_go_on(struct loop *l, struct conn *c)
{
    c->reading = NULL;
    c->state = CONN_SEND; // the poller tells when there is room in the socket
    settle(l, c);
}

void conn_expire(struct loop *l, struct conn *c)
{
    int64_t since = c->deadline.since;
    // On a busy machine, or after a suspension, what the client sent in time may wait to be read.
    conn_receive(l, c);
    conn_advance(l, c);
    if (c->state == CONN_FREE || c->deadline.since != since)
        return;
    l->budget = OUTPUT_BUDGET;
    states[c->state].expire(l, c);
    settle(l, c);
    flight_end(&l->slot->flights);
}

void conn_drain(struct loop *l, struct conn *c)
{
    if (c->state == CONN_IDLE || (c->state == CONN_HEAD && !c->in)) {
        c->state = CONN_LAST;
        settle(l, c);
    }
}

void conn_unwatch(struct loop *l, struct conn *c)
{
    poller_remove(&l->poller, c->source.fd);
    c->interest = 0;
}

void conn_watch(struct loop *l, struct conn *c)
{
    settle(l, c);
}

bool conn_resume(struct loop *l, struct conn *c, int64_t since)
{
    uint32_t interest = states[c->state].interest;
    if (c->state == CONN_SEND) {
        flight_begin(&l->slot->flights, &c->peer, (struct slice){0}, l->clock.now);
        c->flight = flight_keep(&l->slot->flights, l->clock.now);
        flight_end(&l->slot->flights);
    }
    deadline_set_since(&l->deadlines, &c->deadline, states[c->state].class, since);
    if (poller_add(&l->poller, c->source.fd, interest, c) < 0)
        return false;
    c->interest = (uint8_t)interest;
    return true;
}
