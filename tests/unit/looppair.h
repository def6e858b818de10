// Two event loops that a test drives by hand: one hands over, one takes. As loopfixture.h, and
// linked with $(wrap_pair).
#pragma once

#include "loopfixture.h"
#include "scarce.h"
#include "slowsocket.h"

#include "server/handoff.h"
#include "sys/listener.h"

#include <sys/un.h>

// ---- a poller that is full ----------------------------------------------------------------------

static bool poller_is_full;

int __real_poller_add(struct poller *p, int fd, uint32_t interest, void *source);
int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source);

int __wrap_poller_add(struct poller *p, int fd, uint32_t interest, void *source)
{
    return poller_is_full ? -ENOSPC : __real_poller_add(p, fd, interest, source);
}

// ---- two loops ----------------------------------------------------------------------------------

// One loop that hands over, and one that takes.
struct pair {
    struct fixture *from, *to;
    int sockets[2];
    size_t fds; // that were open before
};

static MAYBE_UNUSED int unix_listener(struct fixture *f)
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
static MAYBE_UNUSED void pair_start(struct pair *p, struct fixture *f)
{
    char log[PATH_MAX];
    f->listeners[1] = unix_listener(f);
    f->service.listener_count = 2;
    f->service.access_log = open(tempdir_path(&f->dir, "log", log),
                                 O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(f->service.access_log >= 0);
    for (int l = 0; l < 2; l++)
        assert_int_equal(listener_address(p->from->listeners[l], &f->addresses[l]), 0);
    fixture_start(f);
}

// The second serves the files of the first: an answer does not change on the way.
static MAYBE_UNUSED void share_root(const struct fixture *from, struct fixture *to)
{
    struct sites_failure failed;
    sites_close(&to->sites);
    to->conf->sites[0].root = strcpy(to->conf->sites[0].root, from->dir.path);
    assert_int_equal(sites_open(&to->sites, to->conf, &failed), 0);
}

// Each with one option, or NULL.
static MAYBE_UNUSED struct pair pair_make(const char *from_name, const char *from_value,
                                          const char *to_name, const char *to_value)
{
    struct pair p = {.fds = count_fds()};
    p.from = fixture_open_unstarted(from_name, from_value, NULL);
    p.to = fixture_open_unstarted(to_name, to_value, NULL);
    assert_int_equal(handoff_pair(p.sockets), 0);
    p.from->service.handoff_out = p.sockets[1];
    p.to->service.handoff_in = p.sockets[0];
    share_root(p.from, p.to);
    pair_start(&p, p.from);
    pair_start(&p, p.to);
    return p;
}

static MAYBE_UNUSED struct pair pair_open(void)
{
    return pair_make(NULL, NULL, NULL, NULL);
}

static MAYBE_UNUSED void pair_close(struct pair *p)
{
    fixture_close(p->from);
    fixture_close(p->to);
    close(p->sockets[0]);
    close(p->sockets[1]);
    assert_int_equal(count_fds(), p->fds);
}

static MAYBE_UNUSED struct client client_open_unix(const struct fixture *f)
{
    struct client c = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_un to;
    socklen_t len = sizeof(to);
    assert_int_equal(getsockname(f->listeners[1], (struct sockaddr *)&to, &len), 0);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&to, len), 0);
    return c;
}

static MAYBE_UNUSED void pair_rounds(struct pair *p, int count)
{
    for (int i = 0; i < count; i++) {
        fixture_round(p->from);
        fixture_round(p->to);
    }
}

// Moves the only connection.
static MAYBE_UNUSED void pair_move(struct pair *p)
{
    assert_int_equal(handoff_send(&p->from->loop, fixture_conn(p->from)), HANDOFF_SENT);
    assert_int_equal(p->from->loop.connections, 0);
    assert_int_equal(handoff_take(&p->to->loop, p->sockets[0]), HANDOFF_TAKEN);
    assert_int_equal(p->to->loop.connections, 1);
    fixture_round(p->from); // its slot is free again
}

// The deadlines of a loop stand in order.
static MAYBE_UNUSED void assert_ordered(const struct loop *l)
{
    for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
        const struct list *all = &l->deadlines.lists[i];
        int64_t last = INT64_MIN;
        for (struct list *link = all->next; link != all; link = link->next) {
            int64_t since = CONTAINER_OF(link, struct deadline, link)->since;
            assert_true(since >= last);
            last = since;
        }
    }
}

// So little goes at once.
static MAYBE_UNUSED void pair_narrow(const struct pair *p, int bytes)
{
    assert_int_equal(setsockopt(p->sockets[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
}

// Nothing of a test that failed is left to the next.
static MAYBE_UNUSED int pair_setup(void **state)
{
    (void)state;
    allowance = -1;
    failing_allocation = 0;
    poller_is_full = false;
    return 0;
}
