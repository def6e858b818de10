// An event loop that a test drives by hand, a round at a time, with clients on the loopback
// interface and a clock that moves only when the test says so (-Wl,--wrap=clock_read).
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "conf/conf_load.h"
#include "content/sites.h"
#include "server/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define HELLO  "hello, world\n"
#define MEDIUM 20000  // kept in memory, sent by reference
#define LARGE  700000 // sent from its descriptor
#define HOST   "Host: localhost\r\n"

#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define OK        "HTTP/1.1 200 OK\r\n"

struct fixture {
    struct tempdir dir;
    struct conf *conf; // of `served`
    struct served served;
    int listeners[16];
    _Atomic bool leaving[17];
    struct endpoint addresses[16];
    struct budget listing_memory;
    _Atomic bool is_unready;
    _Atomic int handoff_out; // -1: none
    struct context_shared shared;
    struct loop loop;
    unsigned stopped_accepting;
    unsigned swapped;
};

// A client, with what has come for it.
struct client {
    int fd;
    char *got;
    size_t len, cap;
    bool eof, reset;
};

// The time that clock_read() gives.
extern struct clock fixture_clock;

// A new listener on a port of the loopback interface.
int fixture_listen(void);

// A loop that serves a directory of its own (index.html, hello.txt, medium.bin, large.bin, sub),
// with the defaults but for the options given: fixture_open("timeouts.idle", "1s", NULL). With
// fixture_open_unstarted() the test may change f->served and f->shared, and then starts it.
#define fixture_open(...)           fixture_open_options(true, __VA_ARGS__)
#define fixture_open_unstarted(...) fixture_open_options(false, __VA_ARGS__)
struct fixture *fixture_open_options(int start, ...);
void fixture_start(struct fixture *f);

// One round, which does not wait.
void fixture_round(struct fixture *f);

// Moves the clock, then one round.
void fixture_pass_time(struct fixture *f, int64_t ms);

// Ends the loop, whatever is open, and checks that nothing is left behind; then the rest goes.
void fixture_stop(struct fixture *f);
void fixture_free(struct fixture *f);
void fixture_close(struct fixture *f); // both

// The only connection of the loop.
struct conn *fixture_conn(struct fixture *f);

// Runs rounds until so many connections are open: what a client does may take a moment to arrive.
void fixture_await(struct fixture *f, uint32_t connections);

// No descriptor from this one on; 0: as many as there may be.
void limit_descriptors(rlim_t soft);

// ---- clients ------------------------------------------------------------------------------------

// Connects to the first listener, or to the one at `listener`; client_close() ends it.
struct client client_open(const struct fixture *f);
struct client client_open_at(const struct fixture *f, size_t listener);
void client_close(struct client *c);

void client_send_bytes(const struct client *c, const void *data, size_t len);
void client_send(const struct client *c, const char *text);

// Takes what has come, at most `most` bytes. True when there was something.
bool client_take(struct client *c, size_t most);

// Runs rounds until nothing comes for the client any more.
void client_pump(struct fixture *f, struct client *c);

// Forgets the bytes that have come so far.
void client_forget(struct client *c);

// Sends, and takes all that comes for it.
const char *client_ask(struct fixture *f, struct client *c, const char *text);

// The text behind the first head.
const char *content_of(const char *answer);

// Fails unless it is what tempdir_fill() writes.
void assert_pattern(const char *data, size_t len);
