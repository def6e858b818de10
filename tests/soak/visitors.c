// Keeps connections of every kind open at a server, uses them, and counts what is done to them.
//
// usage: visitors [--idle N] [--plain N] [--pipelining N] [--halting N] [--downloading N] [--fresh
// N]
//                 [--seed S] ADDRESS...
//        visitors --make FILE SIZE
//
// ADDRESS is 127.0.0.1:PORT, [::1]:PORT, unix:PATH or unix:@NAME; connections are dealt out to all
// of them. The server has small.bin, medium.bin and large.bin, made by --make: each byte tells its
// place. Idle visitors ask once and stay; the others ask again and again, some many requests at
// once, some with a pause in the middle of a request, some read slowly; fresh ones come with a new
// connection for each request. Who is failed is counted by cause, and comes again.
//
// Says "ready" when all are there. Then lines from the standard input are obeyed:
//   report   says what was counted, as JSON
//   ask      lets each idle visitor ask once more; says how many were answered
//   end      the same as report, and ends
#include "target.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SMALL  600
#define MEDIUM 20000
#define HOST   "Host: localhost\r\n"

#define SLOW     1000  // ms that an answer may take
#define PATIENCE 20000 // ms until an answer will never come
#define AT_ONCE  128   // connections being made
#define PIPELINE 8     // requests at once

#define READ_SIZE  (48u << 10) // of a slow reader,
#define READ_PAUSE 25          // each so many ms

// X(id, name, text): what can be done to a visitor.
#define CAUSE_TABLE(X)                                               \
    X(CLOSED, "fin_idle", "closed between requests")                 \
    X(RACED, "fin_asked", "closed with a request on its way")        \
    X(RESET, "rst", "reset")                                         \
    X(TURNED, "rst_new", "reset or closed before its first answer")  \
    X(SHORT, "short", "closed within an answer")                     \
    X(BYTE, "byte", "a wrong byte of content")                       \
    X(STATUS, "status", "another answer than 200 of the right size") \
    X(TOLD, "told", "told to close, though it wants to stay")        \
    X(SLOW, "slow", "answered after more than a second")             \
    X(NEVER, "never", "not answered")                                \
    X(REFUSED, "refused", "cannot connect")

enum cause {
#define X(id, name, text) CAUSE_##id,
    CAUSE_TABLE(X)
#undef X
        CAUSES
};

enum role { IDLE, PLAIN, PIPELINING, HALTING, DOWNLOADING, FRESH, ROLES };
static const char *const role_names[] = {"idle",    "plain",       "pipelining",
                                         "halting", "downloading", "fresh"};

enum page { PAGE_SMALL, PAGE_MEDIUM, PAGE_LARGE, PAGES };
static const char *const page_names[] = {"small.bin", "medium.bin", "large.bin"};

struct visitor {
    int fd; // -1: not there
    enum role role;
    bool connected, at_rest;
    bool came;     // has been answered once
    bool answered; // on this connection
    uint32_t interest;
    int64_t wake;  // ms; does something no earlier. 0: nothing to do
    int64_t asked; // when the request was complete that is answered next
    // What is to be sent.
    char *out;
    size_t out_len, out_sent;
    size_t halt; // a pause after so many bytes
    // What is awaited, in order.
    enum page awaited[PIPELINE];
    unsigned awaited_count;
    bool noted_slow;
    // The answer that is being read.
    char head[2048];
    size_t head_len;
    bool in_body, closes;
    uint64_t at, left;
};

static struct target targets[16];
static size_t target_count, next_target;

static struct visitor *visitors;
static size_t visitor_count;
static size_t connecting;

static struct {
    uint64_t causes[CAUSES], by_role[ROLES][CAUSES];
    uint64_t answers, bytes, failures;
    int64_t slowest;
} totals;

static uint64_t random_state = 1;
static int poller;
static int64_t now;

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 11) % n);
}

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(2);
}

// Of every file.
static char pattern_at(uint64_t i)
{
    return (char)('a' + (i + i / 251 + i / 65521) % 26);
}

// ---- coming and going --------------------------------------------------------------------------

