#include "loopfixture.h"

#include "confload.h"

#define OVERRIDES_MAX 16

struct clock fixture_clock;

void __wrap_clock_read(struct clock *c);
void __wrap_clock_read(struct clock *c)
{
    *c = fixture_clock;
}

static void fixture_stopped(void *context)
{
    struct fixture *f = context;
    f->stopped_accepting++;
}

static void fixture_swapped(void *context)
{
    struct fixture *f = context;
    f->swapped++;
}

// Defaults, with the options (pairs of name and value, ended by NULL) that the test wants.
static struct conf *fixture_conf(const char *root, va_list options)
{
    struct conf_override overrides[OVERRIDES_MAX] = {{"sites", root, "-"}};
    size_t count = 1;
    const char *name;
    while ((name = va_arg(options, const char *))) {
        assert_true(count < OVERRIDES_MAX);
        overrides[count++] = (struct conf_override){name, va_arg(options, const char *), "-o"};
    }
    const struct conf_source source = {.overrides = overrides, .override_count = count};
    struct conf *conf = conf_load(&source, fail_on_report, NULL);
    assert_non_null(conf);
    return conf;
}

// Without it the kernel may keep back what a test waits for.
static void set_nodelay(int fd)
{
    const int on = 1;
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
}

int fixture_listen(void)
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

// Everything but the loop; the test may change f->served and f->shared before fixture_start().
static struct fixture *fixture_prepare(va_list options)
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
    f->served = served_make(f->conf);
    assert_int_equal(sites_open(&f->served.sites, f->conf, &failed), 0);
    assert_int_equal(scoreboard_init(&f->served.scoreboard, 1, 1), 0);
    f->listeners[0] = fixture_listen();
    f->served.listeners = f->listeners;
    f->served.listener_count = 1;
    f->served.addresses = f->addresses;
    f->served.admin = SIZE_MAX;
    assert_int_equal(proxies_init(&f->served.proxies, f->conf, ARRAY_SIZE(f->listeners)), 0);
    f->handoff_out = -1;
    f->listing_memory.limit = f->conf->limits.listing_memory;
    f->shared = (struct context_shared){
        .served = &f->served,
        .leaving = f->leaving,
        .is_unready = &f->is_unready,
        .handoff_out = &f->handoff_out,
        .listing_memory = &f->listing_memory,
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

void fixture_start(struct fixture *f)
{
    assert_int_equal(loop_init(&f->loop, &f->shared, f->served.scoreboard.places[0].slots,
                               f->served.scoreboard.places[0].notes),
                     0);
}

struct fixture *fixture_open_options(int start, ...)
{
    va_list options;
    va_start(options, start);
    struct fixture *f = fixture_prepare(options);
    va_end(options);
    if (start)
        fixture_start(f);
    return f;
}

void fixture_round(struct fixture *f)
{
    enum loop_phase wanted = (enum loop_phase)atomic_load(&f->loop.wanted);
    loop_poke(&f->loop, MAX(wanted, f->loop.ctx.phase));
    loop_round(&f->loop);
}

void fixture_pass_time(struct fixture *f, int64_t ms)
{
    fixture_clock.now += ms;
    fixture_clock.wall_s += ms / 1000;
    fixture_round(f);
}

void fixture_stop(struct fixture *f)
{
    loop_poke(&f->loop, LOOP_RETIRING);
    fixture_round(f);
    fixture_clock.now += (int64_t)f->conf->timeouts.drain;
    fixture_round(f);
    assert_int_equal(f->loop.ctx.slots.taken, 0);
    assert_int_equal(f->loop.ctx.pool.big_used, 0);
    loop_run(&f->loop); // returns at once
    loop_cleanup(&f->loop);
}

void fixture_free(struct fixture *f)
{
    for (size_t i = 0; i < f->served.listener_count; i++)
        close(f->listeners[i]);
    if (f->served.access_log >= 0)
        close(f->served.access_log);
    scoreboard_cleanup(&f->served.scoreboard);
    sites_close(&f->served.sites);
    proxies_cleanup(&f->served.proxies);
    conf_free(f->conf);
    tempdir_remove(&f->dir);
    free(f);
}

void fixture_close(struct fixture *f)
{
    fixture_stop(f);
    fixture_free(f);
}

struct conn *fixture_conn(struct fixture *f)
{
    struct conn *found = NULL;
    for (size_t i = 0; i < slots_count(&f->loop.ctx.slots); i++) {
        struct conn *c = slots_at(&f->loop.ctx.slots, i);
        if (c->state != CONN_FREE) {
            assert_null(found);
            found = c;
        }
    }
    assert_non_null(found);
    return found;
}

void fixture_await(struct fixture *f, uint32_t connections)
{
    for (struct wait w = {0}; f->loop.ctx.slots.taken != connections && wait_on(&w);)
        fixture_round(f);
    assert_int_equal(f->loop.ctx.slots.taken, connections);
}

void limit_descriptors(rlim_t soft)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = soft ? soft : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

// ---- clients ------------------------------------------------------------------------------------

struct client client_open_at(const struct fixture *f, size_t listener)
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

struct client client_open(const struct fixture *f)
{
    return client_open_at(f, 0);
}

void client_close(struct client *c)
{
    close(c->fd);
    free(c->got);
    *c = (struct client){.fd = -1};
}

void client_send_bytes(const struct client *c, const void *data, size_t len)
{
    assert_int_equal(send(c->fd, data, len, MSG_NOSIGNAL), len);
}

void client_send(const struct client *c, const char *text)
{
    client_send_bytes(c, text, strlen(text));
}

bool client_take(struct client *c, size_t most)
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

#define PUMP_MAX 10000 // rounds of 1 ms, in which a directory must have been read

// Whether a thread reads a directory for a connection, which takes as long as it likes.
static bool reads_directory(const struct fixture *f)
{
    const struct slots *slots = &f->loop.ctx.slots;
    for (size_t i = 0; i < slots_count(slots); i++)
        if (slots_at(slots, i)->state == CONN_LISTING)
            return true;
    return false;
}

void client_pump(struct fixture *f, struct client *c)
{
    for (int quiet = 0, rounds = 0; quiet < 3; rounds++) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        fixture_round(f);
        poll(&p, 1, c->eof ? 0 : 1);
        bool goes_on = client_take(c, 65536) || (reads_directory(f) && rounds < PUMP_MAX);
        quiet = goes_on ? 0 : quiet + 1;
    }
}

void client_forget(struct client *c)
{
    c->len = 0;
    if (c->got)
        c->got[0] = '\0';
}

const char *client_ask(struct fixture *f, struct client *c, const char *text)
{
    client_forget(c);
    client_send(c, text);
    client_pump(f, c);
    return c->got;
}

const char *content_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    if (!end)
        fail_msg("no head in \"%s\"", answer);
    return end + 4;
}

void assert_pattern(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != pattern_at(i))
            fail_msg("byte %zu of the content differs", i);
}
