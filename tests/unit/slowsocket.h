// A socket that takes what the test allows (-Wl,--wrap=transmit_send,--wrap=transmit_file).
#pragma once

#include "tempdir.h"
#include "unit.h"

#include "sys/transmit.h"

#include <errno.h>

static ssize_t allowance = -1;      // bytes that the socket takes; negative: all that comes
static MAYBE_UNUSED unsigned sends; // calls that sent

ssize_t __real_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more);
ssize_t __real_transmit_file(int socket, int file, uint64_t offset, size_t len);
ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len);

ssize_t __wrap_transmit_send(int socket, struct iovec *parts, int count, bool more)
{
    sends++;
    if (allowance < 0)
        return __real_transmit_send(socket, parts, count, more);
    struct iovec some[2];
    int n = 0;
    size_t left = (size_t)allowance;
    for (; n < count && left; n++) {
        some[n] = (struct iovec){parts[n].iov_base, MIN(parts[n].iov_len, left)};
        left -= some[n].iov_len;
    }
    if (n == 0)
        return -EAGAIN;
    ssize_t sent = __real_transmit_send(socket, some, n, false);
    allowance -= MAX(sent, 0);
    return sent;
}

ssize_t __wrap_transmit_file(int socket, int file, uint64_t offset, size_t len)
{
    if (allowance == 0)
        return -EAGAIN;
    if (allowance > 0)
        len = MIN(len, (size_t)allowance);
    ssize_t sent = __real_transmit_file(socket, file, offset, len);
    if (allowance > 0)
        allowance -= MAX(sent, 0);
    return sent;
}
