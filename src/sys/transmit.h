// Bytes in and out of sockets that never block: one system call per function, EINTR retried,
// SIGPIPE never raised (transmit_file() needs the process to ignore it: sendfile has no flag).
//
// All return the number of bytes moved, or a negative errno; -EAGAIN: try when the poller says.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

// 0: the peer has finished sending.
ssize_t transmit_receive(int socket, void *data, size_t len);

// Sends the parts in order, as much as goes now. `more`: further bytes follow at once, so a last
// segment that is not full may wait for them (MSG_MORE).
ssize_t transmit_send(int socket, struct iovec *parts, int count, bool more);

// Whether the functions here can be used with it: a stream socket that is or was connected, and on
// which nothing blocks.
bool transmit_is_stream(int socket);

// Bytes that were sent but have not reached the peer yet (not acknowledged, or for a UNIX socket
// not read); 0 when that cannot be told.
uint64_t transmit_queued(int socket);

// Sends at most `len` bytes of `file` from `offset`. 0: the file ends before offset, it was
// shortened; there is no progress to be had by trying again.
ssize_t transmit_file(int socket, int file, uint64_t offset, size_t len);