static void leave(struct visitor *v)
{
    if (!v->connected)
        connecting--;
    close(v->fd);
    free(v->out);
    const enum role role = v->role;
    const bool came = v->came;
    *v = (struct visitor){.fd = -1, .role = role, .came = came, .wake = now + 1};
}

static void note(const struct visitor *v, enum cause cause)
{
    totals.causes[cause]++;
    totals.by_role[v->role][cause]++;
}

static void fail(struct visitor *v, enum cause cause)
{
    note(v, cause);
    totals.failures++;
    leave(v);
    v->wake = now + 10 + random_below(40);
}

static bool is_idle(const struct visitor *v)
{
    return v->awaited_count == 0 && v->out_sent == v->out_len;
}

static void fail_end(struct visitor *v, bool reset)
{
    if (v->in_body || v->head_len)
        fail(v, CAUSE_SHORT);
    else if (!v->answered)
        fail(v, CAUSE_TURNED);
    else if (reset)
        fail(v, CAUSE_RESET);
    else
        fail(v, is_idle(v) || (v->awaited_count == 0 && v->out_sent == 0) ? CAUSE_CLOSED
                                                                          : CAUSE_RACED);
}

static void settle(struct visitor *v)
{
    if (v->fd < 0)
        return;
    bool writes = !v->connected || (v->out_sent < v->out_len && v->wake <= now);
    bool reads = v->connected && (v->role != DOWNLOADING || v->wake <= now || !v->in_body);
    uint32_t interest = (writes ? EPOLLOUT : 0u) | (reads ? EPOLLIN : 0u);
    if (interest == v->interest)
        return;
    struct epoll_event event = {.events = interest, .data.ptr = v};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, v->fd, &event) < 0)
        die("epoll_ctl");
    v->interest = interest;
}

static void come(struct visitor *v)
{
    // What a slow reader has not read is to wait at the server.
    int error, buffer = v->role == DOWNLOADING ? READ_SIZE : 0;
    int fd = target_connect(&targets[next_target++ % target_count], buffer, &error);
    if (fd < 0)
        die("socket");
    if (error) {
        // A full queue of a UNIX socket is no refusal: a TCP client would wait as well.
        if (error != EAGAIN)
            note(v, CAUSE_REFUSED);
        close(fd);
        next_target--; // the same again
        v->wake = now + (error == EAGAIN ? 2 : 20);
        return;
    }
    v->fd = fd;
    v->connected = v->at_rest = false;
    v->wake = 0;
    v->interest = EPOLLOUT;
    v->asked = now;
    connecting++;
    struct epoll_event event = {.events = v->interest, .data.ptr = v};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
}

// ---- asking ------------------------------------------------------------------------------------

static void put_request(struct visitor *v, enum page page, size_t padding, const char *field)
{
    char line[200];
    int n = snprintf(line, sizeof(line), "GET /%s HTTP/1.1\r\n" HOST "%s", page_names[page], field);
    v->out = realloc(v->out, v->out_len + (size_t)n + padding + 20);
    assert(v->out);
    memcpy(v->out + v->out_len, line, (size_t)n);
    v->out_len += (size_t)n;
    if (padding) {
        memcpy(v->out + v->out_len, "X-Pad: ", 7);
        memset(v->out + v->out_len + 7, 'x', padding);
        memcpy(v->out + v->out_len + 7 + padding, "\r\n", 2);
        v->out_len += padding + 9;
    }
    memcpy(v->out + v->out_len, "\r\n", 2);
    v->out_len += 2;
    v->awaited[v->awaited_count++] = page;
}

// Begins what its role does next.
static void ask(struct visitor *v)
{
    v->out_len = v->out_sent = v->halt = 0;
    v->at_rest = v->noted_slow = false;
    v->wake = 0;
    v->asked = now;
    switch (v->role) {
    case PIPELINING:
        for (int i = 0; i < PIPELINE; i++)
            put_request(v, random_below(4) ? PAGE_SMALL : PAGE_MEDIUM, 0, "");
        break;
    case HALTING:
        // Some of them with more than a small block of the server holds.
        put_request(v, PAGE_SMALL, random_below(4) ? 0 : 6000, "");
        v->halt = 1 + random_below((uint32_t)v->out_len - 1);
        break;
    case DOWNLOADING:
        put_request(v, PAGE_LARGE, 0, "");
        break;
    case FRESH:
        put_request(v, PAGE_SMALL, 0, "Connection: close\r\n");
        break;
    default:
        put_request(v, PAGE_SMALL, 0, "");
    }
}

