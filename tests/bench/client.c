// The client of the benchmark: a closed loop of connections on one processor, which asks as fast as
// it is answered and checks every answer. It never sleeps: a client that the server had to wake
// would be a part of what the server costs.
//
// usage: client --port PORT --requests FILE --text FILE [OPTION]...
//   --requests FILE     requests one after the other, as they are sent; more than one: at random
//   --text FILE         what all content is cut from, again and again (see verify.h)
//   --start N           where in the text content begins (0)
//   --stride N          how much later that of each further request of the file begins (0)
//   --status N          of all answers (200)
//   --length N          of their content
//   --bodiless          only heads come
//   --sample N          compare so many bytes of each piece, and throw the rest away unseen (all)
//   --connections N     (64)
//   --depth N           requests at once on each (1)
//   --close             a connection for each request. To connect costs a client more than it
//                       costs a server: so all are made first, and then all ask at once
//   --warm-up SECONDS   before the measurement (0.1)
//   --seconds SECONDS   of the measurement (1)
//   --answers N         instead of seconds, and without warming up
//   --pid PID           a process to measure; again for more
//
// Prints one line of JSON: answers and errors of the measurement, and the clocks of meter.h. The
// first error is told on stderr.
#include "arguments.h"
#include "common.h"
#include "meter.h"
#include "verify.h"

#include "base/util.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define EVENTS    64
#define PATIENCE  10  // seconds without an answer
#define ERRORS    100 // after which it is not worth while to go on

static struct {
    struct sockaddr_in server;
    unsigned connections, depth;
    bool close;
    double warm_up, seconds;
    uint64_t answers; // 0: by time
    struct expectation expected;
    struct meter meter;
} plan = {
    .connections = 64,
    .depth = 1,
    .warm_up = 0.1,
    .seconds = 1,
    .expected = {.status = 200, .sample = UINT64_MAX},
};

struct request {
    const char *data;
    size_t len;
};

static struct request *requests;
static size_t request_count;

struct conn {
    int fd;
    unsigned awaited, first; // a ring of requests that are not answered yet
    uint32_t which[DEPTH_MAX];
    struct answer answer;
};

static int poller;
static unsigned silent; // connections that have not asked yet, with --close
static uint64_t answers, errors;
static char input[256u << 10];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t random_below(size_t n)
{
    return (uint32_t)(random_bits() % n);
}

static void note_error(const char *what)
{
    if (errors++ == 0)
        fprintf(stderr, "client: %s\n", what);
    if (errors == ERRORS) {
        fprintf(stderr, "client: %d errors: given up\n", ERRORS);
        exit(1);
    }
}

// ---- a connection ------------------------------------------------------------------------------

// The socket's buffer holds a batch of requests nearly always.
static void send_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; // what is received tells
        if (n < 0)
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, PATIENCE * 1000);
        else
            data += n, len -= (size_t)n;
    }
}

// Asks as many requests as go on a connection at once.
static void ask(struct conn *c)
{
    static char batch[256u << 10];
    size_t len = 0;
    for (unsigned i = 0; i < plan.depth; i++) {
        uint32_t which = request_count > 1 ? random_below(request_count) : 0;
        const struct request *r = &requests[which];
        assert(len + r->len <= sizeof(batch));
        memcpy(batch + len, r->data, r->len);
        len += r->len;
        c->which[(c->first + c->awaited++) % DEPTH_MAX] = which;
    }
    send_all(c->fd, batch, len);
}

static void set_option(int fd, int name)
{
    if (setsockopt(fd, IPPROTO_TCP, name, &(int){1}, sizeof(int)) < 0)
        die("setsockopt");
}

// On the same machine a connection is there when connect returns.
static void come(struct conn *c)
{
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    // Here it means that the last packet of the handshake waits for the request.
    set_option(c->fd, TCP_DEFER_ACCEPT);
    if (!plan.close)
        set_option(c->fd, TCP_NODELAY);
    if (connect(c->fd, (struct sockaddr *)&plan.server, sizeof(plan.server)) < 0 &&
        errno != EINPROGRESS)
        die("connect");
    c->awaited = c->first = 0;
    c->answer.head_len = 0;
    c->answer.in_content = false;
    c->answer.at = 0;
    // With an answer for each connection its end is worth waiting for: all is there then.
    uint32_t interest = EPOLLRDHUP | EPOLLET | (plan.close ? 0 : EPOLLIN);
    struct epoll_event event = {.events = interest, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) < 0)
        die("epoll_ctl");
    if (plan.close)
        silent++;
    else
        ask(c);
}

static void come_again(struct conn *c)
{
    close(c->fd);
    come(c);
}

// Notes what became of the oldest request. Returns false when the connection is a new one now.
static bool conclude(struct conn *c, enum verdict v)
{
    if (v == VERDICT_MORE)
        return true;
    if (v == VERDICT_WRONG) {
        note_error(verify_reason());
        come_again(c);
        return false;
    }
    answers++;
    c->first = (c->first + 1) % DEPTH_MAX;
    c->awaited--;
    if (plan.close || v == VERDICT_CLOSES)
        return true; // its end comes next
    if (c->awaited == 0)
        ask(c);
    return true;
}

// Takes in what was received. Returns false when the connection is a new one now.
static bool take(struct conn *c, const char *data, size_t len)
{
    while (len) {
        if (c->awaited == 0) {
            note_error("bytes that nobody asked for");
            come_again(c);
            return false;
        }
        size_t used = 0;
        enum verdict v = verify_take(&c->answer, &plan.expected, c->which[c->first],
                                     slice_make(data, len), &used);
        data += used;
        len -= used;
        if (!conclude(c, v))
            return false;
    }
    return true;
}

