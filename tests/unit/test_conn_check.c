#include "support/loopfixture.h"
#include "support/slowsocket.h"

#include "server/conn_check.h"

#include <sys/wait.h>

// ---- connections in order -----------------------------------------------------------------------

static const struct {
    const char *sent;
    uint32_t interest;
    enum deadline_class class;
} ways[CONN_STATES] = {
    [CONN_FREE] = {NULL, 0, DEADLINE_NONE},
    [CONN_HEAD] = {"GET / HT", POLLER_IN, DEADLINE_FIRST},
    [CONN_IDLE] = {GET("/hello.txt"), POLLER_IN, DEADLINE_IDLE},
    [CONN_BODY] = {"POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n12", POLLER_IN,
                   DEADLINE_BODY},
    [CONN_SEND] = {GET("/large.bin") GET("/"), POLLER_OUT, DEADLINE_SEND},
    [CONN_LINGER] = {"nonsense\r\n\r\n", POLLER_IN, DEADLINE_LINGER},
};

// A loop with one connection, in that state.
struct scene {
    struct fixture *f;
    struct client client;
    struct conn *conn;
    enum conn_state state;
};

static struct scene scene_open(enum conn_state state)
{
    struct scene s = {.f = fixture_open(NULL), .state = state};
    scoreboard_lend(&s.f->served.scoreboard, 0,
                    true); // the process that commits a fault is a child
    s.client = client_open(s.f);
    fixture_await(s.f, 1);
    s.conn = fixture_conn(s.f);
    socket_allowance = state == CONN_SEND ? 1000 : -1;
    if (ways[state].sent)
        client_ask(s.f, &s.client, ways[state].sent);
    else
        client_close(&s.client);
    fixture_await(s.f, ways[state].sent ? 1 : 0);
    assert_int_equal(s.conn->state, state);
    socket_allowance = -1;
    return s;
}

static void scene_close(struct scene *s)
{
    if (s->client.fd >= 0)
        client_close(&s->client);
    fixture_close(s->f);
}

// ---- faults -------------------------------------------------------------------------------------

static struct block *spare(struct scene *s)
{
    struct block *b = bufpool_get(&s->f->loop.ctx.pool);
    b->end = 1;
    return b;
}

// X(state, fault): each in one statement about the connection `c` of the scene `s`.
#define FAULTS(X)                                                      \
    X(CONN_FREE, c->in = spare(s))                                     \
    X(CONN_FREE, c->out = spare(s))                                    \
    X(CONN_FREE, c->source.fd = 0)                                     \
    X(CONN_FREE, c->interest = POLLER_IN)                              \
    X(CONN_HEAD, c->state = CONN_STATES)                               \
    X(CONN_HEAD, c->state = CONN_IDLE)                                 \
    X(CONN_HEAD, c->state = CONN_SEND)                                 \
    X(CONN_HEAD, c->source.kind = SOURCE_LISTENER)                     \
    X(CONN_HEAD, c->source.fd = -1)                                    \
    X(CONN_HEAD, c->interest = POLLER_OUT)                             \
    X(CONN_HEAD, c->interest = 0)                                      \
    X(CONN_HEAD, c->eof = true)                                        \
    X(CONN_HEAD, c->ending = CONN_CLOSES)                              \
    X(CONN_HEAD, c->out = spare(s))                                    \
    X(CONN_HEAD, c->transfer.record = spare(s))                        \
    X(CONN_HEAD, c->in->start = c->in->end)                            \
    X(CONN_HEAD, c->in->start = c->in->end + 1)                        \
    X(CONN_HEAD, c->in->end = c->in->cap + 1)                          \
    X(CONN_HEAD, c->in->end = c->in->cap)                              \
    X(CONN_HEAD, c->scan.pos = 9)                                      \
    X(CONN_HEAD, c->inflight = 1)                                      \
    X(CONN_HEAD, c->deadline.class = DEADLINE_IDLE)                    \
    X(CONN_HEAD, list_remove(&c->deadline.link))                       \
    X(CONN_HEAD, s->f->loop.ctx.deadlines.counts[DEADLINE_FIRST] = 0)  \
    X(CONN_HEAD, c->deadline.since = s->f->loop.ctx.clock.now + 1)     \
    X(CONN_HEAD, s->f->loop.ctx.output.gathered = 1)                   \
    X(CONN_IDLE, c->in = spare(s))                                     \
    X(CONN_IDLE, c->scan.pos = 1)                                      \
    X(CONN_BODY, c->in = NULL)                                         \
    X(CONN_BODY, c->scan.pos = 0)                                      \
    X(CONN_BODY, c->content = CONTENT_END)                             \
    X(CONN_BODY, c->body.left = 0)                                     \
    X(CONN_SEND, c->transfer.offset = c->transfer.end + 1)             \
    X(CONN_SEND, c->transfer.offset = c->transfer.end)                 \
    X(CONN_SEND, c->transfer.file = NULL)                              \
    X(CONN_SEND, c->transfer.length = 1)                               \
    X(CONN_SEND, c->transfer.reading = &other)                         \
    X(CONN_SEND, (c->state = CONN_DISK, c->transfer.reading = &other)) \
    X(CONN_SEND, c->state = CONN_DISK)                                 \
    X(CONN_SEND, c->resume = CONN_IDLE)                                \
    X(CONN_SEND, (c->resume = CONN_BODY, c->in = NULL))                \
    X(CONN_SEND, c->inflight = INFLIGHT_MAX)                           \
    X(CONN_SEND, c->inflight = 2)                                      \
    X(CONN_LINGER, c->in = spare(s))                                   \
    X(CONN_LINGER, c->transfer.record = spare(s))

static struct reading other; // of another connection

static void commit_fault(struct scene *s, size_t number)
{
    struct conn *c = s->conn;
    size_t at = 0;
#define X(state, fault)   \
    if (at++ == number) { \
        fault;            \
    }
    FAULTS(X)
#undef X
}

static const struct {
    enum conn_state state;
    const char *text;
} faults[] = {
#define X(state, fault) {state, #fault},
    FAULTS(X)
#undef X
};

// ---- what is found ------------------------------------------------------------------------------

static void check(const struct scene *s)
{
    conn_check_now(&s->f->loop.ctx, s->conn, ways[s->state].interest, ways[s->state].class);
}

// Whether a process in which this fault is committed aborts.
static bool is_found(struct scene *s, size_t fault)
{
    const struct rlimit none = {0, 0};
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &none);
        close(STDERR_FILENO);
        commit_fault(s, fault);
        check(s);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(test_faults_are_found)
{
    for (enum conn_state of = CONN_FREE; of < CONN_STATES; of++) {
        if (of != CONN_FREE && !ways[of].sent)
            continue;
        struct scene s = scene_open(of);
        check(&s);
        for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
            if (faults[i].state == of && !is_found(&s, i))
                fail_msg("state %d: %s is not found", (int)of, faults[i].text);
        scene_close(&s);
    }
}

// A build for tests runs it after each step: a fault that is there is found by the next.
TEST(test_steps_are_checked)
{
    int status;
#ifndef CHECK_INVARIANTS
    skip();
#endif
    struct scene s = scene_open(CONN_LINGER);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(STDERR_FILENO);
        s.conn->in = spare(&s);
        client_send(&s.client, "x");
        fixture_round(s.f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    scene_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_are_found),
        cmocka_unit_test(test_steps_are_checked),
    };
    return cmocka_run_group_tests_name("conn_check", tests, NULL, NULL);
}