static void send_due(struct visitor *v)
{
    while (v->out_sent < v->out_len && v->wake <= now) {
        size_t end = v->out_sent < v->halt ? v->halt : v->out_len;
        ssize_t n = send(v->fd, v->out + v->out_sent, end - v->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            fail_end(v, errno == ECONNRESET);
            return;
        }
        v->out_sent += (size_t)n;
        if (v->out_sent == v->halt)
            v->wake = now + 50 + random_below(350);
        v->asked = now;
    }
}

// All that was asked for has come.
static void rest(struct visitor *v)
{
    static const uint32_t pauses[ROLES] = {
        [PLAIN] = 20, [PIPELINING] = 20, [HALTING] = 50, [DOWNLOADING] = 100, [FRESH] = 10};
    v->came = v->answered = v->at_rest = true;
    free(v->out);
    v->out = NULL;
    v->out_len = v->out_sent = 0;
    if (v->role != IDLE)
        v->wake = now + 1 + random_below(pauses[v->role]);
}

// ---- reading answers ---------------------------------------------------------------------------

static uint64_t file_sizes[PAGES] = {SMALL, MEDIUM, 0};

// The head is complete. False: it is not what was asked for.
static bool begin_body(struct visitor *v)
{
    enum page page = v->awaited[0];
    v->head[v->head_len] = '\0';
    const char *length = strcasestr(v->head, "\r\nContent-Length: ");
    if (v->awaited_count == 0 || strncmp(v->head, "HTTP/1.1 200 ", 13) != 0 || !length)
        return false;
    v->left = strtoull(length + 18, NULL, 10);
    if (page == PAGE_LARGE && file_sizes[page] == 0)
        file_sizes[page] = v->left;
    if (v->left != file_sizes[page])
        return false;
    v->closes = strcasestr(v->head, "\r\nConnection: close\r\n") != NULL;
    v->at = 0;
    v->in_body = true;
    int64_t took = now - v->asked;
    totals.slowest = took > totals.slowest ? took : totals.slowest;
    if (took > SLOW && !v->noted_slow)
        note(v, CAUSE_SLOW);
    v->asked = now;
    v->noted_slow = false;
    return true;
}

// An answer is complete. False: the connection ends with it.
static bool end_body(struct visitor *v)
{
    totals.answers++;
    v->in_body = false;
    v->head_len = 0;
    memmove(v->awaited, v->awaited + 1, --v->awaited_count * sizeof(v->awaited[0]));
    if (v->closes && v->role != FRESH) {
        // It is a failure however polite; requests behind it are lost as well.
        fail(v, v->awaited_count ? CAUSE_RACED : CAUSE_TOLD);
        return false;
    }
    if (v->role == FRESH) {
        rest(v);
        leave(v);
        return false;
    }
    if (v->awaited_count == 0)
        rest(v);
    return true;
}

// Takes bytes of a head. Returns how many; -1: it is none.
static ssize_t feed_head(struct visitor *v, const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (v->head_len + 1 >= sizeof(v->head))
            return -1;
        v->head[v->head_len++] = data[i];
        if (v->head_len >= 4 && memcmp(v->head + v->head_len - 4, "\r\n\r\n", 4) == 0)
            return begin_body(v) ? (ssize_t)i + 1 : -1;
    }
    return (ssize_t)len;
}

