#include "sys/fdpass.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for the descriptors. Alignment may make it enough for one more, so what comes is counted.
union control {
    char bytes[CMSG_SPACE(FDPASS_MAX * sizeof(int))];
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

void fdpass_enlarge(int sock, int bytes)
{
    if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static bool is_gone(int error)
{
    return error == EPIPE || error == ECONNRESET || error == ECONNREFUSED || error == ENOTCONN;
}

static void put_fds(struct msghdr *m, union control *control, const int *fds, size_t count)
{
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(c), fds, count * sizeof(int));
}

int fdpass_send_parts(int sock, const struct iovec *parts, size_t count, const int *fds,
                      size_t fd_count)
{
    assert(fd_count <= FDPASS_MAX);
    union control control = {{0}};
    // Nothing is written through an iovec that is only sent.
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    ssize_t n;
    if (fd_count)
        put_fds(&m, &control, fds, fd_count);
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return is_gone(errno) ? -EPIPE : -errno;
    return 0; // a packet goes as a whole
}

int fdpass_send(int sock, const void *data, size_t len, int fd)
{
    assert(len > 0); // an empty message looks like the end of file
    const struct iovec part = {(void *)(uintptr_t)data, len};
    return fdpass_send_parts(sock, &part, 1, &fd, fd >= 0);
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

// Takes the first descriptors of the message, at most FDPASS_MAX, and closes all others. Returns
// how many there were.
static size_t take_fds(struct msghdr *m, int fds[static FDPASS_MAX])
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (count < FDPASS_MAX)
                fds[count] = fd;
            else
                close(fd);
            count++;
        }
    }
    return count;
}

ssize_t fdpass_receive_many(int sock, void *data, size_t cap, int fds[static FDPASS_MAX],
                            size_t *ret_count)
{
    union control control;
    struct iovec part = {data, cap};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
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
    size_t count = take_fds(&m, fds);
    if (count > FDPASS_MAX || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
        close_all(fds, count < FDPASS_MAX ? count : FDPASS_MAX);
        return -EMSGSIZE;
    }
    *ret_count = count;
    return n;
}

ssize_t fdpass_receive(int sock, void *data, size_t cap, int *ret_fd)
{
    int fds[FDPASS_MAX];
    size_t count;
    ssize_t n = fdpass_receive_many(sock, data, cap, fds, &count);
    if (n < 0)
        return n;
    if (count > 1) {
        close_all(fds, count);
        return -EMSGSIZE;
    }
    *ret_fd = count ? fds[0] : -1;
    return n;
}
