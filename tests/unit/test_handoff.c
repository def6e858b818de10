#include "looppair.h"

#include "base/log.h"
#include "server/handoff_record.h"
#include "sys/fdpass.h"

#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define CLOSING   "GET /hello.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
#define OK        "HTTP/1.1 200 OK\r\n"

// ---- moving changes nothing ---------------------------------------------------------------------

// `request` comes in two parts, between which the connection moves.
static void check_split(struct pair *p, struct slice request, const struct client *whole, size_t at)
{
    struct client c = client_open(p->from);
    client_send_bytes(&c, request.ptr, at);
    fixture_await(p->from, 1);
    fixture_round(p->from);
    pair_move(p);
    client_take(&c, 1 << 20);
    client_send_bytes(&c, request.ptr + at, request.len - at);
    for (int i = 0; i < 1000 && c.len < whole->len; i++) {
        if (i > 2)
            usleep(1000);
        fixture_round(p->to);
        client_take(&c, 1 << 20);
    }
    assert_int_equal(c.len, whole->len);
    assert_memory_equal(c.got, whole->got, whole->len);
    client_close(&c);
    fixture_await(p->to, 0);
}

static void test_every_split(void **state)
{
    static const struct {
        const char *request;
        size_t padding, step;
    } cases[] = {
        {GET("/hello.txt") GET("/none") "\r\n" GET("/"), 0, 1},
        {"GET /hello.txt HTTP/1.1\r\n" HOST "X: ", 9000, 509}, // more than a small block
        {"GET /hello.txt HTTP/1.1\r\n" HOST "X: ", 32000, 3001},
    };
    static char text[40000];
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b = buf_make(text, sizeof(text));
        buf_puts(&b, cases[i].request);
        for (size_t n = 0; n < cases[i].padding; n++)
            buf_putc(&b, 'x');
        if (cases[i].padding)
            buf_puts(&b, "\r\n\r\n");
        struct client whole = client_open(p.from);
        client_send_bytes(&whole, b.data, b.len);
        client_pump(p.from, &whole);
        assert_starts(whole.got, OK);
        client_close(&whole);
        fixture_await(p.from, 0);
        whole = client_open(p.from);
        client_send_bytes(&whole, b.data, b.len);
        client_pump(p.from, &whole);
        close(whole.fd);
        fixture_await(p.from, 0);
        for (size_t at = 0; at <= b.len; at += cases[i].step)
            check_split(&p, buf_slice(&b), &whole, at);
        free(whole.got);
    }
    pair_close(&p);
}

// The socket takes `cut` bytes at first; then the connection moves, perhaps several times.
static void check_cut(struct pair *p, const char *request, const struct client *whole, size_t cut)
{
    struct client c = client_open(p->from);
    allowance = (ssize_t)cut;
    client_send(&c, request);
    fixture_await(p->from, 1);
    fixture_round(p->from);
    assert_int_equal(fixture_conn(p->from)->state, CONN_SEND);
    pair_move(p);
    allowance = 1000; // some in the new one, still stuck
    fixture_round(p->to);
    allowance = -1;
    for (int i = 0; i < 2000 && c.len < whole->len; i++) {
        fixture_round(p->to);
        client_take(&c, 1 << 20);
    }
    assert_int_equal(c.len, whole->len);
    assert_memory_equal(c.got, whole->got, whole->len);
    client_close(&c);
    fixture_await(p->to, 0);
}

static void test_every_cut(void **state)
{
    static const struct {
        const char *request;
        size_t from, step, to;
    } cases[] = {
        {GET("/hello.txt"), 0, 7, 100},
        {GET("/hello.txt") GET("/none") GET("/sub"), 0, 61, 800},
        {GET("/hello.txt") GET("/medium.bin") GET("/hello.txt"), 0, 997, MEDIUM},
        {GET("/large.bin") GET("/hello.txt"), 0, 65537, LARGE},
        {"GET /large.bin HTTP/1.1\r\n" HOST "Range: bytes=100-99999\r\n\r\n", 50, 9999, 99000},
        {"HEAD /large.bin HTTP/1.1\r\n" HOST "\r\n" CLOSING, 0, 61, 300},
    };
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client whole = client_open(p.from);
        for (int again = 0; again < 2; again++) // the second time files are cached
            client_ask(p.from, &whole, again ? cases[i].request : GET("/large.bin"));
        client_pump(p.from, &whole);
        close(whole.fd);
        fixture_await(p.from, 0);
        for (size_t cut = cases[i].from; cut < cases[i].to; cut += cases[i].step)
            check_cut(&p, cases[i].request, &whole, cut);
        free(whole.got);
    }
    pair_close(&p);
}