static void feed(struct visitor *v, const char *data, size_t len)
{
    while (len) {
        if (!v->in_body) {
            ssize_t n = v->awaited_count ? feed_head(v, data, len) : -1;
            if (n < 0) {
                fail(v, CAUSE_STATUS);
                return;
            }
            data += n;
            len -= (size_t)n;
        }
        size_t n = v->in_body ? (size_t)MIN(v->left, (uint64_t)len) : 0;
        for (size_t i = 0; i < n; i++) {
            if (data[i] != pattern_at(v->at + i)) {
                fail(v, CAUSE_BYTE);
                return;
            }
        }
        v->at += n;
        v->left -= n;
        totals.bytes += n;
        data += n;
        len -= n;
        if (v->in_body && v->left == 0 && !end_body(v))
            return;
    }
}

static void receive(struct visitor *v)
{
    static char data[256 << 10];
    size_t most = v->role == DOWNLOADING ? READ_SIZE : sizeof(data);
    ssize_t n = recv(v->fd, data, most, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        fail_end(v, n < 0);
        return;
    }
    feed(v, data, (size_t)n);
    if (v->fd >= 0 && v->role == DOWNLOADING && v->in_body)
        v->wake = now + READ_PAUSE;
}

// ---- turns -------------------------------------------------------------------------------------

static void handle(struct visitor *v, uint32_t events)
{
    if (v->fd < 0)
        return;
    if (!v->connected) {
        int error = 0;
        socklen_t len = sizeof(error);
        getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            fail(v, error == ECONNREFUSED ? CAUSE_REFUSED : CAUSE_TURNED);
            return;
        }
        if (!(events & EPOLLOUT))
            return;
        v->connected = true;
        connecting--;
        ask(v);
    }
    if (events & EPOLLOUT)
        send_due(v);
    if (v->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        receive(v);
    settle(v);
}

static void tick(struct visitor *v)
{
    if (v->fd < 0) {
        if (connecting < AT_ONCE && v->wake <= now)
            come(v);
        return;
    }
    bool waits = !v->connected || (v->awaited_count && v->out_sent == v->out_len && !v->in_body);
    if (waits && now - v->asked > SLOW && !v->noted_slow) {
        note(v, CAUSE_SLOW);
        v->noted_slow = true;
    }
    if (waits && now - v->asked > PATIENCE) {
        fail(v, CAUSE_NEVER);
        return;
    }
    if (v->wake && v->wake <= now) {
        if (v->at_rest)
            ask(v);
        v->wake = 0;
        send_due(v);
        settle(v);
    }
}

// Everybody but those idle, who have nothing to do with time, every other ms; those once in a
// while.
static void tick_all(void)
{
    static int64_t last, last_of_all;
    if (now - last < 2)
        return;
    last = now;
    bool all = now - last_of_all >= 100 || connecting;
    if (all)
        last_of_all = now;
    for (size_t i = 0; i < visitor_count; i++)
        if (all || visitors[i].role != IDLE || visitors[i].fd < 0)
            tick(&visitors[i]);
}

static bool all_have_come(void)
{
    for (size_t i = 0; i < visitor_count; i++)
        if (visitors[i].role != FRESH && visitors[i].role != DOWNLOADING &&
            (!visitors[i].came || visitors[i].fd < 0))
            return false;
    return true;
}

// ---- the command -------------------------------------------------------------------------------

static void report(void)
{
    uint64_t there[ROLES] = {0}, stuck[ROLES] = {0};
    for (size_t i = 0; i < visitor_count; i++) {
        const struct visitor *v = &visitors[i];
        there[v->role] += v->fd >= 0 && v->connected;
        stuck[v->role] += v->fd >= 0 && v->connected && v->awaited_count && !v->in_body &&
                          v->out_sent == v->out_len && now - v->asked > SLOW / 2;
    }
    printf("{\"answers\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"failures\": %" PRIu64
           ", \"slowest_ms\": %" PRId64,
           totals.answers, totals.bytes, totals.failures, totals.slowest);
#define X(id, name, text) printf(", \"" name "\": %" PRIu64, totals.causes[CAUSE_##id]);
    CAUSE_TABLE(X)
#undef X
    for (size_t r = 0; r < ROLES; r++) {
        uint64_t failures = 0;
        for (size_t c = 0; c < CAUSES; c++)
            failures += c == CAUSE_SLOW ? 0 : totals.by_role[r][c];
        printf(", \"%s\": {\"there\": %" PRIu64 ", \"stuck\": %" PRIu64 ", \"failures\": %" PRIu64
               "}",
               role_names[r], there[r], stuck[r], failures);
    }
    printf("}\n");
    fflush(stdout);
}

