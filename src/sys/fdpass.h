// Whole messages, with at most one descriptor each, over SOCK_SEQPACKET pairs (unix(7)).
#pragma once

#include <stddef.h>
#include <sys/types.h>

// A connected pair, non-blocking and close-on-exec. 0 or a negative errno.
int fdpass_pair(int fds[static 2]);

// Sends one message of at least one byte; fd -1: none; the sender keeps its own. EINTR is retried,
// SIGPIPE never raised. 0 or a negative errno (-EAGAIN: full, -EPIPE: nobody there).
int fdpass_send(int sock, const void *data, size_t len, int fd);

// Receives one message of at most `cap` bytes. *ret_fd is -1 or a new close-on-exec descriptor
// that the caller owns. Returns the length, 0 at end of file, or a negative errno: -EAGAIN,
// -EMSGSIZE (too long, or descriptors were cut off: all that came are closed).
ssize_t fdpass_receive(int sock, void *data, size_t cap, int *ret_fd);