static void assert_same(const struct conn *a, const struct conn *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->ending, b->ending);
    assert_int_equal(a->eof, b->eof);
    if (b->state == CONN_SEND)
        assert_int_equal(a->resume, b->resume);
    assert_int_equal(a->listener, b->listener);
    assert_int_equal(a->requests, b->requests);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->length, b->length);
    assert_int_equal(a->end - a->offset, b->end - b->offset);
    assert_int_equal(a->sent, b->sent);
    assert_int_equal(a->due, b->due);
    assert_int_equal(a->deadline.since, b->deadline.since);
    assert_int_equal(a->deadline.class, b->deadline.class);
    assert_int_equal(a->interest, b->interest);
    assert_memory_equal(&a->peer, &b->peer, sizeof(a->peer));
}

// Whatever stands in the slot is there afterwards, in each state.
static void test_fields(void **state)
{
    static const struct {
        const char *request;
        ssize_t allowance;
        bool eof, over_unix;
        enum conn_state state;
        enum conn_ending ending;
    } cases[] = {
        {"", -1, false, false, CONN_HEAD, CONN_STAYS},
        {"GET /", -1, false, false, CONN_HEAD, CONN_STAYS},
        {GET("/hello.txt"), -1, false, false, CONN_IDLE, CONN_STAYS},
        {GET("/hello.txt") "GET", -1, false, true, CONN_HEAD, CONN_STAYS},
        {GET("/hello.txt") GET("/large.bin"), 5000, false, false, CONN_SEND, CONN_STAYS},
        {GET("/large.bin") GET("/hello.txt") "G", 5000, false, false, CONN_SEND, CONN_STAYS},
        {GET("/medium.bin") GET("/hello.txt") "G", 5000, false, true, CONN_SEND, CONN_STAYS},
        {GET("/hello.txt") CLOSING, 10, false, false, CONN_SEND, CONN_CLOSES},
        {GET("/hello.txt") "nonsense\r\n\r\n", 10, false, false, CONN_SEND, CONN_LINGERS},
        {GET("/large.bin") GET("/hello.txt"), 5000, true, false, CONN_SEND, CONN_STAYS},
    };
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client c = cases[i].over_unix ? client_open_unix(p.from) : client_open(p.from);
        fixture_await(p.from, 1);
        allowance = cases[i].allowance;
        client_send(&c, cases[i].request);
        fixture_round(p.from);
        fixture_round(p.from);
        fixture_conn(p.from)->eof = cases[i].eof;
        struct conn before = *fixture_conn(p.from);
        assert_int_equal(before.state, cases[i].state);
        assert_int_equal(before.ending, cases[i].ending);
        fixture_clock.now += 5;
        pair_move(&p);
        assert_same(fixture_conn(p.to), &before);
        allowance = -1;
        client_close(&c);
        fixture_await(p.to, 0);
    }
    assert_int_equal(p.from->loop.slot->closed[CONN_CLOSE_HANDED], ARRAY_SIZE(cases));
    pair_close(&p);
}

// What a connection has asked for counts on, whoever answers.
static void test_requests_are_counted(void **state)
{
    (void)state;
    struct pair p = pair_make("limits.requests", "3", "limits.requests", "3");
    struct client c = client_open(p.from);
    client_ask(p.from, &c, GET("/hello.txt") GET("/hello.txt"));
    pair_move(&p);
    client_ask(p.to, &c, GET("/hello.txt"));
    assert_contains(c.got, "Connection: close\r\n");
    assert_true(c.eof && !c.reset);
    client_close(&c);
    pair_close(&p);
}

// Who is to be closed after the answer is, in order, by the new one.
static void test_endings(void **state)
{
    static const char *const requests[] = {CLOSING, "nonsense\r\n\r\n",
                                           "GET /hello.txt HTTP/1.0\r\n\r\n"};
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct client c = client_open(p.from);
        allowance = 10;
        client_send(&c, requests[i]);
        fixture_await(p.from, 1);
        fixture_round(p.from);
        pair_move(&p);
        allowance = -1;
        client_pump(p.to, &c);
        assert_starts(c.got, "HTTP/1.1 ");
        assert_contains(c.got, "Connection: close\r\n");
        assert_true(c.eof && !c.reset);
        client_close(&c);
        fixture_await(p.to, 0);
    }
    pair_close(&p);
}

