// Keeps connections of every kind open at a server, uses them, and counts what is done to them.
//
// usage: visitors [--idle N] [--plain N] [--pipelining N] [--halting N] [--downloading N]
//                 [--fresh N] [--seed S] ADDRESS...
//        visitors --make FILE SIZE
//
// ADDRESS is 127.0.0.1:PORT, [::1]:PORT, unix:PATH or unix:@NAME; connections are dealt out to all
// of them. The server has small.bin, medium.bin and large.bin, made by --make: each byte tells its
// place. Idle visitors ask once and stay; the others ask again and again, some many requests at
// once, some with a pause in the middle of a request, some read slowly; fresh ones come with a new
// connection for each request. A visitor that is failed is counted by cause, and comes again.
//
// Says "ready" when all are there. Then lines from the standard input are obeyed:
//   report   says what was counted, as JSON
//   ask      lets each idle visitor ask once more; says how many were answered
//   end      the same as report, and ends
#include "common.h"
#include "visitor.h"

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
#include <unistd.h>

static const char *const role_names[] = {"idle",    "plain",       "pipelining",
                                         "halting", "downloading", "fresh"};

static struct visitor *visitors;
static size_t visitor_count;

// Everybody but those idle, who have nothing to do with time, every other ms; those once in a
// while.
static void tick_all(void)
{
    static int64_t last, last_of_all;
    if (scene.now - last < 2)
        return;
    last = scene.now;
    bool all = scene.now - last_of_all >= 100 || scene.connecting;
    if (all)
        last_of_all = scene.now;
    for (size_t i = 0; i < visitor_count; i++)
        if (all || visitors[i].role != IDLE || visitors[i].fd < 0)
            visitor_tick(&visitors[i]);
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
        stuck[v->role] += v->connected && visitor_waits(v) &&
                          scene.now - v->asked > VISITOR_SLOW / 2;
    }
    printf("{\"answers\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"failures\": %" PRIu64
           ", \"slowest_ms\": %" PRId64,
           scene.totals.answers, scene.totals.bytes, scene.totals.failures, scene.totals.slowest);
#define X(id, name, text) printf(", \"" name "\": %" PRIu64, scene.totals.causes[CAUSE_##id]);
    CAUSE_TABLE(X)
#undef X
    for (size_t r = 0; r < ROLES; r++) {
        uint64_t failures = 0;
        for (size_t c = 0; c < CAUSES; c++)
            failures += c == CAUSE_SLOW ? 0 : scene.totals.by_role[r][c];
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
            visitor_ask(&visitors[i]);
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
    if (epoll_ctl(scene.poller, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
        die("epoll_ctl");
    while (goes_on) {
        int n = epoll_wait(scene.poller, events, ARRAY_SIZE(events), 2);
        scene.now = clock_ms();
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                visitor_handle(events[i].data.ptr, events[i].events);
            else
                goes_on = obey();
        }
        tick_all();
        if (!is_ready && all_have_come()) {
            is_ready = true;
            memset(&scene.totals, 0,
                   sizeof(scene.totals)); // what it took to get in is not the question
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
        putc_unlocked(visitor_pattern(i), f);
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
            scene.random_state = strtoull(optarg, NULL, 10) + 1;
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
    while (optind < argc && scene.target_count < ARRAY_SIZE(scene.targets) &&
           target_parse(argv[optind], &scene.targets[scene.target_count])) {
        optind++;
        scene.target_count++;
    }
    return optind == argc && scene.target_count > 0 && visitor_count > 0;
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
    scene.poller = epoll_create1(EPOLL_CLOEXEC);
    if (scene.poller < 0)
        die("epoll_create1");
    scene.now = clock_ms();
    run();
    return 0;
}