// Throws content away that is not compared. Returns what recv does.
static ssize_t skip(struct conn *c)
{
    uint64_t most = MIN(verify_may_skip(&c->answer, &plan.expected), (uint64_t)1 << 30);
    if (most == 0)
        return 0;
    ssize_t n = recv(c->fd, NULL, most, MSG_TRUNC);
    if (n > 0)
        verify_skip(&c->answer, (uint64_t)n);
    return n;
}

static void on_end(struct conn *c)
{
    if (c->awaited)
        note_error("closed without an answer");
    come_again(c);
}

// Receives until there is no more: it will not be told again.
static void on_ready(struct conn *c, uint32_t events)
{
    bool sampling = plan.expected.sample < sizeof(input);
    bool ended = events & (EPOLLRDHUP | EPOLLHUP);
    size_t most = sampling ? MIN(plan.expected.sample + 1024, sizeof(input)) : sizeof(input);
    for (;;) {
        ssize_t n = recv(c->fd, input, most, 0);
        bool over = n == 0 || (n < 0 && errno != EAGAIN);
        if (!over && (n < 0 || !take(c, input, (size_t)n)))
            return;
        // A short read found all that there is.
        bool all = !sampling && (size_t)n < most;
        if (over || (all && ended))
            on_end(c);
        if (over || all)
            return;
        if (sampling)
            skip(c);
    }
}

// ---- the measurement ---------------------------------------------------------------------------

static void ask_all(struct conn *conns)
{
    for (unsigned i = 0; i < plan.connections; i++)
        ask(&conns[i]);
    silent = 0;
}

// A round of the loop. A server that says nothing for long has failed.
static void turn(struct conn *conns, double *last)
{
    struct epoll_event events[EVENTS];
    if (silent == plan.connections)
        ask_all(conns);
    int count = epoll_wait(poller, events, EVENTS, 0);
    for (int i = 0; i < count; i++)
        on_ready(events[i].data.ptr, events[i].events);
    if (count > 0) {
        *last = 0;
    } else if (*last == 0) {
        *last = now();
    } else if (now() - *last > PATIENCE) {
        fprintf(stderr, "client: no answer for %d s\n", PATIENCE);
        exit(1);
    }
}

static void run_for(struct conn *conns, double seconds)
{
    double last = 0, end = now() + seconds;
    // The clock is read now and then only.
    for (unsigned i = 0; i % 16 || now() < end; i++)
        turn(conns, &last);
}

static void run_until(struct conn *conns, uint64_t count)
{
    double last = 0;
    while (answers < count)
        turn(conns, &last);
}

static void measure(void)
{
    struct conn *conns = calloc(plan.connections, sizeof(*conns));
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (!conns || poller < 0)
        die("client");
    struct reading from = meter_read(&plan.meter);
    for (unsigned i = 0; i < plan.connections; i++)
        come(&conns[i]);
    if (plan.answers == 0) {
        run_for(conns, plan.warm_up);
        answers = 0;
        from = meter_read(&plan.meter);
        run_for(conns, plan.seconds);
    } else {
        run_until(conns, plan.answers);
    }
    struct reading r = meter_difference(from, meter_read(&plan.meter));
    printf("{\"answers\": %" PRIu64 ", \"errors\": %" PRIu64 ", \"seconds\": %.9f, \"cpu\": %.9f, "
           "\"client\": %.9f, \"delay\": %.9f, \"sleeps\": %.0f}\n",
           answers, errors, r.time, r.cpu, r.own, r.delay, r.sleeps);
}

// ---- arguments ---------------------------------------------------------------------------------

// Splits the file at the blank lines.
static void load_requests(const char *path)
{
    size_t len, room = 0;
    char *data = load_file(path, 1, &len), *end;
    while ((end = memmem(data, len, "\r\n\r\n", 4))) {
        size_t one = (size_t)(end + 4 - data);
        if (request_count == room) {
            room = MAX(64, room * 2);
            requests = realloc(requests, room * sizeof(*requests));
            if (!requests)
                die(path);
        }
        requests[request_count++] = (struct request){data, one};
        data += one;
        len -= one;
    }
}

static void add_pid(const char *text)
{
    int r = meter_add(&plan.meter, atoi(text));
    if (r < 0) {
        errno = -r;
        die(text);
    }
}

static void take_text(const char *path)
{
    plan.expected.text = load_file(path, 2, &plan.expected.period);
}

static bool read_arguments(int argc, char **argv)
{
    static const struct argument arguments[] = {
        {.name = "port", .port = &plan.server},
        {.name = "requests", .take = load_requests},
        {.name = "text", .take = take_text},
        {.name = "start", .number = &plan.expected.start},
        {.name = "stride", .number = &plan.expected.stride},
        {.name = "status", .count = &plan.expected.status},
        {.name = "length", .number = &plan.expected.length},
        {.name = "bodiless", .flag = &plan.expected.bodiless},
        {.name = "sample", .number = &plan.expected.sample},
        {.name = "connections", .count = &plan.connections},
        {.name = "depth", .count = &plan.depth},
        {.name = "close", .flag = &plan.close},
        {.name = "warm-up", .real = &plan.warm_up},
        {.name = "seconds", .real = &plan.seconds},
        {.name = "answers", .number = &plan.answers},
        {.name = "pid", .take = add_pid},
    };
    return arguments_read(argc, argv, arguments, ARRAY_SIZE(arguments)) && plan.server.sin_port &&
           request_count && plan.expected.text && plan.expected.period && plan.depth >= 1 &&
           plan.depth <= DEPTH_MAX;
}

int main(int argc, char **argv)
{
    if (!read_arguments(argc, argv)) {
        fprintf(stderr, "usage: client --port PORT --requests FILE --text FILE [OPTION]...\n");
        return 2;
    }
    measure();
    return errors ? 1 : 0;
}