static void test_file_is_truncated(void **state)
{
    char path[PATH_MAX];
    (void)state;
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    allowance = 100000;
    client_ask(p.from, &c, GET("/large.bin"));
    pair_move(&p);
    assert_int_equal(truncate(tempdir_path(&p.from->dir, "large.bin", path), 150000), 0);
    allowance = -1;
    client_pump(p.to, &c);
    assert_true(c.eof);
    assert_int_equal(c.len, (size_t)(content_of(c.got) - c.got) + 150000);
    assert_int_equal(p.to->loop.slot->closed[CONN_CLOSE_CHANGED], 1);
    client_close(&c);
    pair_close(&p);
}

// ---- times --------------------------------------------------------------------------------------

// Times that no honest sender has: nobody lives for ever, and nothing overflows.
static void test_impossible_times(void **state)
{
    static const int64_t sinces[] = {INT64_MIN, -1, INT64_MAX};
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < ARRAY_SIZE(sinces); i++) {
        struct client c = client_open(p.from);
        client_ask(p.from, &c, GET("/hello.txt"));
        fixture_conn(p.from)->deadline.since = sinces[i];
        pair_move(&p);
        int64_t since = fixture_conn(p.to)->deadline.since;
        assert_true(since >= 0 && since <= p.to->loop.clock.now);
        fixture_pass_time(p.to, (int64_t)p.to->conf->timeouts.idle);
        client_pump(p.to, &c);
        assert_true(c.eof);
        client_close(&c);
    }
    pair_close(&p);
}

// ---- who takes them -----------------------------------------------------------------------------

// Nothing waits: a loop that is short of descriptors does nothing about it.
static void test_nothing_there(void **state)
{
    (void)state;
    struct pair p = pair_open();
    int lowest = dup(0);
    close(lowest);
    assert_int_equal(handoff_take(&p.to->loop, p.sockets[0]), HANDOFF_NONE);
    limit_descriptors((rlim_t)lowest);
    assert_int_equal(handoff_take(&p.to->loop, p.sockets[0]), HANDOFF_NONE);
    limit_descriptors(0);
    assert_null(p.to->loop.closed);
    assert_int_equal(p.to->loop.connections, 0);
    pair_close(&p);
}

// The new configuration allows shorter heads: what has come already is refused, not written
// beyond its end.
static void test_shorter_heads(void **state)
{
    static char head[9000];
    (void)state;
    struct pair p = pair_make(NULL, NULL, "limits.fields", "256");
    memset(head, 'x', sizeof(head));
    memcpy(head, GET("/hello.txt"), strlen(GET("/hello.txt")) - 2);
    memcpy(head + strlen(GET("/hello.txt")) - 2, "X: ", 3);
    for (size_t at = 300; at <= 8900; at += 700) {
        struct client c = client_open(p.from);
        client_send_bytes(&c, head, at);
        fixture_await(p.from, 1);
        fixture_round(p.from);
        pair_move(&p);
        client_send(&c, "x");
        client_pump(p.to, &c);
        assert_starts(c.got, "HTTP/1.1 431 ");
        client_close(&c);
        fixture_await(p.to, 0);
    }
    pair_close(&p);
}

// A head of a few bytes borrows no more memory than it did.
static void test_small_heads_stay_small(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    client_ask(p.from, &c, "GET /");
    pair_move(&p);
    assert_int_equal(fixture_conn(p.to)->in->kind, BLOCK_KEPT);
    client_close(&c);
    pair_close(&p);
}

// On a server that stops, they get the last chance that others get.
static void test_taken_while_stopping(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    client_ask(p.from, &c, GET("/hello.txt"));
    p.to->leaving[2] = true;
    loop_poke(&p.to->loop, LOOP_RETIRING);
    fixture_round(p.to);
    assert_int_equal(handoff_send(&p.from->loop, fixture_conn(p.from)), HANDOFF_SENT);
    fixture_pass_time(p.to, 1200);
    assert_int_equal(fixture_conn(p.to)->state, CONN_LAST);
    client_ask(p.to, &c, GET("/hello.txt"));
    assert_contains(c.got, "Connection: close\r\n");
    assert_true(c.eof && !c.reset);
    client_close(&c);
    pair_close(&p);
}

