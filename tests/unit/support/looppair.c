#include "looppair.h"

// ---- a poller that is full ----------------------------------------------------------------------

bool poller_is_full;
int __real_poller_add(struct poller *p, int fd, uint32_t interest, void *source);
int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source);

int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source)
{
    return poller_is_full ? -ENOSPC : __real_poller_add(p, fd, interest, source);
}

// ---- two loops ----------------------------------------------------------------------------------

static int unix_listener(struct fixture *f)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", f->dir.path);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(fd, 10), 0);
    return fd;
}

// Both listen on TCP (0) and on a UNIX socket (1); what arrives at one, the other knows.
static void pair_start(struct pair *p, struct fixture *f)
{
    char log[PATH_MAX];
    f->listeners[1] = unix_listener(f);
    f->served.listener_count = 2;
    f->served.access_log = open(tempdir_path(&f->dir, "log", log),
                                O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(f->served.access_log >= 0);
    for (int l = 0; l < 2; l++)
        assert_int_equal(listener_address(p->from->listeners[l], &f->addresses[l]), 0);
    fixture_start(f);
}

// The second serves the files of the first: an answer does not change on the way.
static void share_root(const struct fixture *from, struct fixture *to)
{
    struct sites_failure failed;
    sites_close(&to->served.sites);
    to->conf->sites[0].root = strcpy(to->conf->sites[0].root, from->dir.path);
    assert_int_equal(sites_open(&to->served.sites, to->conf, &failed), 0);
}

void pair_connect(const struct pair *p)
{
    acceptor_add_handoff(&p->to->loop.acceptors, fcntl(p->sockets[0], F_DUPFD_CLOEXEC, 0));
}

struct pair pair_make(const char *from_name, const char *from_value, const char *to_name,
                      const char *to_value)
{
    struct pair p = {.fds = count_fds()};
    p.from = fixture_open_unstarted(from_name, from_value, NULL);
    p.to = fixture_open_unstarted(to_name, to_value, NULL);
    assert_int_equal(handoff_pair(p.sockets), 0);
    p.from->handoff_out = p.sockets[1];
    share_root(p.from, p.to);
    pair_start(&p, p.from);
    pair_start(&p, p.to);
    pair_connect(&p);
    return p;
}

struct pair pair_open(void)
{
    return pair_make(NULL, NULL, NULL, NULL);
}

void pair_close(struct pair *p)
{
    fixture_close(p->from);
    fixture_close(p->to);
    close(p->sockets[0]);
    close(p->sockets[1]);
    assert_int_equal(count_fds(), p->fds);
}

struct client client_open_unix(const struct fixture *f)
{
    struct client c = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_un to;
    socklen_t len = sizeof(to);
    assert_int_equal(getsockname(f->listeners[1], (struct sockaddr *)&to, &len), 0);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&to, len), 0);
    return c;
}

void pair_rounds(struct pair *p, int count)
{
    for (int i = 0; i < count; i++) {
        fixture_round(p->from);
        fixture_round(p->to);
    }
}

void pair_move(struct pair *p)
{
    assert_int_equal(handoff_send(&p->from->loop.ctx, fixture_conn(p->from)), HANDOFF_SENT);
    assert_int_equal(p->from->loop.ctx.slots.taken, 0);
    assert_int_equal(handoff_take(&p->to->loop.ctx, p->sockets[0]), HANDOFF_TAKEN);
    assert_int_equal(p->to->loop.ctx.slots.taken, 1);
    fixture_round(p->from); // its slot is free again
}

void assert_ordered(const struct loop *l)
{
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        const struct list *all = &l->ctx.deadlines.lists[i];
        int64_t last = INT64_MIN;
        for (struct list *link = all->next; link != all; link = link->next) {
            int64_t since = CONTAINER_OF(link, struct deadline, link)->since;
            assert_true(since >= last);
            last = since;
        }
    }
}

void pair_narrow(const struct pair *p, int bytes)
{
    assert_int_equal(setsockopt(p->sockets[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

int pair_setup(void **state)
{
    (void)state;
    socket_allowance = -1;
    failing_allocation = 0;
    poller_is_full = false;
    return 0;
}
