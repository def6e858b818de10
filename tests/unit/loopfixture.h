// An event loop that a test drives by hand, a round at a time, with clients on the loopback
// interface and a clock that moves only when the test says so (-Wl,--wrap=clock_read).
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "cli/config.h"
#include "server/loop.h"
#include "server/sites.h"

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

#define OVERRIDES_MAX 16

struct fixture {
    struct tempdir dir;
    struct conf *conf;
    struct sites sites;
    struct mimetable types;
    struct scoreboard scoreboard;
    int listeners[16];
    _Atomic bool leaving[17];
    struct endpoint addresses[16];
    _Atomic bool draining;
    struct service service;
    struct loop loop;
    unsigned stopped_accepting;
    unsigned swapped;
};

struct client {
    int fd;
    char *got;
    size_t len, cap;
    bool eof, reset;
};

static struct clock fixture_clock;

void __wrap_clock_read(struct clock *c);
void __wrap_clock_read(struct clock *c)
{
    *c = fixture_clock;
}

static MAYBE_UNUSED void fixture_report(void *context, const char *where, const char *message)
{
    (void)context;
    fail_msg("%s: %s", where, message);
}

static MAYBE_UNUSED void fixture_stopped(void *context)
{
    struct fixture *f = context;
    f->stopped_accepting++;
}

static MAYBE_UNUSED void fixture_swapped(void *context)
{
    struct fixture *f = context;
    f->swapped++;
}

// Defaults, with the options (pairs of name and value, ended by NULL) that the test wants.
static MAYBE_UNUSED struct conf *fixture_conf(const char *root, va_list options)
{
    struct conf_override overrides[OVERRIDES_MAX] = {{"sites", root, "-"}};
    size_t count = 1;
    const char *name;
    while ((name = va_arg(options, const char *))) {
        assert_true(count < OVERRIDES_MAX);
        overrides[count++] = (struct conf_override){name, va_arg(options, const char *), "-o"};
    }
    const struct conf_source source = {
        .overrides = overrides, .override_count = count, .checkers = config_checkers()};
    struct conf *conf = conf_load(&source, fixture_report, NULL);
    assert_non_null(conf);
    return conf;
}

// Without it the kernel may keep back what a test waits for.
static MAYBE_UNUSED void set_nodelay(int fd)
{
    const int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

static MAYBE_UNUSED int fixture_listen(void)
{
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
    set_nodelay(fd);
    assert_int_equal(listen(fd, 512), 0);
    return fd;
}

// Everything but the loop; the test may change f->service before fixture_start().
static MAYBE_UNUSED struct fixture *fixture_prepare(va_list options)
{
    struct sites_failure failed;
    struct timespec real;
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    signal(SIGPIPE, SIG_IGN);
    tempdir_make(&f->dir);
    tempdir_puts(&f->dir, "index.html", "<p>index\n");
    tempdir_puts(&f->dir, "hello.txt", HELLO);
    tempdir_fill(&f->dir, "medium.bin", MEDIUM);
    tempdir_fill(&f->dir, "large.bin", LARGE);
    tempdir_mkdir(&f->dir, "sub");
    f->conf = fixture_conf(f->dir.path, options);
    assert_int_equal(sites_open(&f->sites, f->conf, &failed), 0);
    assert_int_equal(scoreboard_init(&f->scoreboard, 1), 0);
    f->listeners[0] = fixture_listen();
    f->service = (struct service){
        .conf = f->conf,
        .sites = &f->sites,
        .types = &f->types,
        .listeners = f->listeners,
        .leaving = f->leaving,
        .listener_count = 1,
        .addresses = f->addresses,
        .admin = SIZE_MAX,
        .draining = &f->draining,
        .handoff_in = -1,
        .handoff_out = -1,
        .access_log = -1,
        .scoreboard = &f->scoreboard,
        .connection_limit = 100,
        .file_limit = 64,
        .on_stopped_accepting = fixture_stopped,
        .on_swapped = fixture_swapped,
        .context = f,
    };
    clock_gettime(CLOCK_REALTIME, &real);
    // So much later that the files count as old.
    fixture_clock = (struct clock){.now = 1000000, .wall_s = real.tv_sec + 1000};
    return f;
}

static MAYBE_UNUSED void fixture_start(struct fixture *f)
{
    assert_int_equal(loop_init(&f->loop, &f->service, &f->scoreboard.slots[0]), 0);
}

// fixture_open("timeouts.idle", "1s", NULL)
#define fixture_open(...)           fixture_open_options(true, __VA_ARGS__)
#define fixture_open_unstarted(...) fixture_open_options(false, __VA_ARGS__)

static MAYBE_UNUSED struct fixture *fixture_open_options(int start, ...)
{
    va_list options;
    va_start(options, start);
    struct fixture *f = fixture_prepare(options);
    va_end(options);
    if (start)
        fixture_start(f);
    return f;
}

// One round, which does not wait.
static MAYBE_UNUSED void fixture_round(struct fixture *f)
{
    enum loop_phase wanted = (enum loop_phase)atomic_load(&f->loop.wanted);
    loop_poke(&f->loop, MAX(wanted, f->loop.phase));
    loop_round(&f->loop);
}

static MAYBE_UNUSED void fixture_pass_time(struct fixture *f, int64_t ms)
{
    fixture_clock.now += ms;
    fixture_clock.wall_s += ms / 1000;
    fixture_round(f);
}

// Ends the loop, whatever is open, and checks that nothing is left behind.
static MAYBE_UNUSED void fixture_stop(struct fixture *f)
{
    loop_poke(&f->loop, LOOP_RETIRING);
    fixture_round(f);
    fixture_clock.now += (int64_t)f->conf->timeouts.drain;
    fixture_round(f);
    assert_int_equal(f->loop.connections, 0);
    assert_int_equal(f->loop.pool.big_used, 0);
    loop_run(&f->loop); // returns at once
    loop_cleanup(&f->loop);
}

static MAYBE_UNUSED void fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < f->service.listener_count; i++)
        close(f->listeners[i]);
    if (f->service.access_log >= 0)
        close(f->service.access_log);
    scoreboard_cleanup(&f->scoreboard);
    sites_close(&f->sites);
    conf_free(f->conf);
    tempdir_remove(&f->dir);
    free(f);
}

