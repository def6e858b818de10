#include "sys/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for one descriptor. Alignment may make it enough for two, so what comes is counted.
union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

int fdpass_pair(int fds[static 2])
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    fds[0] = pair[0];
    fds[1] = pair[1];
    return 0;
}

static bool is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ECONNREFUSED || error == ENOTCONN;
}

int fdpass_send(int sock, const void *data, size_t len, int fd)
{
    assert(len > 0); // an empty message looks like the end of file
    union control control = {{0}};
    struct iovec part = {(void *)(uintptr_t)data, len};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t n;

    if (fd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return is_gone(errno) ? -EPIPE : -errno;
    return 0; // a packet goes as a whole
}

// Takes the first descriptor of the message and closes all others. Returns how many there were.
static size_t take_fds(struct msghdr *m, int *ret_fd)
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (count++ == 0)
                *ret_fd = fd;
            else
                close(fd);
        }
    }
    return count;
}

ssize_t fdpass_receive(int sock, void *data, size_t cap, int *ret_fd)
{
    union control control;
    struct iovec part = {data, cap};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    int fd = -1;
    ssize_t n;

    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        // The other end closed with messages of ours unread: nothing more will come.
        if (!is_gone(errno))
            return -errno;
        n = 0;
        m.msg_controllen = 0;
        m.msg_flags = 0;
    }
    size_t count = take_fds(&m, &fd);
    if (count > 1 || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        if (fd >= 0)
            close(fd);
        return -EMSGSIZE;
    }
    *ret_fd = fd;
    return n;
}
