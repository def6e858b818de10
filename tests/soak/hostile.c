// Throws hostile connections at a server and checks every byte that comes back.
//
// usage: hostile [--seed S] [--count N] [--only N] [--at-once N] [--patience MS] [--deadline MS]
//                [--scarce] ADDRESS
//
// ADDRESS is 127.0.0.1:PORT, [::1]:PORT, unix:PATH or unix:@NAME. A connection that is answered by
// what is not HTTP, not as its requests in good order ask, or that is still open after the
// deadline, is a fault: it is named with its seed and number, and --only makes it again alone.
// --patience: the server's shortest timeout; from then on 408 and being cut off are right as well,
// for on a busy machine this program is slow. --scarce: the server may be out of room, and turn
// connections away. Exit status 1 when there was a fault.
#include "attack.h"
#include "common.h"
#include "target.h"
#include "verdict.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAULTS_MAX 20

// How connections ended.
#define OUTCOME_TABLE(X)                       \
    X(COMPLETE, "answered, then closed by us") \
    X(ENDED, "closed by the server")           \
    X(LEFT, "left by us")                      \
    X(RESET, "reset by the server")            \
    X(TURNED_AWAY, "turned away")

enum outcome {
#define X(id, text) OUTCOME_##id,
    OUTCOME_TABLE(X)
#undef X
        OUTCOMES
};

struct client {
    int fd; // -1: free
    uint64_t number;
    struct attack attack;
    struct verdict verdict;
    size_t sent;
    unsigned piece;
    bool sending;  // there is more to send
    bool stalling; // does not read
    bool refused;  // sending failed: the server has closed, and perhaps has reset
    int64_t wake;  // ms; sends or reads no earlier
    int64_t born;
    uint32_t interest;
};

static struct {
    uint64_t seed, first, count, at_once;
    int64_t patience; // ms
    int64_t deadline; // ms
    bool scarce;
    struct target target;
} options = {.seed = 1, .count = 1000, .at_once = 256, .patience = 1000, .deadline = 15000};

static struct {
    uint64_t outcomes[OUTCOMES];
    uint64_t statuses[6];
    uint64_t answers;
    uint64_t faults;
} totals;

static int poller;
static uint64_t open_clients;

// ---- the end of a connection -------------------------------------------------------------------

static void finish(struct client *c, enum outcome outcome)
{
    if (c->verdict.turned_away && outcome != OUTCOME_LEFT)
        outcome = OUTCOME_TURNED_AWAY;
    if (c->verdict.turned_away && !options.scarce && !c->verdict.fault && !c->attack.has_tail)
        c->verdict.fault = "turned away, though there is room";
    totals.outcomes[outcome]++;
    totals.answers += c->verdict.answers;
    for (size_t i = 0; i < ARRAY_SIZE(totals.statuses); i++)
        totals.statuses[i] += c->verdict.statuses[i];
    if (c->verdict.fault) {
        totals.faults++;
        printf("fault: seed %" PRIu64 ", connection %" PRIu64
               ": %s, after %u answers (%u known), %zu of %zu bytes sent, end %u, %" PRId64 " ms\n",
               options.seed, c->number, c->verdict.fault, c->verdict.answers, c->attack.known_count,
               c->sent, c->attack.len, (unsigned)c->attack.end, clock_ms() - c->born);
    }
    close(c->fd);
    c->fd = -1;
    verdict_cleanup(&c->verdict);
    attack_cleanup(&c->attack);
    open_clients--;
}

// A reset is right after an answer that closes, or when something was sent that no server needs to
// read; it must not hit who keeps to the rules.
static void take_reset(struct client *c)
{
    bool keeps_to_rules = !c->attack.has_tail && c->attack.end != ATTACK_STALL &&
                          !c->verdict.closing && !c->verdict.late && !options.scarce;
    if (keeps_to_rules)
        c->verdict.fault = "reset, though all that was sent is in good order";
    finish(c, OUTCOME_RESET);
}