static MAYBE_UNUSED void fixture_close(struct fixture *f)
{
    fixture_stop(f);
    fixture_free(f);
}

// The only connection of the loop.
static MAYBE_UNUSED struct conn *fixture_conn(struct fixture *f)
{
    struct conn *found = NULL;
    for (size_t i = 0; i < f->loop.chunk_count * 64; i++) {
        struct conn *c = &f->loop.chunks[i / 64][i % 64];
        if (c->state != CONN_FREE) {
            assert_null(found);
            found = c;
        }
    }
    assert_non_null(found);
    return found;
}

// Runs rounds until so many connections are open: what a client does may take a moment to arrive.
static MAYBE_UNUSED void fixture_await(struct fixture *f, uint32_t connections)
{
    for (int i = 0; i < 1000 && f->loop.connections != connections; i++) {
        if (i > 2)
            usleep(1000);
        fixture_round(f);
    }
    assert_int_equal(f->loop.connections, connections);
}

// No descriptor from this one on; 0: as many as there may be.
static MAYBE_UNUSED void limit_descriptors(rlim_t soft)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = soft ? soft : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

// ---- clients ------------------------------------------------------------------------------------

static MAYBE_UNUSED struct client client_open_at(const struct fixture *f, size_t listener)
{
    struct client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in to;
    socklen_t len = sizeof(to);
    assert_true(c.fd >= 0);
    assert_int_equal(getsockname(f->listeners[listener], (struct sockaddr *)&to, &len), 0);
    set_nodelay(c.fd);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&to, len), 0);
    return c;
}

static MAYBE_UNUSED struct client client_open(const struct fixture *f)
{
    return client_open_at(f, 0);
}

static MAYBE_UNUSED void client_close(struct client *c)
{
    close(c->fd);
    free(c->got);
    *c = (struct client){.fd = -1};
}

static MAYBE_UNUSED void client_send_bytes(const struct client *c, const void *data, size_t len)
{
    assert_int_equal(send(c->fd, data, len, MSG_NOSIGNAL), len);
}

static MAYBE_UNUSED void client_send(const struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

// Takes what has come, at most `most` bytes. True when there was something.
static MAYBE_UNUSED bool client_take(struct client *c, size_t most)
{
    if (c->cap - c->len < most + 1) {
        c->cap = c->len + most + 1;
        c->got = realloc(c->got, c->cap);
        assert_non_null(c->got);
    }
    ssize_t n = c->eof ? 0 : recv(c->fd, c->got + c->len, most, MSG_DONTWAIT);
    bool news = n > 0 || (!c->eof && !(n < 0 && errno == EAGAIN));
    c->reset = c->reset || (n < 0 && errno == ECONNRESET);
    c->eof = c->eof || (news && n <= 0);
    c->len += n > 0 ? (size_t)n : 0;
    c->got[c->len] = '\0';
    return news;
}

// Runs rounds until nothing comes for the client any more.
static MAYBE_UNUSED void client_pump(struct fixture *f, struct client *c)
{
    for (int quiet = 0; quiet < 3;) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        fixture_round(f);
        poll(&p, 1, c->eof ? 0 : 1);
        quiet = client_take(c, 65536) ? 0 : quiet + 1;
    }
}

static MAYBE_UNUSED void client_forget(struct client *c)
{
    c->len = 0;
    if (c->got)
        c->got[0] = '\0';
}

// Sends, and takes all that comes for it.
static MAYBE_UNUSED const char *client_ask(struct fixture *f, struct client *c, const char *text)
{
    client_forget(c);
    client_send(c, text);
    client_pump(f, c);
    return c->got;
}

// What follows the first head.
static MAYBE_UNUSED const char *content_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    if (!end)
        fail_msg("no head in \"%s\"", answer);
    return end + 4;
}

static MAYBE_UNUSED void assert_pattern(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != pattern_at(i))
            fail_msg("byte %zu of the content differs", i);
}
