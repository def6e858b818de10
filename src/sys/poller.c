#include "sys/poller.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

int poller_init(struct poller *p)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return -errno;
    p->fd = fd;
    return 0;
}

void poller_cleanup(struct poller *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}

static int control(struct poller *p, int op, int fd, uint32_t interest, void *source)
{
    struct epoll_event event = {.data.ptr = source};
    if (interest & POLLER_IN)
        event.events |= EPOLLIN;
    if (interest & POLLER_OUT)
        event.events |= EPOLLOUT;
    if (interest & POLLER_EXCLUSIVE)
        event.events |= EPOLLEXCLUSIVE;
    return epoll_ctl(p->fd, op, fd, &event) < 0 ? -errno : 0;
}

int poller_add(struct poller *p, int fd, uint32_t interest, void *source)
{
    return control(p, EPOLL_CTL_ADD, fd, interest, source);
}

int poller_set(struct poller *p, int fd, uint32_t interest, void *source)
{
    return control(p, EPOLL_CTL_MOD, fd, interest, source);
}

void poller_remove(struct poller *p, int fd)
{
    control(p, EPOLL_CTL_DEL, fd, 0, NULL);
}

int poller_wait(struct poller *p, struct poller_event events[static POLLER_MAX_EVENTS],
                int timeout_ms)
{
    struct epoll_event raw[POLLER_MAX_EVENTS];
    int count = epoll_wait(p->fd, raw, POLLER_MAX_EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        events[i].source = raw[i].data.ptr;
        events[i].ready = 0;
        if (raw[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            events[i].ready |= POLLER_IN;
        if (raw[i].events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            events[i].ready |= POLLER_OUT;
    }
    return count < 0 ? 0 : count;
}

bool poller_is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

bool poller_has_hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0;
}
