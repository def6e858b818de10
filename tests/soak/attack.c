#include "attack.h"

#include "base/util.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

// The most that one connection sends.
#define SIZE_MAX_SENT (192u << 10)

struct rng {
    uint64_t state;
};

// splitmix64: every seed gives a sequence of its own.
static uint64_t next(struct rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

// 0 … n-1
static size_t below(struct rng *r, size_t n)
{
    return n ? next(r) % n : 0;
}

static bool one_in(struct rng *r, size_t n)
{
    return below(r, n) == 0;
}

// ---- bytes -------------------------------------------------------------------------------------

// Puts `len` bytes at `at`, as far as there is room.
static void insert(struct attack *a, size_t at, const char *bytes, size_t len)
{
    len = MIN(len, SIZE_MAX_SENT - a->len);
    memmove(a->data + at + len, a->data + at, a->len - at);
    memcpy(a->data + at, bytes, len);
    a->len += len;
}

static void append(struct attack *a, const char *text)
{
    insert(a, a->len, text, strlen(text));
}

// ---- requests in good order --------------------------------------------------------------------

// The files that the server is to be started with: / and /index.html, /mid and /big of 20,000 and
// 300,000 bytes, a directory /dir with an index.html, a FIFO /fifo; content up to 64K. No content
// begins with 'H'.
static const struct request {
    const char *text;
    int status;
    bool is_head;
    bool is_last; // the connection does not persist after it
} requests[] = {
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false, false},
    {"GET /index.html HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: hostile\r\nAccept: "
     "text/html,*/*;q=0.1\r\nAccept-Encoding: gzip, br\r\nReferer: http://a/\r\n\r\n",
     200, false, false},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, true, false},
    {"HEAD /big HTTP/1.1\r\nHost: [::1]\r\n\r\n", 200, true, false},
    {"GET /mid HTTP/1.1\r\nHost: a\r\n\r\n", 200, false, false},
    {"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 200, false, false},
    {"GET /mid HTTP/1.1\r\nHost: a\r\nRange: bytes=10-99\r\n\r\n", 206, false, false},
    {"GET /mid HTTP/1.1\r\nHost: a\r\nRange: bytes=99999-\r\n\r\n", 416, false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", 304, false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nIf-Match: \"none\"\r\n\r\n", 412, false, false},
    {"GET /none?x=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 404, false, false},
    {"GET /fifo HTTP/1.1\r\nHost: a\r\n\r\n", 403, false, false},
    {"GET /dir HTTP/1.1\r\nHost: a\r\n\r\n", 301, false, false},
    {"GET http://a:80/dir/ HTTP/1.1\r\nHost: a:80\r\n\r\n", 200, false, false},
    {"\r\n\r\nGET /dir/%2e%2e/%2e/dir/../ HTTP/1.1\r\nhOST:a\r\n\r\n", 200, false, false},
    {"GET /%2e%2e/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, false, false},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, false, false},
    {"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", 501, false, false},
    {"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, false, false},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello\r\nGET ", 405, false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\r\n\r\n", 200, false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\nA\r\n"
     "0123456789\r\n0\r\nX: y\r\n\r\n",
     200, false, false},
    {"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n000001\r\n\n\r\n0\r\n\r\n",
     405, false, false},
    {"GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", 200, false,
     false},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false, false},
    {"GET / HTTP/1.0\r\n\r\n", 200, false, true},
    {"HEAD /mid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, true, true},
    {"GET /big HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n", 200, false, true},
};

static const struct request *any_request(struct rng *r)
{
    return &requests[below(r, ARRAY_SIZE(requests))];
}

static void add_known(struct attack *a, struct rng *r)
{
    // Mostly few; now and then a pipeline.
    size_t count = one_in(r, 8) ? below(r, ATTACK_KNOWN) : below(r, 4);
    bool is_last = false;
    for (size_t i = 0; i < count && !is_last; i++) {
        const struct request *one = any_request(r);
        append(a, one->text);
        a->known[a->known_count].status = one->status;
        a->known[a->known_count++].is_head = one->is_head;
        is_last = one->is_last;
    }
}

// ---- mutations: each changes data[from...] -----------------------------------------------------

static void flip_bits(struct attack *a, size_t from, struct rng *r)
{
    for (size_t n = 1 + below(r, 4); n && from < a->len; n--)
        a->data[from + below(r, a->len - from)] ^= (char)(1u << below(r, 8));
}

static void truncate_tail(struct attack *a, size_t from, struct rng *r)
{
    a->len = from + below(r, a->len - from + 1);
}

static void remove_span(struct attack *a, size_t from, struct rng *r)
{
    size_t at = from + below(r, a->len - from + 1);
    size_t len = below(r, MIN(a->len - at, (size_t)40) + 1);
    memmove(a->data + at, a->data + at + len, a->len - at - len);
    a->len -= len;
}

// A part again, and perhaps very often: lines and values beyond every limit.
static void repeat_span(struct attack *a, size_t from, struct rng *r)
{
    char span[128];
    size_t at = from + below(r, a->len - from + 1);
    size_t len = below(r, MIN(a->len - at, sizeof(span)) + 1);
    size_t times = one_in(r, 6) ? below(r, 4000) : 1 + below(r, 4);
    memcpy(span, a->data + at, len);
    for (size_t i = 0; i < times; i++)
        insert(a, at, span, len);
}

static void insert_noise(struct attack *a, size_t from, struct rng *r)
{
    char noise[64];
    size_t len = 1 + below(r, sizeof(noise));
    for (size_t i = 0; i < len; i++)
        noise[i] = (char)next(r);
    insert(a, from + below(r, a->len - from + 1), noise, len);
}

// Inserts bytes that mean something to a parser, and mislead a careless one.
static void insert_token(struct attack *a, size_t from, struct rng *r)
{
    static const struct {
        const char *text;
        size_t len;
    } tokens[] = {
#define TOKEN(text) {text, sizeof(text) - 1}
        TOKEN("\r"),
        TOKEN("\n"),
        TOKEN("\r\n"),
        TOKEN("\r\n\r\n"),
        TOKEN("\r\n "),
        TOKEN("\0"),
        TOKEN(" "),
        TOKEN("\t"),
        TOKEN(":"),
        TOKEN("/"),
        TOKEN("?"),
        TOKEN("#"),
        TOKEN("%00"),
        TOKEN("%"),
        TOKEN("%2f"),
        TOKEN("/../../../etc/passwd"),
        TOKEN("http://"),
        TOKEN("\\"),
        TOKEN("HTTP/1.0"),
        TOKEN("HTTP/9.9"),
        TOKEN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        TOKEN("\x16\x03\x01\x02"),
        TOKEN("Content-Length: 5\r\n"),
        TOKEN("Content-Length: 0\r\n"),
        TOKEN("Content-Length: 18446744073709551616\r\n"),
        TOKEN("Content-Length: -1\r\n"),
        TOKEN("Content-Length: 70000\r\n"),
        TOKEN("Transfer-Encoding: chunked\r\n"),
        TOKEN("Transfer-Encoding: gzip, chunked\r\n"),
        TOKEN("Transfer-Encoding : chunked\r\n"),
        TOKEN("0\r\n\r\n"),
        TOKEN("ffffffffffffffff\r\n"),
        TOKEN("10000000000000000\r\n"),
        TOKEN("5;\r\nhello\r\n"),
        TOKEN("5\nhello\n"),
        TOKEN("0x5\r\nhello\r\n"),
        TOKEN("-1\r\n"),
        TOKEN("Host: b\r\n"),
        TOKEN("Host: a, b\r\n"),
        TOKEN("Connection: close\r\n"),
        TOKEN("Connection: keep-alive\r\n"),
        TOKEN("Expect: 100-continue\r\n"),
        TOKEN("Expect: 200-ok\r\n"),
        TOKEN("Range: bytes=0-0,1-1,-1,5-\r\n"),
        TOKEN("Range: bytes=-0\r\n"),
        TOKEN("If-None-Match: \"\r\n"),
        TOKEN("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        TOKEN("If-Range: W/\"\"\r\n"),
#undef TOKEN
    };
    size_t which = below(r, ARRAY_SIZE(tokens));
    insert(a, from + below(r, a->len - from + 1), tokens[which].text, tokens[which].len);
}

// The same, where it is best understood: at the begin of a line.
static void insert_line(struct attack *a, size_t from, struct rng *r)
{
    char *at = memchr(a->data + from, '\n', a->len - from);
    for (size_t n = below(r, 4); at && n; n--) {
        char *after = memchr(at + 1, '\n', a->len - (size_t)(at + 1 - a->data));
        at = after ? after : at;
    }
    size_t line = at ? (size_t)(at + 1 - a->data) : from;
    size_t rest = a->len - line;
    // Inserted at the end of what precedes the line.
    char *kept = malloc(rest + 1);
    assert(kept);
    memcpy(kept, a->data + line, rest);
    a->len = line;
    insert_token(a, line, r);
    insert(a, a->len, kept, rest);
    free(kept);
}

// Content in chunks, of which some are wrong, up to more than the limit.
static void append_chunks(struct attack *a, size_t from, struct rng *r)
{
    static const char *const chunks[] = {"1\r\nx\r\n", "a\r\n0123456789\r\n", "3\r\nabc\r\n",
                                         "1\r\nx\r\n", "2\r\nx\r\n",          "1;\"\r\nx\r\n",
                                         "g\r\n",      "1\r\nxx\r\n",         "1 \r\nx\r\n"};
    (void)from;
    append(a, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Three of four connections see only sizes that are right.
    size_t kinds = one_in(r, 4) ? ARRAY_SIZE(chunks) : 4;
    for (size_t n = one_in(r, 8) ? below(r, 12000) : below(r, 20); n; n--)
        append(a, chunks[below(r, kinds)]);
    append(a, "0\r\n");
    for (size_t n = one_in(r, 8) ? below(r, 10000) : below(r, 3); n; n--)
        append(a, "X-Trailer: y\r\n");
    append(a, "\r\n");
}

typedef void mutate_cb(struct attack *a, size_t from, struct rng *r);

static mutate_cb *const mutations[] = {flip_bits,   truncate_tail, remove_span,
                                       repeat_span, insert_noise,  insert_token,
                                       insert_line, insert_line,   append_chunks};

static void add_tail(struct attack *a, struct rng *r)
{
    size_t from = a->len;
    a->has_tail = true;
    if (one_in(r, 12)) {
        for (size_t n = 1 + below(r, 60); n; n--)
            insert_noise(a, from, r);
        return;
    }
    for (size_t n = 1 + below(r, 3); n; n--)
        append(a, any_request(r)->text);
    for (size_t n = 1 + below(r, 5); n; n--)
        mutations[below(r, ARRAY_SIZE(mutations))](a, from, r);
}

// ---- time --------------------------------------------------------------------------------------

static void cut_into_pieces(struct attack *a, struct rng *r)
{
    size_t count = one_in(r, 2) ? 1 : 1 + below(r, ATTACK_PIECES);
    size_t at = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        // Small steps as well as large ones.
        at += below(r, one_in(r, 2) ? MIN(a->len - at, (size_t)8) + 1 : a->len - at + 1);
        a->pieces[i].end = at;
        a->pieces[i].pause = one_in(r, 2) ? 0 : (unsigned)below(r, 4);
    }
    a->pieces[count - 1].end = a->len;
    a->piece_count = (unsigned)count;
}

static enum attack_end any_end(struct rng *r)
{
    static const unsigned char weights[ATTACK_ENDS] = {[ATTACK_READ] = 6,
                                                       [ATTACK_FINISH] = 6,
                                                       [ATTACK_CLOSE] = 2,
                                                       [ATTACK_RESET] = 2,
                                                       [ATTACK_STALL] = 1};
    size_t sum = 0, end = 0;
    for (size_t i = 0; i < ATTACK_ENDS; i++)
        sum += weights[i];
    for (size_t left = below(r, sum); left >= weights[end]; end++)
        left -= weights[end];
    return (enum attack_end)end;
}

void attack_make(struct attack *a, uint64_t seed, uint64_t number)
{
    struct rng r = {seed * 0x9e3779b97f4a7c15 ^ number * 0xd1342543de82ef95};
    *a = (struct attack){.data = malloc(SIZE_MAX_SENT)};
    assert(a->data);
    add_known(a, &r);
    if (a->known_count == 0 || !one_in(&r, 3))
        add_tail(a, &r);
    a->end = any_end(&r);
    a->stall = (unsigned)below(&r, 700);
    // A client that leaves does so at any byte.
    if (a->end == ATTACK_CLOSE || a->end == ATTACK_RESET)
        a->len = below(&r, a->len + 1);
    cut_into_pieces(a, &r);
}

void attack_cleanup(struct attack *a)
{
    free(a->data);
    a->data = NULL;
}