// Where a connection arrived decides who answers; also when that listener is gone.
static void test_listeners(void **state)
{
    (void)state;
    struct pair p = pair_open();
    const struct endpoint tcp = p.from->addresses[0], named = p.from->addresses[1];
    struct endpoint any = tcp, other = tcp;
    any.in.sin_addr.s_addr = htonl(INADDR_ANY);
    other.in.sin_port ^= 1;
    const struct {
        struct endpoint first, second;
        size_t tcp, named;
    } cases[] = {
        {tcp, named, 0, 1}, {named, tcp, 1, 0},   {any, named, 0, 1},   {any, tcp, 1, 2},
        {other, any, 1, 2}, {other, named, 2, 1}, {named, named, 2, 0}, {other, other, 2, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        p.to->addresses[0] = cases[i].first;
        p.to->addresses[1] = cases[i].second;
        for (int over_unix = 0; over_unix < 2; over_unix++) {
            struct client c = over_unix ? client_open_unix(p.from) : client_open(p.from);
            client_ask(p.from, &c, GET("/hello.txt"));
            pair_move(&p);
            assert_int_equal(fixture_conn(p.to)->listener,
                             over_unix ? cases[i].named : cases[i].tcp);
            client_ask(p.to, &c, GET("/hello.txt"));
            assert_string_equal(content_of(c.got), HELLO);
            client_close(&c);
            fixture_await(p.to, 0);
        }
    }
    pair_close(&p);
}

// ---- the access log -----------------------------------------------------------------------------

static const char *read_log(struct fixture *f)
{
    static char text[4096];
    accesslog_flush(&f->loop.log, fixture_clock.now, true);
    tempdir_read(&f->dir, "log", text, sizeof(text));
    assert_int_equal(ftruncate(f->service.access_log, 0), 0);
    return text;
}

// The line of an answer is written once, by who ends it, with what was sent of the content.
static void test_log(void **state)
{
    static const char *const names[] = {"/medium.bin", "/large.bin"};
    static const size_t sizes[] = {MEDIUM, LARGE};
    char request[100], want[100];
    (void)state;
    struct pair p = pair_open();
    for (size_t i = 0; i < 4; i++) {
        bool whole = i < 2;
        struct client c = client_open(p.from);
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n" HOST "\r\n", names[i % 2]);
        allowance = 5000;
        client_ask(p.from, &c, request);
        pair_move(&p);
        assert_string_equal(read_log(p.from), "");
        assert_string_equal(read_log(p.to), "");
        allowance = whole ? -1 : 1000;
        client_pump(p.to, &c);
        size_t sent = c.len - (size_t)(content_of(c.got) - c.got);
        snprintf(want, sizeof(want), "] \"GET %s HTTP/1.1\" 200 %zu \"-\" \"-\"\n", names[i % 2],
                 whole ? sizes[i % 2] : sent);
        assert_true(whole || sent > 5000);
        client_close(&c);
        allowance = -1;
        fixture_await(p.to, 0);
        // Of one that was cut, what had left for the socket counts.
        const char *log = read_log(p.to);
        if (whole)
            assert_contains(log, want);
        assert_int_equal(count_text(log, "\n"), 1);
        assert_int_equal(count_text(log, "127.0.0.1 - - ["), 1);
        assert_string_equal(read_log(p.from), "");
    }
    pair_close(&p);
}

// An answer that is cut before a byte of its content has left.
static void test_log_of_nothing_sent(void **state)
{
    (void)state;
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    allowance = 10;
    client_ask(p.from, &c, GET("/medium.bin"));
    pair_move(&p);
    conn_close(&p.to->loop, fixture_conn(p.to), CONN_CLOSE_TIMEOUT);
    assert_contains(read_log(p.to), "\"GET /medium.bin HTTP/1.1\" 200 0 ");
    allowance = -1;
    client_close(&c);
    pair_close(&p);
}

// ---- messages that no sender sends --------------------------------------------------------------

// A right message with its descriptors, taken off the socket.
struct caught {
    char data[4096];
    size_t len;
    int fds[FDPASS_MAX];
    size_t fd_count;
};

static void catch (struct pair *p, struct caught *m)
{
    assert_int_equal(handoff_send(&p->from->loop, fixture_conn(p->from)), HANDOFF_SENT);
    ssize_t n = fdpass_receive_many(p->sockets[0], m->data, sizeof(m->data), m->fds, &m->fd_count);
    assert_true(n > 0);
    m->len = (size_t)n;
    fixture_round(p->from);
}

static void throw(const struct pair *p, const struct caught *m)
{
    const struct iovec part = {(void *)(uintptr_t)m->data, m->len};
    assert_int_equal(fdpass_send_parts(p->sockets[1], &part, 1, m->fds, m->fd_count), 0);
}

static void assert_refused(struct pair *p, const struct caught *m, const char *what)
{
    size_t before = count_fds();
    throw(p, m);
    if (handoff_take(&p->to->loop, p->sockets[0]) != HANDOFF_LOST)
        fail_msg("%s: taken", what);
    if (count_fds() != before)
        fail_msg("%s: descriptors stay open", what);
    assert_int_equal(p->to->loop.connections, 0);
}

static int datagram(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int blocking(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int other_family(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int device(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int directory(void)
{
    return open("/", O_RDONLY | O_CLOEXEC);
}

static int fresh_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static const struct {
    const char *what;
    int (*first)(void), (*second)(void); // NULL: as it was
} strangers[] = {
    {"a listener", fixture_listen, NULL},
    {"a datagram socket", datagram, NULL},
    {"a socket that blocks", blocking, NULL},
    {"a socket of another family", other_family, NULL},
    {"a device as the connection", device, NULL},
    {"a directory as the connection", directory, NULL},
    {"a device as the file", NULL, device},
    {"a directory as the file", NULL, directory},
    {"a socket as the file", NULL, fresh_socket},
};

static void refuse_strangers(struct pair *p, const struct caught *right)
{
    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
        struct caught m = *right;
        if (strangers[i].first)
            m.fds[0] = strangers[i].first();
        if (strangers[i].second)
            m.fds[1] = strangers[i].second();
        assert_true(m.fds[0] >= 0 && m.fds[1] >= 0);
        assert_refused(p, &m, strangers[i].what);
        for (size_t n = 0; n < 2; n++)
            if (m.fds[n] != right->fds[n])
                close(m.fds[n]);
    }
}

// An empty message looks like the end of file, but may bring descriptors.
static void refuse_empty(struct pair *p, const struct caught *right)
{
    struct caught m = *right;
    m.len = 0;
    for (m.fd_count = 1; m.fd_count <= 2; m.fd_count++)
        assert_refused(p, &m, "an empty message");
}

static void test_hostile_messages(void **state)
{
    struct caught right, m;
    (void)state;
    log_set_level(LOG_LEVEL_ERR);
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    allowance = 5000;
    client_ask(p.from, &c, GET("/large.bin") GET("/hello.txt"));
    catch (&p, &right);
    assert_int_equal(right.fd_count, 2);
    m = right;
    for (m.fd_count = 0; m.fd_count < 2; m.fd_count++)
        assert_refused(&p, &m, "descriptors are missing");
    for (m = right; --m.len > 0;)
        assert_refused(&p, &m, "cut off");
    m = right;
    m.len++;
    assert_refused(&p, &m, "too long");
    for (size_t bit = 0; bit < 64; bit++) { // what it begins with
        m = right;
        m.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_refused(&p, &m, "another version");
    }
    refuse_strangers(&p, &right);
    refuse_empty(&p, &right);
    throw(&p, &right); // after all of that
    assert_int_equal(handoff_take(&p.to->loop, p.sockets[0]), HANDOFF_TAKEN);
    close(right.fds[0]);
    close(right.fds[1]);
    allowance = -1;
    client_pump(p.to, &c);
    assert_pattern(content_of(c.got), LARGE);
    client_close(&c);
    pair_close(&p);
    log_set_level(LOG_LEVEL_INFO);
}

// Whatever the figures are, the loop lives: each byte of a right record is changed in turn.
static void test_hostile_figures(void **state)
{
    struct caught right;
    (void)state;
    log_set_level(LOG_LEVEL_ERR);
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    allowance = 5000;
    client_ask(p.from, &c, GET("/large.bin") GET("/hello.txt"));
    catch (&p, &right);
    allowance = 100;
    size_t taken = 0;
    for (size_t at = 0; at < sizeof(struct handoff_record); at++) {
        for (int value = 0x80; value; value >>= 1) {
            struct caught m = right;
            m.data[at] ^= (char)value;
            throw(&p, &m);
            taken += handoff_take(&p.to->loop, p.sockets[0]) == HANDOFF_TAKEN;
            fixture_round(p.to);
            if (p.to->loop.connections)
                conn_close(&p.to->loop, fixture_conn(p.to), CONN_CLOSE_RESET);
        }
    }
    assert_true(taken > 0);
    close(right.fds[0]);
    close(right.fds[1]);
    allowance = -1;
    client_close(&c);
    pair_close(&p);
    log_set_level(LOG_LEVEL_INFO);
}

// ---- memory -------------------------------------------------------------------------------------

// A connection with all that one can have moves while an allocation fails. True when it did fail.
static bool run_with_failure(const char *request, unsigned nth)
{
    struct pair p = pair_open();
    struct client c = client_open(p.from);
    allowance = 100;
    client_ask(p.from, &c, request);
    assert_int_equal(handoff_send(&p.from->loop, fixture_conn(p.from)), HANDOFF_SENT);
    size_t before = count_fds();
    fail_allocation(nth);
    enum handoff_taken taken = handoff_take(&p.to->loop, p.sockets[0]);
    bool failed = has_failed();
    fail_allocation(0);
    if (taken == HANDOFF_SHORTAGE)
        taken = handoff_take(&p.to->loop, p.sockets[0]);
    else
        assert_int_equal(taken, failed ? HANDOFF_LOST : HANDOFF_TAKEN);
    assert_int_equal(p.to->loop.connections, taken == HANDOFF_TAKEN);
    assert_true(taken == HANDOFF_TAKEN || count_fds() == before);
    allowance = -1;
    client_pump(p.to, &c);
    assert_int_equal(c.eof, taken == HANDOFF_LOST);
    if (taken == HANDOFF_TAKEN)
        assert_string_equal(c.got + c.len - strlen(HELLO), HELLO);
    client_close(&c);
    pair_close(&p);
    return failed;
}

static void test_every_allocation_may_fail(void **state)
{
    static const char *const requests[] = {GET("/large.bin") GET("/hello.txt"),
                                           GET("/medium.bin") GET("/hello.txt")};
    (void)state;
    log_set_level(LOG_LEVEL_ERR);
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        unsigned n = 1;
        while (run_with_failure(requests[i], n))
            n++;
        assert_true(n > 5); // it has met some
        assert_true(n < 50);
    }
    log_set_level(LOG_LEVEL_INFO);
}

// ---- the pair -----------------------------------------------------------------------------------

// The largest message that there can be goes over it.
static void test_pair_is_large_enough(void **state)
{
    static char data[HANDOFF_MAX], got[HANDOFF_MAX];
    int sockets[2], fd;
    (void)state;
    assert_int_equal(handoff_pair(sockets), 0);
    memset(data, 'x', sizeof(data));
    assert_int_equal(fdpass_send(sockets[1], data, sizeof(data), -1), 0);
    assert_int_equal(fdpass_receive(sockets[0], got, sizeof(got), &fd), sizeof(got));
    close(sockets[0]);
    close(sockets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_split, pair_setup),
        cmocka_unit_test_setup(test_every_cut, pair_setup),
        cmocka_unit_test_setup(test_fields, pair_setup),
        cmocka_unit_test_setup(test_requests_are_counted, pair_setup),
        cmocka_unit_test_setup(test_endings, pair_setup),
        cmocka_unit_test_setup(test_file_is_truncated, pair_setup),
        cmocka_unit_test_setup(test_impossible_times, pair_setup),
        cmocka_unit_test_setup(test_nothing_there, pair_setup),
        cmocka_unit_test_setup(test_shorter_heads, pair_setup),
        cmocka_unit_test_setup(test_small_heads_stay_small, pair_setup),
        cmocka_unit_test_setup(test_taken_while_stopping, pair_setup),
        cmocka_unit_test_setup(test_listeners, pair_setup),
        cmocka_unit_test_setup(test_log, pair_setup),
        cmocka_unit_test_setup(test_log_of_nothing_sent, pair_setup),
        cmocka_unit_test_setup(test_hostile_messages, pair_setup),
        cmocka_unit_test_setup(test_hostile_figures, pair_setup),
        cmocka_unit_test_setup(test_every_allocation_may_fail, pair_setup),
        cmocka_unit_test_setup(test_pair_is_large_enough, pair_setup),
    };
    return cmocka_run_group_tests_name("handoff", tests, NULL, NULL);
}
