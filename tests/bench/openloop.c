// The open-loop client of the benchmark: requests come when they come, at random with a given mean
// rate, whether those before are answered or not. Latency counts from the moment at which a request
// was due, so that a server that stands still is charged for all whom it keeps waiting (no
// coordinated omission). It never sleeps, on one processor of its own, and checks every answer.
//
// usage: openloop --port PORT --requests FILE --text FILE --length N [OPTION]...
//   --requests FILE     one request, as it is sent
//   --text FILE         what the content is cut from (see verify.h)
//   --length N          of the content
//   --connections N     that requests find free, or wait for (64)
//   --rate N            requests a second (20000)
//   --seconds SECONDS   (2)
//
// Prints one line of JSON; times in microseconds. "late" is how long after its time the client
// itself sent a request for which a connection was free, at worst.
#include "arguments.h"
#include "common.h"
#include "verify.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS   64
#define QUEUE    (1u << 20) // requests that wait for a connection
#define PATIENCE 5.0        // seconds after the last request was due

// Latencies are counted in classes of 1/64 of their power of two.
#define FINE    6
#define CLASSES (64u << FINE)

static struct {
    struct sockaddr_in server;
    unsigned connections;
    double rate, seconds;
    char *request;
    size_t request_len;
    struct expectation expected;
} plan = {
    .connections = 64,
    .rate = 20000,
    .seconds = 2,
    .expected = {.status = 200, .sample = UINT64_MAX},
};

struct conn {
    int fd;
    int64_t due; // of the request that is being answered
    struct answer answer;
};

static int poller;
static struct conn **unused; // connections without a request
static size_t unused_count;
static int64_t queue[QUEUE];
static size_t queue_first, queue_end;
static uint64_t counts[CLASSES], answers, errors;
static int64_t longest, late;
static char input[256u << 10];

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---- latencies ---------------------------------------------------------------------------------

static size_t class_of(int64_t ns)
{
    uint64_t v = (uint64_t)MAX(ns, 1);
    unsigned power = 63u - (unsigned)__builtin_clzll(v);
    if (power <= FINE)
        return (size_t)v;
    return ((size_t)(power - FINE) << FINE) + (size_t)(v >> (power - FINE));
}

static double value_of(size_t class)
{
    size_t power = class >> FINE;
    if (power < 2)
        return (double)class;
    return ldexp((double)((class & ((1u << FINE) - 1)) + (1u << FINE)), (int)power - 1);
}

// In us.
static double quantile(double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)answers), seen = 0;
    for (size_t i = 0; i < CLASSES; i++)
        if ((seen += counts[i]) >= rank)
            return value_of(i) / 1000;
    return 0;
}

static void note_latency(int64_t due)
{
    int64_t ns = now_ns() - due;
    counts[MIN(class_of(ns), (size_t)CLASSES - 1)]++;
    longest = MAX(longest, ns);
    answers++;
}

// ---- connections -------------------------------------------------------------------------------

static void come(struct conn *c)
{
    const int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&plan.server, sizeof(plan.server)) < 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
    c->answer.head_len = 0;
    c->answer.in_content = false;
    c->answer.at = 0;
    unused[unused_count++] = c;
}

static void fail(struct conn *c, const char *what)
{
    if (errors++ == 0)
        fprintf(stderr, "openloop: %s\n", what);
    close(c->fd);
    come(c);
}

static void ask(struct conn *c, int64_t due)
{
    c->due = due;
    if (send(c->fd, plan.request, plan.request_len, MSG_NOSIGNAL) != (ssize_t)plan.request_len)
        fail(c, "a request could not be sent");
}

// Those that are due go out, as far as connections are free. The last one that became free is the
// next: its data is in the processor's memory, and the others show what idle ones cost.
static void ask_due(void)
{
    bool waited = unused_count == 0;
    while (queue_first != queue_end && unused_count) {
        int64_t due = queue[queue_first++ % QUEUE];
        if (!waited)
            late = MAX(late, now_ns() - due);
        ask(unused[--unused_count], due);
    }
}

static void on_ready(struct conn *c)
{
    ssize_t n = recv(c->fd, input, sizeof(input), MSG_DONTWAIT);
    size_t used = 0;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fail(c, "closed without an answer");
        return;
    }
    enum verdict v = verify_take(&c->answer, &plan.expected, 0, slice_make(input, (size_t)n),
                                 &used);
    if (v == VERDICT_MORE)
        return;
    note_latency(c->due);
    if (v == VERDICT_WRONG)
        fail(c, verify_reason());
    else if (v == VERDICT_CLOSES)
        fail(c, "the server closes connections");
    else
        unused[unused_count++] = c;
}

// ---- the measurement ---------------------------------------------------------------------------

// The time to the next request: exponentially distributed.
static int64_t next_gap(void)
{
    double uniform = ((double)random_bits() + 1) / 9007199254740993.0;
    return (int64_t)(-log(uniform) / plan.rate * 1e9);
}

static void measure(void)
{
    struct epoll_event events[EVENTS];
    int64_t began = now_ns(), due = began, end = began + (int64_t)(plan.seconds * 1e9);
    int64_t patience = end + (int64_t)(PATIENCE * 1e9);
    uint64_t asked = 0;
    while ((due < end || answers < asked) && now_ns() < patience) {
        for (int64_t now = now_ns(); due <= now && due < end; due += next_gap(), asked++)
            if (queue_end - queue_first < QUEUE)
                queue[queue_end++ % QUEUE] = due;
        ask_due();
        int count = epoll_wait(poller, events, EVENTS, 0);
        for (int i = 0; i < count; i++)
            on_ready(events[i].data.ptr);
    }
    errors += asked - MIN(answers, asked);
    printf("{\"asked\": %" PRIu64 ", \"answers\": %" PRIu64 ", \"errors\": %" PRIu64
           ", \"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f, \"late\": %.1f}\n",
           asked, answers, errors, quantile(0.5), quantile(0.99), quantile(0.999),
           (double)longest / 1000, (double)late / 1000);
}

// ---- arguments ---------------------------------------------------------------------------------

static void take_request(const char *path)
{
    plan.request = load_file(path, 1, &plan.request_len);
}

static void take_text(const char *path)
{
    plan.expected.text = load_file(path, 2, &plan.expected.period);
}

static bool read_arguments(int argc, char **argv)
{
    static const struct argument arguments[] = {
        {.name = "port", .port = &plan.server},
        {.name = "requests", .take = take_request},
        {.name = "text", .take = take_text},
        {.name = "length", .number = &plan.expected.length},
        {.name = "connections", .count = &plan.connections},
        {.name = "rate", .real = &plan.rate},
        {.name = "seconds", .real = &plan.seconds},
    };
    return arguments_read(argc, argv, arguments, ARRAY_SIZE(arguments)) && plan.server.sin_port &&
           plan.request && plan.expected.text && plan.rate > 0 && plan.connections;
}

int main(int argc, char **argv)
{
    if (!read_arguments(argc, argv)) {
        fprintf(stderr, "usage: openloop --port PORT --requests FILE --text FILE --length N "
                        "[OPTION]...\n");
        return 2;
    }
    struct conn *conns = calloc(plan.connections, sizeof(*conns));
    unused = calloc(plan.connections, sizeof(struct conn *));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!conns || !unused || poller < 0)
        die("openloop");
    for (unsigned i = 0; i < plan.connections; i++)
        come(&conns[i]);
    measure();
    return errors ? 1 : 0;
}