static void reset(struct client *c)
{
    struct linger at_once = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

// ---- sending -----------------------------------------------------------------------------------

// All is sent. False: the connection is over.
static bool end_sending(struct client *c)
{
    c->sending = false;
    if (c->attack.end == ATTACK_FINISH)
        shutdown(c->fd, SHUT_WR);
    if (c->attack.end == ATTACK_RESET)
        reset(c);
    if (c->attack.end == ATTACK_CLOSE || c->attack.end == ATTACK_RESET)
        finish(c, OUTCOME_LEFT);
    return c->fd >= 0;
}

// Sends what is due. False: the connection is over.
static bool send_due(struct client *c, int64_t time)
{
    while (c->sending && c->wake <= time) {
        size_t end = c->attack.pieces[c->piece].end;
        ssize_t n = end == c->sent ? 0
                                   : send(c->fd, c->attack.data + c->sent, end - c->sent,
                                          MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
            return true;
        if (n < 0) { // what it said before may still be read
            c->sending = false;
            c->refused = true;
            return true;
        }
        c->sent += (size_t)n;
        if (c->sent < end)
            return true;
        c->wake = time + c->attack.pieces[c->piece].pause;
        if (++c->piece == c->attack.piece_count)
            return end_sending(c);
    }
    return true;
}

// ---- receiving ---------------------------------------------------------------------------------

// A client that sent all in good order and has all answers leaves.
static bool is_satisfied(const struct client *c)
{
    return !c->sending && c->attack.end != ATTACK_FINISH && !c->attack.has_tail &&
           !c->verdict.closing && verdict_is_complete(&c->verdict);
}

static void receive(struct client *c)
{
    static char data[128 << 10];
    c->verdict.late = clock_ms() - c->born >= options.patience;
    ssize_t n = recv(c->fd, data, sizeof(data), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0 || (n == 0 && c->refused)) { // the error was told once, when it was sent
        take_reset(c);
    } else if (n == 0) {
        // A client that did not read for long may be cut off anywhere.
        if (c->attack.end != ATTACK_STALL && !options.scarce)
            verdict_end(&c->verdict);
        finish(c, OUTCOME_ENDED);
    } else if (!verdict_feed(&c->verdict, data, (size_t)n) || is_satisfied(c)) {
        finish(c, OUTCOME_COMPLETE);
    }
}

// ---- one connection ----------------------------------------------------------------------------

static void settle(struct client *c, int64_t time)
{
    struct epoll_event event = {.data.ptr = c};
    if (c->sending && c->wake <= time)
        event.events |= EPOLLOUT;
    if (!c->stalling)
        event.events |= EPOLLIN;
    if (event.events != c->interest && epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event) < 0)
        die("epoll_ctl");
    c->interest = event.events;
}

// False: not now (no port, no room in the queue).
static bool start(struct client *c, uint64_t number)
{
    int error, fd = target_connect(&options.target, 0, &error);
    if (fd < 0)
        die("socket");
    if (error) {
        errno = error;
        if (error != EAGAIN && error != EADDRNOTAVAIL)
            die("connect");
        close(fd);
        return false;
    }
    *c = (struct client){.fd = fd, .number = number, .sending = true, .born = clock_ms()};
    attack_make(&c->attack, options.seed, number);
    verdict_init(&c->verdict, &c->attack);
    c->stalling = c->attack.end == ATTACK_STALL;
    c->interest = EPOLLOUT;
    struct epoll_event event = {.events = c->interest, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        die("epoll_ctl");
    open_clients++;
    return true;
}

static void handle(struct client *c, uint32_t events, int64_t time)
{
    if (c->fd < 0)
        return;
    if ((events & EPOLLOUT) && !send_due(c, time))
        return;
    // Errors are reported whether they are asked for or not.
    if ((events & (EPOLLERR | EPOLLHUP)) || ((events & EPOLLIN) && !c->stalling))
        receive(c);
    if (c->fd >= 0)
        settle(c, time);
}

// Does for a client what is due with time.
static void tick(struct client *c, int64_t time)
{
    if (c->fd < 0)
        return;
    if (time - c->born > options.deadline) {
        c->verdict.fault = "still open";
        finish(c, OUTCOME_LEFT);
        return;
    }
    if (c->stalling && time - c->born >= c->attack.stall)
        c->stalling = false;
    settle(c, time);
}

static void run(void)
{
    struct client *clients = calloc(options.at_once, sizeof(*clients));
    struct epoll_event events[256];
    uint64_t next = options.first, end = options.first + options.count;
    assert(clients);
    for (uint64_t i = 0; i < options.at_once; i++)
        clients[i].fd = -1;
    while ((next < end && totals.faults < FAULTS_MAX) || open_clients) {
        bool refused = false;
        for (uint64_t i = 0; i < options.at_once; i++) {
            tick(&clients[i], clock_ms());
            if (clients[i].fd < 0 && next < end && totals.faults < FAULTS_MAX && !refused) {
                refused = !start(&clients[i], next);
                next += !refused;
            }
        }
        int n = epoll_wait(poller, events, ARRAY_SIZE(events), 1);
        for (int i = 0; i < n; i++)
            handle(events[i].data.ptr, events[i].events, clock_ms());
    }
    free(clients);
}

// ---- the command -------------------------------------------------------------------------------

static bool parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 's'},     {"count", required_argument, NULL, 'c'},
        {"only", required_argument, NULL, 'o'},     {"at-once", required_argument, NULL, 'a'},
        {"deadline", required_argument, NULL, 'd'}, {"patience", required_argument, NULL, 'p'},
        {"scarce", no_argument, NULL, 'x'},         {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        uint64_t value = optarg ? strtoull(optarg, NULL, 10) : 0;
        if (option == 's')
            options.seed = value;
        else if (option == 'c')
            options.count = value;
        else if (option == 'o')
            options.first = value, options.count = 1;
        else if (option == 'a')
            options.at_once = value;
        else if (option == 'd')
            options.deadline = (int64_t)value;
        else if (option == 'p')
            options.patience = (int64_t)value;
        else if (option == 'x')
            options.scarce = true;
        else
            return false;
    }
    return optind + 1 == argc && target_parse(argv[optind], &options.target);
}

static void report(void)
{
    static const char *const texts[] = {
#define X(id, text) text,
        OUTCOME_TABLE(X)
#undef X
    };
    printf("seed %" PRIu64 ": %" PRIu64 " connections, %" PRIu64 " faults", options.seed,
           options.count, totals.faults);
    for (size_t i = 0; i < OUTCOMES; i++)
        printf(", %" PRIu64 " %s", totals.outcomes[i], texts[i]);
    printf("; %" PRIu64 " answers:", totals.answers);
    for (size_t i = 2; i < ARRAY_SIZE(totals.statuses); i++)
        printf(" %" PRIu64 " of %zuxx", totals.statuses[i], i);
    printf("\n");
}

int main(int argc, char **argv)
{
    if (!parse_options(argc, argv)) {
        fprintf(stderr,
                "usage: %s [--seed S] [--count N] [--only N] [--at-once N] [--patience MS] "
                "[--deadline MS] [--scarce] ADDRESS\n",
                argv[0]);
        return 2;
    }
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0)
        die("epoll_create1");
    run();
    report();
    return totals.faults > 0;
}
