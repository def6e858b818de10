#include "sys/transmit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

ssize_t transmit_receive(int socket, void *data, size_t len)
{
    ssize_t n;
    do
        n = recv(socket, data, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

// One part goes by send(2): the kernel has less to copy and to check than with sendmsg(2).
ssize_t transmit_send(int socket, struct iovec *parts, int count, bool more)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    int flags = MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t n;
    do
        n = count == 1 ? send(socket, parts->iov_base, parts->iov_len, flags)
                       : sendmsg(socket, &message, flags);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t transmit_file(int socket, int file, uint64_t offset, size_t len)
{
    off_t at = (off_t)offset;
    ssize_t n;
    do
        n = sendfile(socket, file, &at, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int option(int socket, int name)
{
    int value;
    socklen_t len = sizeof(value);
    return getsockopt(socket, SOL_SOCKET, name, &value, &len) < 0 ? -1 : value;
}

bool transmit_is_stream(int socket)
{
    int flags = fcntl(socket, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) && option(socket, SO_TYPE) == SOCK_STREAM &&
           option(socket, SO_ACCEPTCONN) == 0;
}

uint64_t transmit_queued(int socket)
{
    int queued;
    return ioctl(socket, SIOCOUTQ, &queued) == 0 && queued > 0 ? (uint64_t)queued : 0;
}
