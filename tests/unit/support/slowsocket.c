#include "slowsocket.h"

ssize_t socket_allowance = -1;
unsigned socket_sends;

ssize_t __real_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __real_transmit_file(int socket, int file, uint64_t offset, size_t len);
ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len);

ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more)
{
    socket_sends++;
    if (socket_allowance < 0)
        return __real_transmit_send(socket, parts, count, more);
    struct iovec some[2];
    int n = 0;
    size_t left = (size_t)socket_allowance;
    for (; n < count && left; n++) {
        some[n] = (struct iovec){parts[n].iov_base, MIN(parts[n].iov_len, left)};
        left -= some[n].iov_len;
    }
    if (n == 0)
        return -EAGAIN;
    ssize_t sent = __real_transmit_send(socket, some, n, false);
    socket_allowance -= MAX(sent, 0);
    return sent;
}

ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len)
{
    if (socket_allowance == 0)
        return -EAGAIN;
    if (socket_allowance > 0)
        len = MIN(len, (size_t)socket_allowance);
    ssize_t sent = __real_transmit_file(socket, file, offset, len);
    if (socket_allowance > 0)
        socket_allowance -= MAX(sent, 0);
    return sent;
}