static bool asking; // "ask" was said, and not all have their answers

static void ask_all(void)
{
    for (size_t i = 0; i < visitor_count; i++) {
        if (visitors[i].role == IDLE && visitors[i].fd >= 0 && visitors[i].at_rest) {
            ask(&visitors[i]);
            send_due(&visitors[i]);
            settle(&visitors[i]);
        }
    }
    asking = true;
}

static void end_asking(void)
{
    size_t answered = 0;
    for (size_t i = 0; i < visitor_count; i++) {
        if (visitors[i].role != IDLE)
            continue;
        if (visitors[i].fd < 0 || !visitors[i].at_rest)
            return;
        answered++;
    }
    printf("answered %zu\n", answered);
    fflush(stdout);
    asking = false;
}

// False: it is the end.
static bool obey(void)
{
    char line[100];
    ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
    line[n > 0 ? n : 0] = '\0';
    if (strncmp(line, "report", 6) == 0)
        report();
    else if (strncmp(line, "ask", 3) == 0)
        ask_all();
    else
        return false;
    return true;
}

static void run(void)
{
    struct epoll_event events[512];
    bool is_ready = false, goes_on = true;
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
        die("epoll_ctl");
    while (goes_on) {
        int n = epoll_wait(poller, events, ARRAY_SIZE(events), 2);
        now = clock_ms();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                handle(events[i].data.ptr, events[i].events);
            else
                goes_on = obey();
        }
        tick_all();
        if (!is_ready && all_have_come()) {
            is_ready = true;
            memset(&totals, 0, sizeof(totals)); // what it took to get in is not the question
            printf("ready\n");
            fflush(stdout);
        }
        if (asking)
            end_asking();
    }
    report();
}

static int make_file(const char *path, uint64_t size)
{
    FILE *f = fopen(path, "we");
    if (!f)
        die(path);
    for (uint64_t i = 0; i < size; i++)
        putc_unlocked(pattern_at(i), f);
    return fclose(f) == 0 ? 0 : 2;
}

static bool parse_options(int argc, char **argv)
{
    static const struct option known[] = {{"idle", required_argument, NULL, IDLE},
                                          {"plain", required_argument, NULL, PLAIN},
                                          {"pipelining", required_argument, NULL, PIPELINING},
                                          {"halting", required_argument, NULL, HALTING},
                                          {"downloading", required_argument, NULL, DOWNLOADING},
                                          {"fresh", required_argument, NULL, FRESH},
                                          {"seed", required_argument, NULL, 's'},
                                          {0}};
    size_t counts[ROLES] = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 's')
            random_state = strtoull(optarg, NULL, 10) + 1;
        else if (option < ROLES)
            counts[option] = strtoull(optarg, NULL, 10);
        else
            return false;
    }
    for (size_t r = 0; r < ROLES; r++)
        visitor_count += counts[r];
    visitors = calloc(visitor_count + 1, sizeof(*visitors));
    assert(visitors);
    for (size_t r = 0, i = 0; r < ROLES; r++)
        for (size_t n = 0; n < counts[r]; n++)
            visitors[i++] = (struct visitor){.fd = -1, .role = (enum role)r};
    while (optind < argc && target_count < ARRAY_SIZE(targets) &&
           target_parse(argv[optind], &targets[target_count])) {
        optind++;
        target_count++;
    }
    return optind == argc && target_count > 0 && visitor_count > 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--make") == 0)
        return make_file(argv[2], strtoull(argv[3], NULL, 10));
    if (!parse_options(argc, argv)) {
        fprintf(stderr,
                "usage: %s [--idle N] [--plain N] [--pipelining N] [--halting N] "
                "[--downloading N] [--fresh N] [--seed S] ADDRESS...\n"
                "       %s --make FILE SIZE\n",
                argv[0], argv[0]);
        return 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1");
    now = clock_ms();
    run();
    return 0;
}
